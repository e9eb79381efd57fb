#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/command.h"

// What can stand next on a command line, from the declarations of the tree.
namespace mito::cli {

struct Candidate {
  std::string text;  ///< The whole word.
  std::string help;
};

/// Values that only the coordinator or the file system knows, each with a word about it. `begun` is what stands there
/// already, `given` the options before it.
using LiveValues =
    std::function<std::vector<Candidate>(Argument::Values values, const std::string& begun, const Arguments& given)>;

/// What `begun`, the word behind `before`, can become. `common` are the options of every command, where they may stand.
std::vector<Candidate> complete_words(const Command& root, std::span<const Argument> common,
                                      std::span<const std::string> before, const std::string& begun,
                                      const LiveValues& live);

/// The beginning that all candidates have alike.
std::string common_beginning(const std::vector<Candidate>& candidates);

}  // namespace mito::cli
