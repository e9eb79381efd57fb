#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "storage/database/database.h"
#include "support/forgetful_vfs.h"

namespace mito::simulation {

/// Where a simulated coordinator keeps its data.
class Place {
 public:
  virtual ~Place() = default;

  /// Opens the database, unless it is open.
  virtual Result<void> open() = 0;
  /// Null until open().
  virtual storage::Database* database() = 0;
  /// The program or the whole machine goes down. Says how. Whatever uses the database must be gone before close().
  virtual std::string crash() { return "the coordinator is gone"; }
  /// After a crash. True: the database must be opened again.
  virtual bool close() { return false; }

  /// Whether the disk has stopped in the middle of something.
  [[nodiscard]] virtual bool power_is_out() const { return false; }
  /// The disk's next misfortune; nothing: there is none here.
  virtual std::optional<std::string> choose_misfortune(std::uint64_t dice, bool power) = 0;
  /// Copies the log, as is done now and then.
  virtual void checkpoint(std::uint64_t) {}
  /// No more misfortunes.
  virtual void calm_down() {}
  /// What is wrong with the files; empty: nothing.
  virtual std::string examine() { return {}; }
  /// How many transactions go between two looks at all rows: reading them costs more here than there.
  [[nodiscard]] virtual int audit_interval() const = 0;
};

/// Tables in memory, which outlive the coordinator.
std::unique_ptr<Place> memory_place();

/// SQLite, as in the product, on a disk that forgets at each crash what was not synced.
class SqlitePlace final : public Place {
 public:
  /// The log is copied by checkpoint(), or by the product's thread whenever it has grown by so much.
  explicit SqlitePlace(std::uint64_t seed, std::int64_t checkpoint_bytes = 16 << 20);
  ~SqlitePlace() override;

  Result<void> open() override;
  storage::Database* database() override { return database_.get(); }
  std::string crash() override;
  bool close() override;
  [[nodiscard]] bool power_is_out() const override { return disk_.power_is_out(); }
  std::optional<std::string> choose_misfortune(std::uint64_t dice, bool power) override;
  void checkpoint(std::uint64_t dice) override;
  void calm_down() override { calm_ = true; }
  std::string examine() override;
  [[nodiscard]] int audit_interval() const override { return 12; }

  testing::ForgetfulVfs& disk() { return disk_; }

 private:
  std::mt19937_64 random_;
  testing::ForgetfulVfs disk_;
  std::int64_t checkpoint_bytes_;
  std::filesystem::path directory_;
  std::filesystem::path path_;
  std::unique_ptr<storage::Database> database_;
  bool calm_ = false;
};

}  // namespace mito::simulation
