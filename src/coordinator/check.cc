#include "coordinator/check.h"

#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <fmt/core.h>

#include "coordinator/data_directory.h"
#include "coordinator/engines.h"
#include "coordinator/keys.h"
#include "coordinator/startup.h"
#include "storage/database/postgres/postgres.h"

namespace mito::coordinator {
namespace {

namespace fs = std::filesystem;

struct Check {
  std::string_view engine;
  bool (*wanted)(const Settings& settings);
  Result<std::string> (*look)(const Settings& settings);
};

bool always(const Settings& /*settings*/) {
  return true;
}

bool has_redis(const Settings& settings) {
  return !settings.redis_url.empty();
}

constexpr Check kChecks[] = {
    {"database", always, check_database},
    {"keys", always, check_keys},
    {"objects", always, check_objects},
    {"events", has_redis, check_redis},
};

/// A file, or the nearest existing folder in which it is to be made, must be writable.
Result<void> check_writable(const fs::path& path) {
  std::error_code error;
  fs::path place = fs::absolute(path, error);
  while (!fs::exists(place, error) && place.has_relative_path())
    place = place.parent_path();
  if (::access(place.c_str(), W_OK) == 0) return {};
  return fail(ErrorCode::kUsage,
              fmt::format("{} cannot be written: {}. Give this user the right to, or name another "
                          "place.",
                          place.string(), std::error_code(errno, std::generic_category()).message()));
}

Result<fs::path> data_directory(const Settings& settings) {
  if (!settings.data_dir.empty()) return settings.data_dir;
  return default_data_directory();
}

Result<std::string> check_sqlite(const fs::path& file) {
  std::error_code error;
  MITO_TRY(check_writable(file));
  MITO_TRY(require_local(fs::absolute(file, error).parent_path(), fmt::format("The database {}", file.string()),
                         "Name another file with --db or db_url."));
  return fmt::format("SQLite at {}{}", file.string(), fs::exists(file, error) ? "" : " (made at the first start)");
}

/// A database that several coordinators may use, so that keys and objects may be others than those it was used with;
/// none where it cannot be opened, which its own line tells.
std::unique_ptr<storage::Database> shared_database(const Settings& settings) {
  if (!storage::is_postgres_url(settings.db_url)) return nullptr;
  storage::PostgresSettings postgres;
  postgres.url = settings.db_url;
  auto database = storage::open_postgres(postgres);
  return database ? *std::move(database) : nullptr;
}

}  // namespace

Result<std::string> check_database(const Settings& settings) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (storage::is_postgres_url(settings.db_url)) {
    storage::PostgresSettings postgres;
    postgres.url = settings.db_url;
    return storage::check_postgres(postgres);
  }
  if (settings.db_url.starts_with(kSqlite)) return check_sqlite(settings.db_url.substr(kSqlite.size()));
  MITO_TRY_ASSIGN(const fs::path directory, data_directory(settings));
  return check_sqlite(directory / "mitosis.db");
}

Result<std::string> check_keys(const Settings& settings) {
  MITO_TRY_ASSIGN(const fs::path directory, data_directory(settings));
  MITO_TRY_ASSIGN(const auto keys, find_keys(settings.access_token_private_path, settings.access_token_public_path,
                                             key_folders(settings.config_files), directory));
  std::string place = keys ? keys->private_path.string() : "a pair that is made at the first start";
  if (const auto database = shared_database(settings))
    MITO_TRY(check_key_pair(*database, keys ? keys->keys.fingerprint() : "a new one", place));
  return place;
}

Result<std::string> check_objects(const Settings& settings) {
  if (const auto database = shared_database(settings)) MITO_TRY(check_object_store(*database, settings));
  if (!settings.s3_url.empty()) return check_s3(settings);
  MITO_TRY_ASSIGN(const fs::path directory, data_directory(settings));
  const fs::path objects = directory / "objects";
  MITO_TRY(check_writable(objects));
  return fmt::format("in the folder {}", objects.string());
}

std::vector<Checked> check_engines(const Settings& settings) {
  std::vector<Checked> lines;
  for (const Check& check : kChecks)
    if (check.wanted(settings)) lines.push_back({std::string(check.engine), check.look(settings)});
  return lines;
}

}  // namespace mito::coordinator
