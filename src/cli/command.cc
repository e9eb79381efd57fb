#include "cli/command.h"

#include <algorithm>

namespace mito::cli {

ExitCode exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUsage:
      return ExitCode::kUsage;
    case ErrorCode::kNotLoggedIn:
    case ErrorCode::kInvalidToken:
    case ErrorCode::kWrongCredentials:
      return ExitCode::kNotLoggedIn;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kQuotaExceeded:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kNameTaken:
    case ErrorCode::kUploadRefused:
    case ErrorCode::kTooManyRequests:
    case ErrorCode::kPayloadTooLarge:
    case ErrorCode::kStorageFull:
      return ExitCode::kRefused;
    case ErrorCode::kUnavailable:
    case ErrorCode::kUnreachable:
    case ErrorCode::kTimeout:
      return ExitCode::kUnreachable;
    case ErrorCode::kInternal:
    case ErrorCode::kCancelled:
    case ErrorCode::kIo:
    case ErrorCode::kFenced:
    case ErrorCode::kProtocol:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

const Command* find_command(std::span<const Command> commands, std::string_view name) {
  const auto found = std::ranges::find_if(commands, [&](const Command& command) {
    return command.name == name || (!command.alias.empty() && command.alias == name);
  });
  return found == commands.end() ? nullptr : &*found;
}

}  // namespace mito::cli
