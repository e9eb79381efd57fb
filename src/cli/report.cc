#include "cli/report.h"

#include <cstdio>
#include <ranges>
#include <string_view>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/text.h"

namespace mito::cli {

namespace {

/// The coordinator's texts, some of which end doubled.
std::string tidy(std::string text) {
  constexpr std::string_view kDoubled = "not found not found";
  if (text.ends_with(kDoubled)) text.erase(text.size() - std::string_view(" not found").size());
  return text;
}

/// Whether it was a group that is not there: its name stands in many commands that are about something else.
bool is_about_a_group(std::string_view text) {
  return text.contains("not found") &&
         (text.starts_with("Group ") || text.contains("group with name") || text.contains("Group with name"));
}

std::string_view next_step(const Error& error, std::string_view look_up) {
  if (is_about_a_group(error.text()) && !look_up.contains("admin"))
    return "mito client users groups lists the groups you are in";
  if (error.text().contains("Invalid username") || error.text().contains("Invalid group name"))
    return "a name has 1 to 255 characters: letters from a to z and A to Z, digits, _ and -";
  switch (error.code()) {
    case ErrorCode::kNotFound:
      return look_up;
    case ErrorCode::kWrongCredentials:
      return "check user name and password; to log in: mito client login USERNAME";
    case ErrorCode::kInvalidToken:
      return "log in with: mito client login USERNAME";
    case ErrorCode::kPermissionDenied:
      return "mito client users groups shows what your roles are";
    case ErrorCode::kUnreachable:
      return "is the coordinator running? --coordinator or MITO_COORDINATOR_ADDR names another address";
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return "the coordinator is there but does not answer well now; try again later";
    case ErrorCode::kInternal:
      return "the log of the coordinator says more";
    default:
      return {};
  }
}

std::string describe_plainly(const Error& error) {
  const std::string text = error.text().empty() ? std::string(to_string(error.code())) : tidy(error.text());
  std::string whole = "error: ";
  for (const auto part : std::views::split(text, '\n'))
    whole += printable(std::string_view(part)) + "\n";
  return whole;
}

}  // namespace

std::string describe_failure(const Error& error, std::string_view look_up) {
  std::string whole = describe_plainly(error);
  if (const auto step = next_step(error, look_up); !step.empty()) whole += fmt::format("hint: {}\n", step);
  return whole;
}

int report(const Error& error, std::string_view look_up) {
  std::fflush(stdout);
  if (error.code() == ErrorCode::kCancelled) {
    std::fputs("interrupted\n", stderr);
    return 130;
  }
  std::fputs(describe_failure(error, look_up).c_str(), stderr);
  return static_cast<int>(exit_code(error.code()));
}

int report_plainly(const Error& error) {
  std::fflush(stdout);
  std::fputs(describe_plainly(error).c_str(), stderr);
  return static_cast<int>(exit_code(error.code()));
}

}  // namespace mito::cli
