#include "coordinator/check.h"

#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <fmt/core.h>

#include "coordinator/data_directory.h"
#include "coordinator/engines.h"
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

Result<std::string> check_objects(const Settings& settings) {
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
