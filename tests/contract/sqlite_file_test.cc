#include <chrono>
#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <tuple>

#include <fmt/format.h>
#include <sqlite3.h>

#include "contract/database_place.h"
#include "storage/database/open.h"
#include "storage/database/sqlite/sqlite.h"

// What only a database in a file can do.
namespace mito::storage {
namespace {

class SqliteFile : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "mitosis.sqlite"; }
  Result<std::unique_ptr<Database>> open() { return open_sqlite({.path = path()}); }
  /// Runs statements on the file, as somebody else would.
  void tamper(const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &handle), SQLITE_OK);
    char* problem = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &problem), SQLITE_OK) << problem;
    sqlite3_close(handle);
  }
  void fill(const std::string& text) { std::ofstream(path(), std::ios::binary) << text; }
  /// The error names the file.
  void expect_error(const Error& error, ErrorCode code) {
    EXPECT_EQ(to_string(error.code()), to_string(code)) << describe(error);
    EXPECT_NE(error.text().find("mitosis.sqlite"), std::string::npos) << error.text();
  }

  TemporaryDirectory directory_;
};

TEST_F(SqliteFile, KeepsEverythingWhenReopened) {
  UserId user;
  GroupId group;
  std::uint64_t batch = 0;
  TaskId next;
  {
    auto database = must(open());
    auto writer = must(database->open_writer());
    must(writer->begin());
    std::tie(user, group) =
        must(writer->insert_user({.username = "älice", .encrypted_password = "hash", .admin = true, .now = at(1)}));
    NewTask task;
    task.id = must(writer->reserve_task_ids(1));
    task.uuid = task_uuid(1);
    task.creator = user;
    task.group = group;
    task.number = 1;
    task.tags = {"a"};
    task.spec = "{}";
    must(writer->insert_tasks({&task, 1}));
    must(writer->set_fact("key", "value"));
    must(writer->commit());
    batch = writer->batch();
    next = must(writer->reserve_task_ids(1));
    must(writer->begin());
    must(writer->set_fact("key", "never committed"));
  }
  auto database = must(open());
  auto reader = must(database->open_reader());
  EXPECT_EQ(must(reader->user_by_name("älice")).value().id, user);
  EXPECT_EQ(must(reader->task_by_uuid(task_uuid(1))).value().tags, std::vector<std::string>{"a"});
  EXPECT_EQ(must(reader->fact("key")), "value");
  auto writer = must(database->open_writer());
  EXPECT_EQ(writer->batch(), batch);
  EXPECT_GE(must(writer->reserve_task_ids(1)), next);
}

TEST_F(SqliteFile, WhoseLastTransactionIsNotTheWritersStopsItUntilItRecovers) {
  auto database = must(open());
  auto writer = must(database->open_writer());
  must(writer->begin());
  must(writer->commit());
  tamper("UPDATE mito_writer SET batch = batch + 1");
  EXPECT_EQ(code_of(writer->begin()), ErrorCode::kUnavailable);
  EXPECT_EQ(must(writer->recover()), writer->batch() + 1);
  must(writer->begin());
  must(writer->commit());
}

TEST_F(SqliteFile, IsReadableByItsOwnerOnly) {
  auto database = must(open());
  auto writer = must(database->open_writer());
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    struct stat status{};
    ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << entry.path();
  }
}

TEST_F(SqliteFile, OfANewerProgramIsRefused) {
  must(open());
  tamper("UPDATE mito_schema SET version = version + 1; CREATE TABLE from_the_future (a)");
  const auto database = open();
  ASSERT_EQ(code_of(database), ErrorCode::kUsage);
  expect_error(database.error(), ErrorCode::kUsage);
  EXPECT_NE(database.error().text().find("newer"), std::string::npos) << database.error().text();
  tamper("UPDATE mito_schema SET version = version - 1");
  must(open());
}

TEST_F(SqliteFile, OfAnotherProgramIsRefusedAndLeftAlone) {
  tamper("CREATE TABLE recipes (name TEXT)");
  const auto database = open();
  ASSERT_EQ(code_of(database), ErrorCode::kUsage);
  expect_error(database.error(), ErrorCode::kUsage);
  EXPECT_FALSE(std::filesystem::exists(path().string() + "-wal"));
  tamper("INSERT INTO recipes VALUES ('soup')");
}

