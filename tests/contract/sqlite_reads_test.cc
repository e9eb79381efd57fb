#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "contract/database_place.h"
#include "storage/database/sqlite/sqlite.h"

// What lists and counts of many tasks cost: pages that are looked at, which no other program on the machine changes.
namespace mito::storage {
namespace {

constexpr int kTasks = 100'000;

/// Keeps the connection that was opened last while it lives.
class LastConnection {
 public:
  LastConnection() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&install)); }
  ~LastConnection() { sqlite3_reset_auto_extension(); }
  LastConnection(const LastConnection&) = delete;
  LastConnection& operator=(const LastConnection&) = delete;
  static sqlite3* get() { return last_; }

 private:
  static int install(sqlite3* connection, const char**, const sqlite3_api_routines*) {
    last_ = connection;
    return SQLITE_OK;
  }
  static inline sqlite3* last_ = nullptr;
};

int taken(sqlite3* connection, int counter) {
  int now = 0;
  int highest = 0;
  sqlite3_db_status(connection, counter, &now, &highest, 1);
  return now;
}

/// One group with 100,000 tasks of some size, half of them archived; every tenth has a tag and a label.
class ManyTasks : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    place_ = new Place;
    Writer& writer = *place_->writer;
    must(writer.begin());
    const auto [user, group] = must(writer.insert_user({.username = "alice", .encrypted_password = "", .now = at(0)}));
    place_->group = group;
    const TaskId first = must(writer.reserve_task_ids(kTasks));
    std::vector<NewTask> tasks(kTasks);
    std::vector<Archive> archives;
    for (int i = 0; i < kTasks; ++i) {
      NewTask& task = tasks[static_cast<std::size_t>(i)];
      task.id = TaskId{first.value + i};
      task.uuid = task_uuid(static_cast<std::uint64_t>(i) + 1);
      task.creator = user;
      task.group = group;
      task.number = i + 1;
      task.now = at(1);
      if (i % 10 == 0) {
        task.tags = {"gpu"};
        task.labels = {"nightly"};
      }
      task.spec = R"({"args":[")" + std::string(400, 'x') + R"("]})";
      if (i % 2 == 0)
        archives.push_back({.task = task.id,
                            .from = {TaskState::kReady},
                            .state = TaskState::kFinished,
                            .result = R"({"exit_status":0,"msg":null})",
                            .now = at(2)});
    }
    must(writer.insert_tasks(tasks));
    must(writer.archive_tasks(archives));
    must(writer.commit());
    const LastConnection connections;
    place_->reader = must(place_->database->open_reader());
    place_->connection = LastConnection::get();
  }
  static void TearDownTestSuite() { delete place_; }

  /// Pages that `ask` looks at. A walk through the rows would look at more than one for each task.
  template <class Ask>
  static int pages(Ask ask) {
    taken(place_->connection, SQLITE_DBSTATUS_CACHE_HIT);
    taken(place_->connection, SQLITE_DBSTATUS_CACHE_MISS);
    ask(*place_->reader);
    return taken(place_->connection, SQLITE_DBSTATUS_CACHE_HIT) + taken(place_->connection, SQLITE_DBSTATUS_CACHE_MISS);
  }

  struct Place {
    TemporaryDirectory directory;
    std::unique_ptr<Database> database = must(open_sqlite({.path = directory.path() / "mitosis.sqlite"}));
    std::unique_ptr<Writer> writer = must(database->open_writer());
    std::unique_ptr<Queries> reader;
    sqlite3* connection = nullptr;
    GroupId group;
  };
  static inline Place* place_ = nullptr;

  struct Case {
    const char* name;
    TaskFilter filter;
    std::int64_t found;
  };
  static std::vector<Case> cases();
};

NumberFilter number(const char* text) {
  return must(NumberFilter::parse(text));
}

std::vector<ManyTasks::Case> ManyTasks::cases() {
  const auto filter = [](auto set) {
    TaskFilter made{.group = place_->group};
    set(made);
    return made;
  };
  return {
      {"nothing", filter([](TaskFilter&) {}), kTasks},
      {"creator", filter([](TaskFilter& f) { f.creators = {"alice"}; }), kTasks},
      {"unknown creator", filter([](TaskFilter& f) { f.creators = {"bob"}; }), 0},
      {"tag", filter([](TaskFilter& f) { f.tags = {"gpu"}; }), kTasks / 10},
      {"unknown tag", filter([](TaskFilter& f) { f.tags = {"tpu"}; }), 0},
      {"label", filter([](TaskFilter& f) { f.labels = {"nightly"}; }), kTasks / 10},
      {"unknown label", filter([](TaskFilter& f) { f.labels = {"hourly"}; }), 0},
      {"state", filter([](TaskFilter& f) { f.states = {TaskState::kReady}; }), kTasks / 2},
      {"state of none", filter([](TaskFilter& f) { f.states = {TaskState::kCancelled}; }), 0},
      {"exit status", filter([](TaskFilter& f) { f.exit_status = number("=0"); }), kTasks / 2},
      {"exit status of none", filter([](TaskFilter& f) { f.exit_status = number(">9"); }), 0},
      {"priority", filter([](TaskFilter& f) { f.priority = number("<1"); }), kTasks},
      {"priority of none", filter([](TaskFilter& f) { f.priority = number(">1"); }), 0},
      {"reporter of none", filter([](TaskFilter& f) { f.reporter = worker_uuid(1); }), 0},
  };
}

TEST_F(ManyTasks, CountsLookAtIndexesOnly) {
  for (const Case& test : cases()) {
    const int visited =
        pages([&](Queries& queries) { EXPECT_EQ(must(queries.count_tasks(test.filter)), test.found) << test.name; });
    EXPECT_LT(visited, 4'000) << test.name;
  }
}

TEST_F(ManyTasks, APageOfAListLooksAtTheIndexAndTheRowsOfThePage) {
  for (const Case& test : cases()) {
    const int visited = pages([&](Queries& queries) {
      EXPECT_EQ(must(queries.tasks(test.filter, {.limit = 100, .offset = 0})).size(), test.found == 0 ? 0U : 100U)
          << test.name;
    });
    EXPECT_LT(visited, 5'000) << test.name;
  }
}

TEST_F(ManyTasks, TheLastPageLooksAtTheRowsOfThatPage) {
  const int visited = pages([&](Queries& queries) {
    const auto last = must(queries.tasks({.group = place_->group}, {.limit = 100, .offset = kTasks - 100}));
    ASSERT_EQ(last.size(), 100U);
    EXPECT_EQ(last.back().number, kTasks - 1);
  });
  EXPECT_LT(visited, 5'000);
}

TEST_F(ManyTasks, PagesTogetherHaveEveryTaskOnce) {
  std::vector<std::int64_t> numbers;
  for (std::uint64_t offset = 0;; offset += 7'000) {
    const auto page = must(place_->reader->tasks({.group = place_->group}, {.limit = 7'000, .offset = offset}));
    if (page.empty()) break;
    for (const Task& task : page)
      numbers.push_back(task.number);
  }
  ASSERT_EQ(numbers.size(), static_cast<std::size_t>(kTasks));
  for (int i = 0; i < kTasks; ++i)  // The active ones first, then the archived ones, each by number.
    ASSERT_EQ(numbers[static_cast<std::size_t>(i)], i < kTasks / 2 ? 2 * i + 2 : 2 * (i - kTasks / 2) + 1);
}

}  // namespace
}  // namespace mito::storage
