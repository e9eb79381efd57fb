#include "simulation/places.h"

#include <array>
#include <cstdlib>
#include <stdexcept>

#include <fmt/core.h>
#include <sqlite3.h>

#include "storage/database/memory/memory.h"
#include "storage/database/sqlite/sqlite.h"

namespace mito::simulation {
namespace {

using testing::Survivors;

class MemoryPlace final : public Place {
 public:
  Result<void> open() override { return {}; }
  storage::Database* database() override { return database_.get(); }
  std::optional<std::string> choose_misfortune(std::uint64_t, bool) override { return std::nullopt; }
  [[nodiscard]] int audit_interval() const override { return 1; }

 private:
  std::unique_ptr<storage::Database> database_ = storage::open_memory();
};

std::filesystem::path fresh_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "mito-simulation-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory can be made");
  return name;
}

struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
};
std::unique_ptr<sqlite3, Close> connect(const std::filesystem::path& path) {
  sqlite3* handle = nullptr;
  sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  return std::unique_ptr<sqlite3, Close>(handle);
}

}  // namespace

std::unique_ptr<Place> memory_place() {
  return std::make_unique<MemoryPlace>();
}

SqlitePlace::SqlitePlace(std::uint64_t seed, std::int64_t checkpoint_bytes)
    : random_(seed),
      disk_(seed),
      checkpoint_bytes_(checkpoint_bytes),
      directory_(fresh_directory()),
      path_(directory_ / "mitosis.db") {}

SqlitePlace::~SqlitePlace() {
  database_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Result<void> SqlitePlace::open() {
  if (database_) return {};
  storage::SqliteSettings settings;
  settings.path = path_;
  // A story has few pages.
  settings.writer_cache_bytes = settings.reader_cache_bytes = 1 << 20;
  settings.checkpoint_bytes = checkpoint_bytes_;
  settings.restart_bytes = 4 * checkpoint_bytes_;
  settings.room_after_bytes = checkpoint_bytes_;
  settings.busy_timeout = std::chrono::milliseconds(0);
  MITO_TRY_ASSIGN(database_, storage::open_sqlite(settings));
  return {};
}

std::string SqlitePlace::crash() {
  constexpr std::array kKinds{Survivors::kEverything, Survivors::kNothing, Survivors::kSomeWrites,
                              Survivors::kTornWrites};
  constexpr std::array kNames{"the coordinator is killed", "the power goes, what was not synced is lost",
                              "the power goes, some of what was not synced is lost",
                              "the power goes, some of what was not synced is torn"};
  // When the disk stopped in the middle of something, it was the power.
  const std::size_t kind = disk_.power_is_out() ? 1 + random_() % 3 : random_() % 4;
  disk_.crash(kKinds[kind]);
  return kNames[kind];
}

bool SqlitePlace::close() {
  database_.reset();
  return true;
}

std::optional<std::string> SqlitePlace::choose_misfortune(std::uint64_t dice, bool power) {
  if (calm_) return std::nullopt;
  const std::size_t operations = 1 + dice % 12;
  if (power) {
    disk_.cut_power_in(operations);
    return fmt::format("the power will go before the disk's operation {}", operations);
  }
  disk_.fail_in(operations);
  return fmt::format("the disk's operation {} from here will fail", operations);
}

void SqlitePlace::checkpoint(std::uint64_t dice) {
  constexpr std::array kModes{SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL, SQLITE_CHECKPOINT_RESTART,
                              SQLITE_CHECKPOINT_TRUNCATE};
  const auto connection = connect(path_);
  sqlite3_wal_checkpoint_v2(connection.get(), "main", kModes[dice % kModes.size()], nullptr, nullptr);
}

std::string SqlitePlace::examine() {
  const auto connection = connect(path_);
  std::string answer;
  const auto take = [](void* out, int, char** values, char**) {
    *static_cast<std::string*>(out) += values[0] != nullptr ? values[0] : "";
    return 0;
  };
  if (sqlite3_exec(connection.get(), "PRAGMA integrity_check; PRAGMA foreign_key_check", take, &answer, nullptr) !=
      SQLITE_OK)
    return sqlite3_errmsg(connection.get());
  return answer == "ok" ? "" : answer;
}

}  // namespace mito::simulation
