#include <array>
#include <optional>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "simulation/places.h"

// What the writer on SQLite has acknowledged survives a crash at whatever moment, on a disk that forgets what was not
// synced; and each sync is needed for that.
namespace mito::simulation {
namespace {

using mito::testing::ForgetfulVfs;
using mito::testing::Survivors;
using Sync = ForgetfulVfs::Sync;

constexpr int kTransactions = 8;

class Machine {
 public:
  explicit Machine(std::uint64_t seed, std::int64_t checkpoint_bytes = 16 << 20)
      : place_(seed, checkpoint_bytes), disk(place_.disk()) {}

  /// Transactions that each store their number and a text of some pages, until one fails; in between the log is copied
  /// and started over. Then the crash. Answers the number of the last one that was acknowledged.
  int run(Survivors survivors, int transactions = kTransactions) {
    int acknowledged = 0;
    if (place_.open()) {
      // It ends before its database does, and after the crash, so that it tidies up nothing.
      const auto writer = place_.database()->open_writer();
      for (int number = 1; writer && number <= transactions && store(**writer, number); ++number) {
        acknowledged = number;
        if (number % 3 == 0) place_.checkpoint(kRestart);
      }
      disk.crash(survivors);
    } else {
      disk.crash(survivors);
    }
    place_.close();
    return acknowledged;
  }

  /// What is wrong after the crash; empty: nothing.
  std::string complaint(int acknowledged) {
    if (const auto opened = place_.open(); !opened) return "it cannot be opened: " + describe(opened.error());
    const auto reader = place_.database()->open_reader().value();
    const int last = std::stoi(reader->fact("last").value().value_or("0"));
    if (last < acknowledged) return fmt::format("{} was acknowledged, {} is the last", acknowledged, last);
    if (last > acknowledged + 1) return fmt::format("{} was never begun", last);
    for (int number = 1; number <= last; ++number)
      if (reader->fact(fmt::format("text {}", number)).value() != text_of(number))
        return fmt::format("the text of {} is missing", number);
    return place_.examine();
  }

 private:
  static constexpr std::uint64_t kRestart = 2;

  static std::string text_of(int number) { return std::string(6'000, static_cast<char>('a' + number % 26)); }
  static Result<void> store(storage::Writer& writer, int number) {
    MITO_TRY(writer.begin());
    MITO_TRY(writer.set_fact("last", std::to_string(number)));
    MITO_TRY(writer.set_fact(fmt::format("text {}", number), text_of(number)));
    return writer.commit();
  }

  SqlitePlace place_;

 public:
  ForgetfulVfs& disk;
};

/// Runs until the power goes before the disk's operation `moment` (0: when all is done), and looks after the crash.
std::string crash_at(std::size_t moment, Survivors survivors, std::optional<Sync> ignored = std::nullopt) {
  Machine machine(moment);
  if (ignored) machine.disk.ignore(*ignored);
  if (moment != 0) machine.disk.cut_power_in(moment);
  const int acknowledged = machine.run(survivors);
  return machine.complaint(acknowledged);
}

std::size_t moments() {
  Machine machine(0);
  EXPECT_EQ(machine.run(Survivors::kNothing), kTransactions);
  for (const Sync kind : {Sync::kLog, Sync::kDatabase, Sync::kJournal, Sync::kDirectory})
    EXPECT_GT(machine.disk.syncs(kind), 0U) << static_cast<int>(kind);
  return machine.disk.operations();
}

class SqliteDurability : public ::testing::TestWithParam<Survivors> {};

TEST_P(SqliteDurability, WhatIsAcknowledgedSurvivesACrashAtAnyMoment) {
  const std::size_t last = moments();
  ASSERT_GT(last, 50U);
  for (std::size_t moment = 0; moment <= last; ++moment)
    EXPECT_EQ(crash_at(moment, GetParam()), "") << "the power went before operation " << moment << " of " << last;
}

TEST_P(SqliteDurability, AlsoWhileTheLogIsCopiedBesideTheWriter) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Machine machine(seed, 8'192);
    std::mt19937_64 random(seed);
    machine.disk.cut_power_in(60 + random() % 300);
    const int acknowledged = machine.run(GetParam(), 60);
    EXPECT_EQ(machine.complaint(acknowledged), "") << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SqliteDurability,
                         ::testing::Values(Survivors::kEverything, Survivors::kNothing, Survivors::kSomeWrites,
                                           Survivors::kTornWrites));

class SqliteSyncs : public ::testing::TestWithParam<Sync> {};

TEST_P(SqliteSyncs, AreNeeded) {
  const std::size_t last = moments();
  for (std::size_t moment = 0; moment <= last; ++moment)
    for (const Survivors survivors : {Survivors::kNothing, Survivors::kSomeWrites})
      if (!crash_at(moment, survivors, GetParam()).empty()) return;
  FAIL() << "nothing was lost without them";
}

std::string name_of(const ::testing::TestParamInfo<Sync>& kind) {
  constexpr std::array kNames{"Log", "Database", "Journal", "Directory"};
  return kNames[static_cast<std::size_t>(kind.param)];
}

INSTANTIATE_TEST_SUITE_P(All, SqliteSyncs,
                         ::testing::Values(Sync::kLog, Sync::kDatabase, Sync::kJournal, Sync::kDirectory), name_of);

TEST(SqliteDisk, AFailedOperationIsNoLoss) {
  const std::size_t last = moments();
  for (std::size_t moment = 1; moment <= last; ++moment) {
    Machine machine(moment);
    machine.disk.fail_in(moment);
    const int acknowledged = machine.run(Survivors::kNothing);
    EXPECT_EQ(machine.complaint(acknowledged), "") << "operation " << moment << " of " << last << " failed";
  }
}

}  // namespace
}  // namespace mito::simulation
