#include "worker/environment.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace mito::worker {
namespace {

constexpr std::array<std::string_view, 8> kOwn{
    "MITO_USER",     "MITO_PASSWORD", "MITO_PASSWORD_FILE", "MITO_CREDENTIAL_PATH",
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",       "MITO_LAUNCHER"};
constexpr std::array<std::string_view, 8> kIsolated{"PATH", "HOME", "USER", "SHELL", "LANG", "LC_*", "TZ", "TMPDIR"};

/// Whether `name` is `pattern`, or begins with it up to a `*`.
bool fits(std::string_view name, std::string_view pattern) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return name == pattern;
}
constexpr std::string_view kDefaultPath = "/bin:/usr/bin";  // execvp(3) without PATH

bool is_plain(const std::vector<std::string>& args) {
  return !args.empty() && !args.front().empty() && args.front().front() != '-' && !args.front().contains('=');
}

std::string_view search_path(const Environment& inherited, const Environment& own) {
  for (const auto* environment : {&own, &inherited})
    if (const auto path = environment->find("PATH"); path != environment->end()) return path->second;
  return kDefaultPath;
}

std::vector<std::string> search(const std::string& word, std::string_view path) {
  if (word.contains('/')) return {word};
  std::vector<std::string> candidates;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find(':', at), path.size());
    const auto directory = end == at ? std::string_view(".") : path.substr(at, end - at);
    std::string candidate;
    candidate.reserve(directory.size() + word.size() + 1);
    candidate.append(directory).append("/").append(word);
    // A place that did not have it the first time is not asked again.
    if (std::ranges::find(candidates, candidate) == candidates.end()) candidates.push_back(std::move(candidate));
    at = end + 1;
  }
  return candidates;
}

bool has_nul(std::string_view text) {
  return text.contains('\0');
}

/// Both are in order, so one pass merges them; `own` wins.
Words merge(const Environment& inherited, const Environment& own) {
  Words words;
  std::size_t size = 0;
  for (const auto* environment : {&inherited, &own})
    for (const auto& [name, value] : *environment)
      size += name.size() + value.size() + 2;
  words.text.reserve(size);
  auto from = inherited.begin();
  auto over = own.begin();
  while (from != inherited.end() || over != own.end()) {
    const int order = from == inherited.end() ? 1 : over == own.end() ? -1 : from->first.compare(over->first);
    const auto& [name, value] = order < 0 ? *from : *over;
    if (order <= 0) ++from;
    if (order >= 0) ++over;
    words.text.append(name).append("=").append(value).push_back('\0');
    ++words.count;
  }
  return words;
}

/// Which variable has a NUL character in it.
std::string_view name_with_nul(const Environment& inherited, const Environment& own) {
  for (const auto* environment : {&own, &inherited})
    for (const auto& [name, value] : *environment)
      if (has_nul(name) || has_nul(value)) return std::string_view(name).substr(0, name.find('\0'));
  return {};
}

}  // namespace

Environment inherited_environment() {
  Environment result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto sign = text.find('=');
    if (sign == std::string_view::npos || sign == 0) continue;
    const auto name = text.substr(0, sign);
    if (std::ranges::find(kOwn, name) == kOwn.end()) result.emplace(name, text.substr(sign + 1));
  }
  return result;
}

Environment isolated_environment(const Environment& inherited, const std::vector<std::string>& pass) {
  Environment result;
  for (const auto& variable : inherited) {
    const auto wanted = [&variable](std::string_view pattern) { return fits(variable.first, pattern); };
    if (std::ranges::any_of(kIsolated, wanted) || std::ranges::any_of(pass, wanted)) result.insert(variable);
  }
  return result;
}

Environment task_variables(const TaskSpec& spec, const TaskPlaces& places, TaskUuid task,
                           const std::optional<TaskUuid>& upstream) {
  Environment result(spec.envs.begin(), spec.envs.end());
  result.insert_or_assign("MITO_RESULT_DIR", places.result);
  result.insert_or_assign("MITO_EXEC_DIR", places.exec);
  result.insert_or_assign("MITO_RESOURCE_DIR", places.resource);
  result.insert_or_assign("MITO_NEW_TASK", places.new_task);
  result.insert_or_assign("MITO_TASK_UUID", task.to_string());
  if (upstream) result.insert_or_assign("MITO_UPSTREAM_TASK_UUID", upstream->to_string());
  return result;
}

std::expected<Command, SpawnError> make_command(const std::vector<std::string>& args, const Environment& inherited,
                                                const Environment& own) {
  if (std::ranges::any_of(args, has_nul))
    return std::unexpected(SpawnError{0, "a word of the command line holds a NUL character"});
  Command command;
  command.environment = merge(inherited, own);
  if (std::cmp_not_equal(std::ranges::count(command.environment.text, '\0'), command.environment.count))
    return std::unexpected(
        SpawnError{0, fmt::format("the environment variable {} holds a NUL character", name_with_nul(inherited, own))});
  if (is_plain(args)) {
    command.candidates = search(args.front(), search_path(inherited, own));
    command.args = args;
  } else {
    command.candidates = {"/usr/bin/env"};
    command.args = {"/usr/bin/env"};
    command.args.insert(command.args.end(), args.begin(), args.end());
  }
  return command;
}

int exit_code_of(const SpawnError& error) {
  return error.error_number == ENOENT ? 127 : 126;
}

}  // namespace mito::worker
