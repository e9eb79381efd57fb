#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "cli/completion.h"
#include "cli/session.h"

namespace mito::cli {

/// Asks the coordinator what tasks, workers, groups, users and attachments there are, and the file system for files. An
/// answer is used again for some seconds, so that Tab is quick; what does not come within two seconds is left out.
/// One thread, that of the session.
class LiveCandidates {
 public:
  explicit LiveCandidates(Session& session) : session_(session) {}
  std::vector<Candidate> operator()(Argument::Values values, const std::string& begun, const Arguments& given);

 private:
  struct Kept {
    std::vector<Candidate> candidates;
    std::chrono::steady_clock::time_point at;
  };
  [[nodiscard]] std::vector<Candidate> ask(Argument::Values values, const std::string& group) const;

  Session& session_;
  std::map<std::pair<Argument::Values, std::string>, Kept> kept_;
};

/// The files and directories (these with a slash behind them) that `begun` can become.
std::vector<Candidate> file_candidates(const std::string& begun, Argument::Values values);

}  // namespace mito::cli
