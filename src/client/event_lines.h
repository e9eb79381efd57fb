#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mito::client {

/// Reads a stream of server-sent events (HTML standard, section 9.2) as it comes. Only `data` counts; a line of more
/// than 1 MiB is cut. Not thread-safe.
class EventLines {
 public:
  /// The data of the events that `piece` completes.
  std::vector<std::string> take(std::string_view piece);

 private:
  void take_line(std::string_view line, std::vector<std::string>& complete);

  std::string line_;
  std::string data_;
};

}  // namespace mito::client
