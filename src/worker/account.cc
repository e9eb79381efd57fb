#include "worker/account.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <grp.h>
#include <optional>
#include <pwd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace mito::worker {
namespace {

constexpr std::size_t kMaxEntryBytes = 1 << 20;

std::optional<unsigned> number_of(const std::string& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Calls one of the `get…_r` functions with a buffer that is large enough; whether an entry was found.
template <class Entry, class Get>
bool look_up(Entry& entry, std::vector<char>& buffer, Get get) {
  buffer.resize(4'096);
  for (;;) {
    Entry* found = nullptr;
    const int error = get(&entry, buffer.data(), buffer.size(), &found);
    if (error != ERANGE || buffer.size() >= kMaxEntryBytes) return error == 0 && found != nullptr;
    buffer.resize(buffer.size() * 2);
  }
}

Result<gid_t> find_group(const std::string& text) {
  group entry{};
  std::vector<char> buffer;
  if (look_up(entry, buffer, [&](auto... rest) { return getgrnam_r(text.c_str(), rest...); })) return entry.gr_gid;
  if (const auto number = number_of(text)) return *number;
  return fail(ErrorCode::kUsage, fmt::format("there is no group '{}' on this machine: check --run-as", text));
}

}  // namespace

Result<Account> find_account(const std::string& text) {
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  passwd entry{};
  std::vector<char> buffer;
  bool found = look_up(entry, buffer, [&](auto... rest) { return getpwnam_r(name.c_str(), rest...); });
  if (const auto number = number_of(name); !found && number)
    found = look_up(entry, buffer, [&](auto... rest) { return getpwuid_r(*number, rest...); });
  if (!found)
    return fail(ErrorCode::kUsage, fmt::format("there is no user '{}' on this machine: check --run-as", name));
  Account account{.name = entry.pw_name,
                  .uid = entry.pw_uid,
                  .gid = entry.pw_gid,
                  .groups = {},
                  .home = entry.pw_dir,
                  .shell = entry.pw_shell};
  if (colon != std::string::npos) {
    MITO_TRY_ASSIGN(account.gid, find_group(text.substr(colon + 1)));
  }
  int count = 64;
  account.groups.resize(static_cast<std::size_t>(count));
  if (getgrouplist(account.name.c_str(), account.gid, account.groups.data(), &count) < 0) {
    account.groups.resize(static_cast<std::size_t>(count));
    getgrouplist(account.name.c_str(), account.gid, account.groups.data(), &count);
  }
  account.groups.resize(static_cast<std::size_t>(count));
  if (account.groups.size() > kMaxGroups)
    return fail(ErrorCode::kUsage, fmt::format("the user '{}' is in more than {} groups, which --run-as cannot pass on",
                                               account.name, kMaxGroups));
  return account;
}

Result<void> check_account(const Account& account, const std::filesystem::path& directory) {
  // Tried in a child, as only the kernel knows all the rules. After a fork of a program with threads it makes system
  // calls only.
  const pid_t child = fork();
  if (child == 0) {
    if (syscall(SYS_setgroups, account.groups.size(), account.groups.data()) != 0 ||
        syscall(SYS_setresgid, account.gid, account.gid, account.gid) != 0 ||
        syscall(SYS_setresuid, account.uid, account.uid, account.uid) != 0)
      _exit(1);
    _exit(access(directory.c_str(), X_OK) == 0 ? 0 : 2);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
    return fail(ErrorCode::kIo, fmt::format("--run-as could not be tried: {}", std::strerror(errno)));
  if (WEXITSTATUS(status) == 1)
    return fail(
        ErrorCode::kUsage,
        fmt::format("this worker may not run commands as '{}': start it as root, or without --run-as", account.name));
  if (WEXITSTATUS(status) == 2)
    return fail(ErrorCode::kUsage,
                fmt::format("the user '{}' cannot reach the work directory {}: choose another with --work-dir, for "
                            "instance below /var/lib",
                            account.name, directory.native()));
  return {};
}

}  // namespace mito::worker
