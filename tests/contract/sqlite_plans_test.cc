#include <array>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include <sqlite3.h>

#include "contract/database_place.h"
#include "storage/database/sqlite/sqlite.h"

// How SQLite runs our statements: a question whose time grows with the table must be one that asks for the table.
namespace mito::storage {
namespace {

/// Rows that a statement visited by walking through a whole table or index, and how often it sorted.
struct Work {
  int full_scan_steps = 0;
  int sorts = 0;
};

/// Notes the work of every statement of every connection that is opened while it lives. One at a time.
class StatementWatch {
 public:
  StatementWatch() {
    work_.clear();
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&install));
  }
  ~StatementWatch() { sqlite3_reset_auto_extension(); }
  StatementWatch(const StatementWatch&) = delete;
  StatementWatch& operator=(const StatementWatch&) = delete;

  /// By text of the statement, since the last call.
  std::map<std::string, Work> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(work_, {});
  }

 private:
  static int install(sqlite3* connection, const char**, const sqlite3_api_routines*) {
    return sqlite3_trace_v2(connection, SQLITE_TRACE_PROFILE, &finished, nullptr);
  }
  static int finished(unsigned, void*, void* statement, void*) {
    auto* handle = static_cast<sqlite3_stmt*>(statement);
    const std::lock_guard lock(mutex_);
    Work& work = work_[sqlite3_sql(handle)];
    work.full_scan_steps += sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    work.sorts += sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_SORT, 1);
    return 0;
  }

  static inline std::mutex mutex_;
  static inline std::map<std::string, Work> work_;
};

class SqlitePlans : public testing::Test {
 protected:
  static constexpr int kTasks = 500;

  SqlitePlans() {
    must(writer_->begin());
    std::tie(user_, group_) = must(writer_->insert_user({.username = "alice", .encrypted_password = "", .now = at(0)}));
    for (int i = 0; i < 50; ++i) {
      const std::string name = "user" + std::to_string(i);
      must(writer_->insert_user({.username = name, .encrypted_password = "", .now = at(0)}));
      workers_.push_back(must(writer_->insert_worker({.uuid = worker_uuid(static_cast<std::uint64_t>(i)),
                                                      .creator = user_,
                                                      .access = {{group_, Role::kWrite}},
                                                      .now = at(0)})));
      must(writer_->upsert_attachment({.group = group_, .key = name, .size = 1}));
    }
    std::vector<NewTask> tasks(kTasks);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      NewTask& task = tasks[i];
      task.id = must(writer_->reserve_task_ids(1));
      task.uuid = task_uuid(i);
      task.creator = user_;
      task.group = group_;
      task.number = static_cast<std::int64_t>(i);
      task.spec = "{}";
      ids_.push_back(task.id);
      must(writer_->upsert_artifact({.task = task.uuid, .content_type = ArtifactContentType::kResult, .size = 1}));
    }
    must(writer_->insert_tasks(tasks));
    must(writer_->commit());
  }

  void run_the_hot_path();
  void ask_what_requests_ask(Queries& queries);

  TemporaryDirectory directory_;
  StatementWatch watch_;
  std::unique_ptr<Database> database_ = must(open_sqlite({.path = directory_.path() / "mitosis.sqlite"}));
  std::unique_ptr<Writer> writer_ = must(database_->open_writer());
  std::unique_ptr<Queries> reader_ = must(database_->open_reader());
  UserId user_;
  GroupId group_;
  std::vector<WorkerId> workers_;
  std::vector<TaskId> ids_;
};

