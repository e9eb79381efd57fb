#include "coordinator/backup.h"

#include <array>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "base/time.h"
#include "coordinator/data_directory.h"
#include "coordinator/passwords.h"
#include "security/password.h"
#include "storage/database/open.h"
#include "storage/database/sqlite/sqlite.h"

namespace mito::coordinator {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kDatabase = "mitosis.db";
constexpr std::string_view kObjects = "objects";
constexpr std::string_view kTemporary = "tmp";
constexpr std::string_view kMark = "backup-of-mitosis";
constexpr std::array<std::string_view, 1> kOtherFiles{"shutdown-secret"};

Result<fs::path> data_path(const Settings& settings) {
  if (!settings.data_dir.empty()) return settings.data_dir;
  return default_data_directory();
}

/// Only what stands in a directory of ours can be copied by us.
Result<fs::path> database_path(const Settings& settings, const fs::path& data) {
  constexpr std::string_view kScheme = "sqlite:";
  if (!settings.s3_url.empty() || (!settings.db_url.empty() && !settings.db_url.starts_with(kScheme)))
    return fail(
        ErrorCode::kUsage,
        "This coordinator keeps its tasks in PostgreSQL or its objects in S3: back those up with their own tools "
        "(pg_dump; replication or versions of the buckets), the database first.");
  if (settings.db_url.empty()) return data / kDatabase;
  return fs::path(settings.db_url.substr(kScheme.size()));
}

std::unexpected<Error> failed(std::string_view what, const fs::path& path, const std::error_code& error) {
  return fail(ErrorCode::kIo, fmt::format("Cannot {} {}: {}", what, path.string(), error.message()));
}

Result<void> make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return failed("make the directory", path, error);
  return {};
}

/// Copies what is not in `to` yet; a file that goes away meanwhile is no error.
Result<BackupSummary> copy_objects(const fs::path& from, const fs::path& to) {
  BackupSummary summary;
  std::error_code error;
  if (!fs::exists(from, error)) return summary;
  fs::recursive_directory_iterator entry(from, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry.depth() == 0 && entry->path().filename() == kTemporary) {
      entry.disable_recursion_pending();
      continue;
    }
    std::error_code gone;
    if (!entry->is_regular_file(gone)) continue;
    const fs::path place = to / entry->path().lexically_relative(from);
    if (fs::exists(place, gone)) continue;
    MITO_TRY(make_directories(place.parent_path()));
    std::error_code failure;
    if (!fs::copy_file(entry->path(), place, failure)) {
      if (failure == std::errc::no_such_file_or_directory) continue;
      return failed("copy an object to", place, failure);
    }
    ++summary.objects;
    summary.bytes += fs::file_size(place, gone);
  }
  if (error) return failed("list", from, error);
  return summary;
}

/// Returns when everything on the volume of `directory` is on the disk.
Result<void> sync_volume(const fs::path& directory) {
  const int file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = file >= 0 && ::syncfs(file) == 0;
  const std::error_code error(errno, std::generic_category());
  if (file >= 0) ::close(file);
  if (!done) return failed("sync", directory, error);
  return {};
}

Result<void> copy_private(const fs::path& from, const fs::path& to) {
  MITO_TRY_ASSIGN(const std::string content, read_small_file(from));
  return write_private_file(to, content);
}

/// The keys that lie in the data directory, and its other small files.
Result<void> copy_small_files(const Settings& settings, const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  std::vector<fs::path> names{settings.access_token_private_path.filename(),
                              settings.access_token_public_path.filename()};
  names.insert(names.end(), kOtherFiles.begin(), kOtherFiles.end());
  for (const fs::path& name : names)
    if (fs::exists(from / name, ignored)) MITO_TRY(copy_private(from / name, to / name));
  return {};
}

BackupSummary sum(const BackupSummary& a, const BackupSummary& b) {
  return {.objects = a.objects + b.objects, .bytes = a.bytes + b.bytes};
}

Result<BackupSummary> fill(const Settings& settings, const fs::path& data, const fs::path& database,
                           const fs::path& target) {
  // Objects that are there now, the database, then the objects that came while both were copied: of each row in the
  // copy of the database the object is there, unless it was made and removed meanwhile.
  MITO_TRY_ASSIGN(const BackupSummary before, copy_objects(data / kObjects, target / kObjects));
  MITO_TRY(storage::copy_sqlite(database, target / kDatabase));
  MITO_TRY_ASSIGN(const BackupSummary after, copy_objects(data / kObjects, target / kObjects));
  MITO_TRY(copy_small_files(settings, data, target));
  MITO_TRY(write_private_file(target / kMark, format_rfc3339(Clock::system().now()) + "\n"));
  MITO_TRY(sync_volume(target));
  return sum(before, after);
}

}  // namespace

