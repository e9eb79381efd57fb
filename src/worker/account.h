#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace mito::worker {

/// Of one user.
inline constexpr std::size_t kMaxGroups = 128;

/// A user of this machine that commands run as.
struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< All of them.
  std::string home;
  std::string shell;
};

/// Looks up `USER` or `USER:GROUP` (names or numbers). kUsage when there is no such user or group.
Result<Account> find_account(const std::string& text);

/// Whether this process may become `account`, and `account` may reach `directory`, which exists. kUsage with the
/// remedy.
Result<void> check_account(const Account& account, const std::filesystem::path& directory);

}  // namespace mito::worker
