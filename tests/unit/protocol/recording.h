#pragma once

#include <string>
#include <vector>

namespace mito::protocol::test {

/// One request with the original's answer, from tests/recorded/recorded. What stands in the place of values that change
/// from run to run (`${task}` in requests, `<uuid:task>` in answers) is filled with values of the right form.
struct RecordedStep {
  std::string scenario;
  std::string name;
  std::string method;
  std::string path;  ///< Without query.
  std::string query;
  std::string body;
  bool body_is_whole = true;  ///< Bodies over 4096 bytes are not in the recording.
  bool plain = true;          ///< The request is of the usual form; its head is not what is tested.
  unsigned status = 0;
  std::string allow;
  std::string answer;

  [[nodiscard]] std::string title() const { return scenario + ": " + name; }
};

/// All steps; read once.
const std::vector<RecordedStep>& recording();

}  // namespace mito::protocol::test
