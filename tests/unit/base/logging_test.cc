#include "base/logging.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/log_file.h"
#include "base/log_filter.h"
#include "base/log_line.h"
#include "base/random.h"

namespace mito::log {
namespace {

namespace fs = std::filesystem;

constexpr Timestamp kTime{std::chrono::microseconds(1'767'323'045'678'901)};

/// A fresh directory that goes with the test.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("mitosis-log-" + hex_encode(random_bytes(8)))) {
    fs::create_directory(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path operator/(const char* name) const { return path_ / name; }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path_))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

 private:
  fs::path path_;
};

std::string content(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

struct LineCase {
  const char* name;
  Level level;
  const char* line;
};

class LogLine : public testing::TestWithParam<LineCase> {};

TEST_P(LogLine, HasTheFormatOfTheOriginal) {
  EXPECT_EQ(format_line(kTime, GetParam().level, "netmito::worker", "Worker is running", Target::kShown, Colour::kOff),
            GetParam().line);
}

INSTANTIATE_TEST_SUITE_P(
    Levels, LogLine,
    testing::Values(
        LineCase{"trace", Level::kTrace, "2026-01-02T03:04:05.678901Z TRACE netmito::worker: Worker is running\n"},
        LineCase{"debug", Level::kDebug, "2026-01-02T03:04:05.678901Z DEBUG netmito::worker: Worker is running\n"},
        LineCase{"info", Level::kInfo, "2026-01-02T03:04:05.678901Z  INFO netmito::worker: Worker is running\n"},
        LineCase{"warn", Level::kWarn, "2026-01-02T03:04:05.678901Z  WARN netmito::worker: Worker is running\n"},
        LineCase{"error", Level::kError, "2026-01-02T03:04:05.678901Z ERROR netmito::worker: Worker is running\n"}),
    [](const auto& test) { return test.param.name; });

TEST(LogLine, CanLeaveTheTargetOut) {
  EXPECT_EQ(format_line(kTime, Level::kInfo, "x", "m", Target::kHidden, Colour::kOff),
            "2026-01-02T03:04:05.678901Z  INFO m\n");
}

TEST(LogLine, IsColouredOnRequest) {
  EXPECT_EQ(format_line(kTime, Level::kWarn, "netmito", "m", Target::kShown, Colour::kOn),
            "\x1b[2m2026-01-02T03:04:05.678901Z\x1b[0m \x1b[33m WARN\x1b[0m \x1b[2mnetmito\x1b[0m\x1b[2m:\x1b[0m m\n");
  EXPECT_EQ(format_line(kTime, Level::kError, "netmito", "m", Target::kHidden, Colour::kOn),
            "\x1b[2m2026-01-02T03:04:05.678901Z\x1b[0m \x1b[31mERROR\x1b[0m m\n");
}

TEST(LogLine, EscapesControlCharactersButKeepsLines) {
  EXPECT_EQ(escape_controls("a\nb\tc \x1b[31m\r\x7f\u00e9"), "a\nb\tc \\x1b[31m\\x0d\\x7f\u00e9");
  EXPECT_EQ(escape_controls(std::string("\0", 1)), "\\x00");
}

TEST(LogLine, IsPrefixedUnlessEmpty) {
  EXPECT_EQ(prefix_lines("a\n\nb\n", "[worker:1] "), "[worker:1] a\n\n[worker:1] b\n");
  EXPECT_EQ(prefix_lines("a", ""), "a");
  EXPECT_EQ(prefix_lines("", "p "), "");
}

struct FilterCase {
  const char* name;
  const char* filter;
  const char* target;
  Level lowest;
};

class LogFilter : public testing::TestWithParam<FilterCase> {};

TEST_P(LogFilter, LetsLevelsThrough) {
  const auto filter = Filter::parse(GetParam().filter);
  ASSERT_TRUE(filter.has_value());
  for (const Level level : {Level::kTrace, Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    EXPECT_EQ(filter->accepts(level, GetParam().target), level >= GetParam().lowest) << static_cast<int>(level);
  }
  EXPECT_FALSE(filter->accepts(Level::kOff, GetParam().target));
}

INSTANTIATE_TEST_SUITE_P(
    Filters, LogFilter,
    testing::Values(
        FilterCase{"default_own", "netmito=info", "netmito::worker", Level::kInfo},
        FilterCase{"default_other", "netmito=info", "other", Level::kOff},
        FilterCase{"global", "debug", "any", Level::kDebug}, FilterCase{"upper_case", "WARN", "any", Level::kWarn},
        FilterCase{"number", "2", "any", Level::kWarn}, FilterCase{"off", "off", "any", Level::kOff},
        FilterCase{"empty", "", "netmito", Level::kError}, FilterCase{"only_commas", ",,", "netmito", Level::kError},
        FilterCase{"longest_wins", "netmito=debug,netmito::http=warn", "netmito::http::server", Level::kWarn},
        FilterCase{"order_does_not_matter", "netmito::http=warn,netmito=debug", "netmito::http", Level::kWarn},
        FilterCase{"shorter_for_the_rest", "netmito=debug,netmito::http=warn", "netmito::core", Level::kDebug},
        FilterCase{"global_and_target", "error,netmito::core=trace", "netmito::core", Level::kTrace},
        FilterCase{"global_for_the_rest", "error,netmito::core=trace", "netmito", Level::kError},
        FilterCase{"target_alone", "netmito::core", "netmito::core", Level::kTrace},
        FilterCase{"target_without_level", "netmito=", "netmito", Level::kTrace},
        FilterCase{"silenced_target", "info,netmito::http=off", "netmito::http", Level::kOff},
        FilterCase{"last_of_two", "netmito=debug,netmito=warn", "netmito", Level::kWarn},
        FilterCase{"blanks", " netmito=info , debug ", "other", Level::kDebug}),
    [](const auto& test) { return test.param.name; });

TEST(LogFilter, IsRefusedWhenItIsNoFilter) {
  for (const char* text :
       {"netmito=loud", "a b=info", "netmito==info", "=info", "netmito=info=debug", "net.mito=info", "[span]=info"}) {
    EXPECT_FALSE(Filter::parse(text).has_value()) << text;
  }
}

TEST(LogFilter, KnowsItsLowestLevel) {
  EXPECT_EQ(Filter::parse("info,netmito=debug")->lowest(), Level::kDebug);
  EXPECT_EQ(Filter::parse("off")->lowest(), Level::kOff);
}

TEST(LogFile, IsAppendedToUnderItsExactName) {
  const Folder folder;
  const fs::path path = folder / "new" / "worker.log";
  for (const char* line : {"one\n", "two\n"}) {
    File file;
    ASSERT_EQ(file.open(path.string(), File::Rolling::kNever, kTime), "");
    file.write(line, kTime);
  }
  EXPECT_EQ(content(path), "one\ntwo\n");
}

TEST(LogFile, RollsEachDayAndKeepsThree) {
  const Folder folder;
  std::ofstream(folder / "workers.log.2025-12-24") << "old\n";
  std::ofstream(folder / "workers.log.backup") << "not ours\n";
  File file;
  ASSERT_EQ(file.open((folder / "workers.log").string(), File::Rolling::kDaily, kTime), "");
  for (int day = 0; day < 4; ++day)
    file.write("day " + std::to_string(day) + "\n", kTime + std::chrono::days(day));
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"workers.log.2026-01-03", "workers.log.2026-01-04",
                                                      "workers.log.2026-01-05", "workers.log.backup"}));
  EXPECT_EQ(content(folder / "workers.log.2026-01-04"), "day 2\n");
}

TEST(LogFile, StaysInItsFileUntilTheDayIsOver) {
  const Folder folder;
  File file;
  const Timestamp midnight = std::chrono::floor<std::chrono::days>(kTime) + std::chrono::days(1);
  ASSERT_EQ(file.open((folder / "l").string(), File::Rolling::kDaily, kTime), "");
  file.write("before\n", midnight - std::chrono::microseconds(1));
  file.write("after\n", midnight);
  EXPECT_EQ(content(folder / "l.2026-01-02"), "before\n");
  EXPECT_EQ(content(folder / "l.2026-01-03"), "after\n");
}

TEST(LogFile, SaysWhyItCannotBeOpened) {
  const Folder folder;
  std::ofstream(folder / "file") << "x";
  File file;
  EXPECT_NE(
      file.open((folder / "file" / "log").string(), File::Rolling::kNever, kTime).find("cannot make the directory"),
      std::string::npos);
  fs::create_directory(folder / "directory");
  EXPECT_NE(file.open((folder / "directory").string(), File::Rolling::kNever, kTime).find("cannot open the log file"),
            std::string::npos);
}

/// Sets logging back to its start when a test is over.
class Logging : public testing::Test {
 protected:
  ~Logging() override { EXPECT_EQ(setup(Settings{}), ""); }
  static Settings quiet() {
    Settings settings;
    settings.console_filter = "off";
    return settings;
  }
  Folder folder_;
};

TEST_F(Logging, GoesToTheFileThatPassesItsFilter) {
  Settings settings = quiet();
  settings.file = (folder_ / "log").string();
  settings.file_filter = "netmito=debug";
  settings.file_prefix = "[worker:7] ";
  ASSERT_EQ(setup(settings), "");
  constexpr Source kLog{"netmito::test"};
  kLog.debug("{} of {}", 1, 2);
  kLog.trace("hidden");
  Source("other").error("hidden");
  write(Level::kInfo, "netmito", "two\nlines");
  flush();
  const std::string text = content(folder_ / "log");
  EXPECT_NE(text.find("DEBUG netmito::test: 1 of 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" INFO netmito: two\n[worker:7] lines\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("hidden"), std::string::npos) << text;
  EXPECT_TRUE(text.starts_with("[worker:7] 2"));
  EXPECT_TRUE(enabled(Level::kDebug, "netmito::test"));
  EXPECT_FALSE(enabled(Level::kTrace, "netmito::test"));
  EXPECT_FALSE(enabled(Level::kError, "other"));
}

TEST_F(Logging, KeepsWhatWasWhenTheFileCannotBeOpened) {
  Settings good = quiet();
  good.file = (folder_ / "log").string();
  ASSERT_EQ(setup(good), "");
  Settings bad = quiet();
  bad.file = (folder_ / "log" / "below").string();
  EXPECT_NE(setup(bad), "");
  Source("netmito").info("still here");
  EXPECT_NE(content(folder_ / "log").find("still here"), std::string::npos);
}

TEST_F(Logging, FallsBackToInfoOnABadFilter) {
  Settings settings = quiet();
  settings.file = (folder_ / "log").string();
  settings.file_filter = "netmito=loud";
  ASSERT_EQ(setup(settings), "");
  EXPECT_TRUE(enabled(Level::kInfo, "netmito::x"));
  EXPECT_FALSE(enabled(Level::kDebug, "netmito::x"));
}

TEST_F(Logging, KeepsLinesOfManyThreadsWhole) {
  Settings settings = quiet();
  settings.file = (folder_ / "log").string();
  ASSERT_EQ(setup(settings), "");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([i] {
        for (int n = 0; n < 250; ++n)
          Source("netmito").info("{}", std::string(200, static_cast<char>('a' + i)));
      });
    }
  }
  std::ifstream file(folder_ / "log");
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const std::string message = line.substr(line.rfind(' ') + 1);
    ASSERT_EQ(message, std::string(200, message.front())) << line;
  }
  EXPECT_EQ(lines, 1000);
}

}  // namespace
}  // namespace mito::log