Result<BackupSummary> back_up(const Settings& settings, const fs::path& target) {
  MITO_TRY_ASSIGN(const fs::path data, data_path(settings));
  MITO_TRY_ASSIGN(const fs::path database, database_path(settings, data));
  std::error_code error;
  if (!fs::exists(database, error))
    return fail(ErrorCode::kUsage,
                fmt::format("There is no database {}: name the data directory of the coordinator with "
                            "--data-dir.",
                            database.string()));
  const fs::path absolute = fs::absolute(target, error).lexically_normal();
  const fs::path place = absolute.has_filename() ? absolute : absolute.parent_path();
  if (fs::exists(place, error))
    return fail(ErrorCode::kUsage, fmt::format("{} is there already: name a new directory.", place.string()));
  fs::path partial = place;
  partial += ".partial";
  if (fs::exists(partial, error))
    return fail(ErrorCode::kUsage,
                fmt::format("{} is left of a backup that was broken off, or one is on its way: remove "
                            "it, or name another directory.",
                            partial.string()));
  MITO_TRY(make_directories(partial));
  fs::permissions(partial, fs::perms::owner_all, error);
  if (error) return failed("protect", partial, error);
  auto filled = fill(settings, data, database, partial);
  if (!filled) {
    fs::remove_all(partial, error);
    return filled;
  }
  fs::rename(partial, place, error);
  if (error) return failed("give its name to", place, error);
  MITO_TRY(sync_volume(place.parent_path()));
  return filled;
}

Result<BackupSummary> restore(const Settings& settings, const fs::path& source) {
  std::error_code error;
  if (!fs::exists(source / kMark, error) || !fs::exists(source / kDatabase, error))
    return fail(ErrorCode::kUsage,
                fmt::format("{} is not a backup made by `mito coordinator backup`.", source.string()));
  MITO_TRY_ASSIGN(const fs::path path, data_path(settings));
  MITO_TRY_ASSIGN(const fs::path database, database_path(settings, path));
  MITO_TRY_ASSIGN(const DataDirectory data, DataDirectory::open(path));
  if (fs::exists(database, error))
    return fail(ErrorCode::kUsage,
                fmt::format("{} is there already: move it and the directory {} away, or name another "
                            "data directory.",
                            database.string(), (path / kObjects).string()));
  MITO_TRY_ASSIGN(const BackupSummary objects, copy_objects(source / kObjects, path / kObjects));
  MITO_TRY(copy_small_files(settings, source, path));
  fs::path partial = database;
  partial += ".partial";
  fs::remove(partial, error);
  MITO_TRY(storage::copy_sqlite(source / kDatabase, partial));
  MITO_TRY(sync_volume(path));
  fs::rename(partial, database, error);
  if (error) return failed("give its name to", database, error);
  MITO_TRY(sync_volume(path));
  return objects;
}

Result<void> set_password_offline(const Settings& settings, std::string_view username, std::string_view password) {
  if (password.empty())
    return fail(ErrorCode::kUsage, "The new password is empty: give one of at least one character.");
  MITO_TRY_ASSIGN(const fs::path path, data_path(settings));
  MITO_TRY_ASSIGN(const DataDirectory data, DataDirectory::open(path));
  std::string url = settings.db_url;
  if (url.empty()) {
    MITO_TRY_ASSIGN(const fs::path database, database_path(settings, path));
    std::error_code ignored;
    if (!fs::exists(database, ignored))
      return fail(ErrorCode::kUsage, fmt::format("There is no database {}: name the data directory of the coordinator "
                                                 "with --data-dir.",
                                                 database.string()));
    url = "sqlite:" + database.string();
  }
  MITO_TRY_ASSIGN(const auto database, storage::open_database(url));
  MITO_TRY_ASSIGN(const auto writer, database->open_writer());
  MITO_TRY(writer->begin());
  MITO_TRY_ASSIGN(auto user, writer->user_by_name(username));
  if (!user) return fail(ErrorCode::kUsage, fmt::format("There is no user {}.", username));
  MITO_TRY_ASSIGN(user->encrypted_password, security::hash_password(security::digest_password(password)));
  user->auth_signature = new_signature();
  user->updated_at = Clock::system().now();
  MITO_TRY(writer->update_user(*user));
  return writer->commit();
}

}  // namespace mito::coordinator