TEST_F(SqliteFile, ThatIsNoDatabaseIsAnError) {
  fill(
      "This is no database, but a text of more than a hundred bytes. It goes on and on, until it is long enough "
      "for SQLite to read a header from it.");
  const auto database = open();
  ASSERT_EQ(code_of(database), ErrorCode::kInternal);
  expect_error(database.error(), ErrorCode::kInternal);
}

TEST_F(SqliteFile, ThatIsDamagedGivesErrorsAndNoCrash) {
  {
    auto database = must(open());
    auto writer = must(database->open_writer());
    must(writer->begin());
    const auto [user, group] = must(writer->insert_user({.username = "alice", .encrypted_password = "", .now = at(1)}));
    for (int i = 1; i <= 2'000; ++i) {
      NewTask task;
      task.id = must(writer->reserve_task_ids(1));
      task.uuid = task_uuid(static_cast<std::uint64_t>(i));
      task.creator = user;
      task.group = group;
      task.number = i;
      task.spec = std::string(200, ' ');
      must(writer->insert_tasks({&task, 1}));
    }
    must(writer->commit());
  }
  const auto size = std::filesystem::file_size(path());
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    for (std::uintmax_t at_byte = 3 * 4'096; at_byte + 200 < size; at_byte += 4'096) {
      file.seekp(static_cast<std::streamoff>(at_byte));
      file << std::string(200, '\xA5');
    }
  }
  auto database = open();
  std::optional<Error> error;
  if (!database) {
    error = database.error();
  } else {
    auto reader = must((*database)->open_reader());
    if (const auto tasks = reader->tasks({.group = GroupId{1}}, {}); !tasks) error = tasks.error();
    if (const auto all = reader->each_active_task([](Queries::ActiveTask&&) {}); !all) error = all.error();
  }
  ASSERT_TRUE(error.has_value()) << "nobody noticed";
  expect_error(*error, ErrorCode::kInternal);
}

TEST_F(SqliteFile, RowsThatAreNotUnderstoodAreErrors) {
  {
    auto database = must(open());
    auto writer = must(database->open_writer());
    must(writer->begin());
    must(writer->insert_user({.username = "alice", .encrypted_password = "", .now = at(1)}));
    must(writer->commit());
  }
  const char* damages[] = {"UPDATE users SET state = 77", "UPDATE workers SET worker_id = x'0102'",
                           "UPDATE workers SET tags = '[1]'", "UPDATE workers SET tags = 'x'"};
  for (const char* damage : damages) {
    tamper(
        "PRAGMA foreign_keys = OFF; DELETE FROM workers; INSERT INTO workers (worker_id, creator_id, tags, labels,"
        " created_at, updated_at, last_heartbeat, features, info) VALUES (randomblob(16), 1, '[]', '[]', 0, 0, 0,"
        " '[]', ''); UPDATE users SET state = 0;");
    tamper(damage);
    auto database = must(open());
    auto reader = must(database->open_reader());
    const bool users = reader->user_by_name("alice").has_value();
    const bool workers = reader->workers({}, {}).has_value();
    EXPECT_FALSE(users && workers) << damage;
    EXPECT_TRUE(users || workers) << damage;
  }
}

TEST_F(SqliteFile, InADirectoryThatDoesNotExistIsAnError) {
  const auto database = open_sqlite({.path = directory_.path() / "nowhere" / "mitosis.sqlite"});
  ASSERT_EQ(code_of(database), ErrorCode::kIo);
  expect_error(database.error(), ErrorCode::kIo);
}

TEST_F(SqliteFile, ThatIsADirectoryIsAnError) {
  std::filesystem::create_directory(path());
  const auto database = open();
  ASSERT_EQ(code_of(database), ErrorCode::kIo);
  expect_error(database.error(), ErrorCode::kIo);
}

TEST_F(SqliteFile, OnAFullVolumeRefusesAndGoesOnLater) {
  auto database = must(open());
  auto writer = must(database->open_writer());
  const auto write = [&](std::size_t bytes) -> Result<void> {
    MITO_TRY(writer->begin());
    if (auto done = writer->set_fact("big", std::string(bytes, 'x')); !done) {
      writer->rollback();
      return done;
    }
    return writer->commit();
  };
  // A file may not grow beyond the limit; the write-ahead log is one. SIGXFSZ ends the process unless it is ignored.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto ignore = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 20, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto refused = write(4 << 20);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignore);
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().code() == ErrorCode::kStorageFull || refused.error().code() == ErrorCode::kUnavailable)
      << describe(refused.error());
  writer->rollback();
  must(writer->recover());
  EXPECT_EQ(must(writer->fact("big")), std::nullopt);
  must(write(4 << 20));
  EXPECT_EQ(must(writer->fact("big")).value().size(), 4U << 20);
}