void SqlitePlans::run_the_hot_path() {
  must(writer_->begin());
  must(writer_->savepoint());
  const std::array groups{group_};
  const std::int64_t count = must(writer_->read_groups(groups)).at(0).task_count;
  const std::array counters{GroupCounters{group_, count, count + 1, at(1)}};
  ASSERT_TRUE(must(writer_->update_task_counts(counters)).at(0));
  NewTask task;
  task.id = must(writer_->reserve_task_ids(1));
  task.uuid = task_uuid(kTasks + 1);
  task.creator = user_;
  task.group = group_;
  task.number = kTasks + 1;
  task.state = TaskState::kPending;
  task.spec = "{}";
  must(writer_->insert_tasks({&task, 1}));
  const std::array claims{Claim{ids_[0], workers_[0], at(1)}, Claim{ids_[1], workers_[1], at(1)}};
  ASSERT_TRUE(must(writer_->claim_tasks(claims)).at(1).has_value());
  must(writer_->set_downstream(ids_[0], task.uuid));
  const StateReport report{ids_[0], workers_[0], TaskState::kFinished, at(2)};
  ASSERT_TRUE(must(writer_->report_states({&report, 1})).at(0));
  const Release release{.task = ids_[0], .worker = workers_[0], .now = at(3)};
  ASSERT_TRUE(must(writer_->release_tasks({&release, 1})).at(0));
  const Archive archive{
      .task = ids_[1], .from = {TaskState::kRunning}, .worker = workers_[1], .result = "{}", .detail = "{}"};
  ASSERT_TRUE(must(writer_->archive_tasks({&archive, 1})).at(0));
  const std::array pending{task_uuid(5)};
  must(writer_->promote_tasks(pending, at(4)));
  const TaskChange change{.task = ids_[2], .priority = 5, .now = at(4)};
  ASSERT_TRUE(must(writer_->change_tasks({&change, 1})).at(0));
  must(writer_->set_labels(ids_[2], {"x"}, at(5)));
  must(writer_->touch_task(ids_[2], at(5)));
  must(writer_->set_watch_reached(ids_));
  const std::array heartbeats{std::pair(workers_[3], at(6))};
  must(writer_->write_heartbeats(heartbeats));
  must(writer_->release_savepoint());
  must(writer_->commit());
}

void SqlitePlans::ask_what_requests_ask(Queries& queries) {
  must(queries.user_by_name("user7"));
  must(queries.user_by_id(user_));
  must(queries.group_by_name("user7"));
  must(queries.group_by_id(group_));
  must(queries.members_of(group_));
  must(queries.memberships_of(user_));
  must(queries.worker_by_uuid(worker_uuid(7)));
  must(queries.worker_by_id(workers_[7]));
  must(queries.access_of(workers_[7]));
  must(queries.count_workers_of(group_));
  must(queries.task_by_id(ids_[7]));
  must(queries.task_by_uuid(task_uuid(7)));
  must(queries.artifact(task_uuid(7), ArtifactContentType::kResult));
  must(queries.artifacts_of(task_uuid(7)));
  must(queries.attachment(group_, "user7"));
  must(queries.attachments(group_, "", {.limit = 5, .offset = 0}));
  must(queries.fact("x"));
  // A page of a list reads that page, in order.
  ASSERT_EQ(must(queries.tasks({.group = group_}, {.limit = 5, .offset = 0})).size(), 5U);
}

TEST_F(SqlitePlans, TheHotPathWalksThroughNoTable) {
  watch_.take();
  run_the_hot_path();
  const auto work = watch_.take();
  EXPECT_GE(work.size(), 20U) << "the statements were not seen";
  for (const auto& [sql, done] : work) {
    EXPECT_EQ(done.full_scan_steps, 0) << sql;
    EXPECT_EQ(done.sorts, 0) << sql;
  }
}

TEST_F(SqlitePlans, TheQuestionsOfRequestsWalkThroughNoTable) {
  run_the_hot_path();
  watch_.take();
  ask_what_requests_ask(*reader_);
  const auto work = watch_.take();
  EXPECT_GE(work.size(), 18U) << "the statements were not seen";
  for (const auto& [sql, done] : work) {
    EXPECT_EQ(done.full_scan_steps, 0) << sql;
    EXPECT_EQ(done.sorts, 0) << sql;
  }
}

TEST_F(SqlitePlans, RecoveryReadsOnlyActiveTasks) {
  must(writer_->begin());
  std::vector<Archive> archives;
  for (std::size_t i = 0; i < kTasks - 10; ++i)
    archives.push_back({.task = ids_[i], .from = {TaskState::kReady}, .result = "{}"});
  must(writer_->archive_tasks(archives));
  must(writer_->commit());
  watch_.take();
  int tasks = 0;
  must(reader_->each_active_task([&](Queries::ActiveTask&&) { ++tasks; }));
  EXPECT_EQ(tasks, 10);
  const auto work = watch_.take();
  EXPECT_GE(work.size(), 2U);
  for (const auto& [sql, done] : work)
    EXPECT_LE(done.full_scan_steps, 20) << sql;
}

TEST_F(SqlitePlans, ScansAreSeen) {
  watch_.take();
  must(reader_->users("user", {}));
  const auto work = watch_.take();
  ASSERT_EQ(work.size(), 1U);
  EXPECT_GE(work.begin()->second.full_scan_steps, 50);
}

}  // namespace
}  // namespace mito::storage
