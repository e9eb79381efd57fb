#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "coordinator/settings.h"

// Work on the data directory from outside of a running coordinator. All errors name the remedy.
namespace mito::coordinator {

struct BackupSummary {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

/// Copies database, objects and keys into the new directory `target`, also while a coordinator runs on them: the
/// database as it is at one moment, with every object it names. Nothing stands under that name before all of it is
/// there and on the disk.
Result<BackupSummary> back_up(const Settings& settings, const std::filesystem::path& target);

/// Makes the data directory from a backup. Refuses when a coordinator runs on it, or when it holds a database already.
Result<BackupSummary> restore(const Settings& settings, const std::filesystem::path& source);

/// Gives the user a new password and ends his sessions. Refuses when a coordinator runs on the data directory.
Result<void> set_password_offline(const Settings& settings, std::string_view username, std::string_view password);

}  // namespace mito::coordinator