TEST_F(SqliteFile, LogIsCopiedAndStartedOverBesideTheWriter) {
  constexpr std::int64_t kRestartBytes = 256 << 10;
  auto database = must(open_sqlite({.path = path(), .checkpoint_bytes = 64 << 10, .restart_bytes = kRestartBytes}));
  auto writer = must(database->open_writer());
  // The file of the log becomes shorter only when it was started over.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::uintmax_t longest = 0;
  std::uintmax_t now = 0;
  for (int i = 0; now >= longest; ++i) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "a log of " << now << " bytes was never started over";
    must(writer->begin());
    must(writer->set_fact("fact" + std::to_string(i % 8), std::string(40'000, 'x')));
    must(writer->set_fact("last", std::to_string(i)));
    must(writer->commit());
    now = std::filesystem::file_size(path().string() + "-wal");
    longest = std::max(longest, now);
    ASSERT_EQ(must(writer->fact("last")), std::to_string(i));
  }
  EXPECT_GT(longest, static_cast<std::uintmax_t>(kRestartBytes));
}

TEST_F(SqliteFile, TheLogGetsItsRoomBeforehandAndIsReadAfterACrash) {
  constexpr std::uintmax_t kRoom = 5 << 20;
  const std::filesystem::path log = path().string() + "-wal";
  auto database = must(open_sqlite({.path = path(), .room_after_bytes = 64 << 10, .room_bytes = kRoom}));
  auto writer = must(database->open_writer());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  int last = 0;
  std::uintmax_t written = 0;
  while (std::filesystem::file_size(log) < kRoom) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "no room was made";
    must(writer->begin());
    must(writer->set_fact("last", std::to_string(++last)));
    must(writer->commit());
    written += 3 * 4'200;  // more than it appends
    ASSERT_EQ(must(writer->fact("last")), std::to_string(last));
  }
  EXPECT_EQ(std::filesystem::file_size(log), kRoom);
  ASSERT_LT(written, kRoom) << "the transactions alone may have made it as long";
  for (int more = 0; more < 20; ++more) {
    must(writer->begin());
    must(writer->set_fact("last", std::to_string(++last)));
    must(writer->commit());
  }
  EXPECT_EQ(std::filesystem::file_size(log), kRoom);

  // What a crash leaves.
  const std::filesystem::path crashed = path().string() + "-crashed";
  std::filesystem::copy_file(path(), crashed);
  std::filesystem::copy_file(log, crashed.string() + "-wal");
  auto again = must(open_sqlite({.path = crashed}));
  auto successor = must(again->open_writer());
  EXPECT_EQ(must(successor->fact("last")), std::to_string(last));
  EXPECT_EQ(successor->batch(), writer->batch());
}

TEST_F(SqliteFile, AReaderInAStreamDoesNotStopTheWriter) {
  auto database = must(open_sqlite({.path = path(), .checkpoint_bytes = 16 << 10, .restart_bytes = 64 << 10}));
  auto writer = must(database->open_writer());
  auto reader = must(database->open_reader());
  must(writer->begin());
  for (const char* name : {"alice", "bob"})
    must(writer->insert_user({.username = name, .encrypted_password = "", .now = at(1)}));
  must(writer->commit());
  int users = 0;
  must(reader->each_user([&](User&&) {
    ++users;
    for (int i = 0; i < 20; ++i) {
      must(writer->begin());
      must(writer->set_fact("fact", std::string(20'000, 'x')));
      must(writer->insert_user({.username = fmt::format("u{}-{}", users, i), .encrypted_password = "", .now = at(2)}));
      must(writer->commit());
    }
  }));
  EXPECT_EQ(users, 2) << "the stream saw what was committed after it began";
}

TEST(OpenDatabase, KnowsItsUrls) {
  const TemporaryDirectory directory;
  EXPECT_NE(must(open_database("memory:"))->describe().find("memory"), std::string::npos);
  const auto path = (directory.path() / "a b%20ü.sqlite").string();
  EXPECT_NE(must(open_database("sqlite:" + path))->describe().find(path), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path));
  for (const char* url : {"", "sqlite", "sqlite:", "mysql://localhost/x", "/tmp/x", "memory"})
    EXPECT_EQ(code_of(open_database(url)), ErrorCode::kUsage) << url;
}

}  // namespace
}  // namespace mito::storage
