#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "storage/database/database.h"
#include "storage/database/forward_queries.h"

namespace mito::simulation {

/// What befalls one call to the database.
enum class Fault {
  kNone,
  kError,         ///< The statement fails; so do all others until the savepoint or the transaction is rolled back.
  kNoRoom,        ///< As kError, for want of room on the volume; the connection holds.
  kLost,          ///< The connection breaks before the call has any effect.
  kCrash,         ///< The program ends before the call …
  kDoneAndCrash,  ///< … or right after it.
  kDoneButLost,   ///< The call has its effect, then the connection breaks. For a commit: it did happen.
};

/// Thrown where the program would have ended. No std::exception, so that nobody takes it for one.
struct Crash {};

/// A writer that fails as told. After a lost connection every call fails until recover().
class FaultyWriter final : public storage::ForwardQueries<storage::Writer, FaultyWriter> {
 public:
  using Choose = std::function<Fault(std::string_view operation)>;

  explicit FaultyWriter(std::unique_ptr<storage::Writer> writer) : writer_(std::move(writer)) {}

  /// Asked before each call; empty: no faults.
  void choose_faults(Choose choose) { choose_ = std::move(choose); }
  using Observe = std::function<void(std::string_view operation, bool done)>;
  /// Told after each call that was made. May throw Crash.
  void observe(Observe observe) { observe_ = std::move(observe); }
  /// For as long as it stands, recover() fails.
  void stay_away(bool away) { away_ = away; }
  storage::Writer* questions() { return writer_.get(); }

  Result<void> begin() override {
    ++begins;
    return call("begin", [&] { return writer_->begin(); });
  }
  Result<void> commit() override {
    return call("commit", [&]() -> Result<void> {
      MITO_TRY(writer_->commit());
      known_committed = writer_->batch();
      return {};
    });
  }
  void rollback() override {
    broken_ = false;
    writer_->rollback();
  }
  Result<void> savepoint() override {
    return call("savepoint", [&] { return writer_->savepoint(); });
  }
  Result<void> release_savepoint() override {
    return call("release_savepoint", [&] { return writer_->release_savepoint(); });
  }
  Result<void> rollback_to_savepoint() override {
    broken_ = false;
    return call("rollback_to_savepoint", [&] { return writer_->rollback_to_savepoint(); });
  }
  [[nodiscard]] std::uint64_t batch() const override { return writer_->batch(); }
  Result<std::uint64_t> recover() override {
    if (away_) return fail(ErrorCode::kUnavailable, "", "still away");
    lost_ = broken_ = false;
    auto committed = writer_->recover();
    if (committed) known_committed = std::max(known_committed, *committed);
    if (observe_) observe_("recover", committed.has_value());
    return committed;
  }

  Result<TaskId> reserve_task_ids(std::size_t count) override {
    return call("reserve_task_ids", [&] { return writer_->reserve_task_ids(count); });
  }
  Result<std::pair<UserId, GroupId>> insert_user(const storage::NewUser& user) override {
    return call("insert_user", [&] { return writer_->insert_user(user); });
  }
  Result<void> update_user(const storage::User& user) override {
    return call("update_user", [&] { return writer_->update_user(user); });
  }
  Result<GroupId> insert_group(std::string_view name, UserId creator, Timestamp now) override {
    return call("insert_group", [&] { return writer_->insert_group(name, creator, now); });
  }
  Result<bool> update_group(const storage::Group& group) override {
    return call("update_group", [&] { return writer_->update_group(group); });
  }
  Result<void> upsert_memberships(std::span<const storage::Membership> memberships) override {
    return call("upsert_memberships", [&] { return writer_->upsert_memberships(memberships); });
  }
  Result<void> delete_memberships(GroupId group, std::span<const UserId> users) override {
    return call("delete_memberships", [&] { return writer_->delete_memberships(group, users); });
  }
  Result<WorkerId> insert_worker(const storage::NewWorker& worker) override {
    return call("insert_worker", [&] { return writer_->insert_worker(worker); });
  }
  Result<void> update_worker(const storage::Worker& worker) override {
    return call("update_worker", [&] { return writer_->update_worker(worker); });
  }
  Result<void> upsert_access(std::span<const storage::WorkerAccess> access) override {
    return call("upsert_access", [&] { return writer_->upsert_access(access); });
  }
  Result<void> delete_access(WorkerId worker, std::span<const GroupId> groups) override {
    return call("delete_access", [&] { return writer_->delete_access(worker, groups); });
  }
  Result<void> delete_workers(std::span<const WorkerId> workers) override {
    return call("delete_workers", [&] { return writer_->delete_workers(workers); });
  }
  Result<void> write_heartbeats(std::span<const std::pair<WorkerId, Timestamp>> heartbeats) override {
    return call("write_heartbeats", [&] { return writer_->write_heartbeats(heartbeats); });
  }
  Result<std::vector<storage::Group>> read_groups(std::span<const GroupId> ids) override {
    return call("read_groups", [&] { return writer_->read_groups(ids); });
  }
  Result<std::vector<bool>> update_task_counts(std::span<const storage::GroupCounters> counters) override {
    return call("update_task_counts", [&] { return writer_->update_task_counts(counters); });
  }
  Result<void> insert_tasks(std::span<const storage::NewTask> tasks) override {
    ++inserts;
    if (refuse_insert && std::ranges::any_of(tasks, refuse_insert)) {
      broken_ = true;
      return fail(ErrorCode::kInternal, "", "an injected error of one row");
    }
    return call("insert_tasks", [&] { return writer_->insert_tasks(tasks); });
  }
  Result<std::vector<std::optional<storage::ClaimedTask>>> claim_tasks(
      std::span<const storage::Claim> claims) override {
    return call("claim_tasks", [&] { return writer_->claim_tasks(claims); });
  }
  Result<std::vector<bool>> report_states(std::span<const storage::StateReport> reports) override {
    return call("report_states", [&] { return writer_->report_states(reports); });
  }
  Result<std::vector<bool>> archive_tasks(std::span<const storage::Archive> archives) override {
    return call("archive_tasks", [&] { return writer_->archive_tasks(archives); });
  }
  Result<std::vector<bool>> release_tasks(std::span<const storage::Release> releases) override {
    return call("release_tasks", [&] { return writer_->release_tasks(releases); });
  }
  Result<std::vector<bool>> promote_tasks(std::span<const TaskUuid> tasks, Timestamp now) override {
    return call("promote_tasks", [&] { return writer_->promote_tasks(tasks, now); });
  }
  Result<std::vector<bool>> change_tasks(std::span<const storage::TaskChange> changes) override {
    return call("change_tasks", [&] { return writer_->change_tasks(changes); });
  }
  Result<void> set_labels(TaskId task, const std::vector<std::string>& labels, Timestamp now) override {
    return call("set_labels", [&] { return writer_->set_labels(task, labels, now); });
  }
  Result<void> set_downstream(TaskId task, TaskUuid downstream) override {
    return call("set_downstream", [&] { return writer_->set_downstream(task, downstream); });
  }
  Result<void> touch_task(TaskId task, Timestamp now) override {
    return call("touch_task", [&] { return writer_->touch_task(task, now); });
  }
  Result<void> delete_tasks(std::span<const TaskId> tasks) override {
    return call("delete_tasks", [&] { return writer_->delete_tasks(tasks); });
  }
  Result<void> set_watch_reached(std::span<const TaskId> tasks) override {
    return call("set_watch_reached", [&] { return writer_->set_watch_reached(tasks); });
  }
  Result<void> upsert_artifact(const storage::Artifact& artifact) override {
    return call("upsert_artifact", [&] { return writer_->upsert_artifact(artifact); });
  }
  Result<void> delete_artifact(TaskUuid task, ArtifactContentType type) override {
    return call("delete_artifact", [&] { return writer_->delete_artifact(task, type); });
  }
  Result<void> upsert_attachment(const storage::Attachment& attachment) override {
    return call("upsert_attachment", [&] { return writer_->upsert_attachment(attachment); });
  }
  Result<void> delete_attachment(GroupId group, std::string_view key) override {
    return call("delete_attachment", [&] { return writer_->delete_attachment(group, key); });
  }
  Result<void> set_fact(std::string_view name, std::string_view value) override {
    return call("set_fact", [&] { return writer_->set_fact(name, value); });
  }

  /// As a back end across a network: when the commit that goes along gets no answer, nothing of the round has one.
  Result<storage::RoundAnswers> write_round(const storage::Round& round, storage::Opening opening,
                                            storage::Closing closing) override {
    auto answers = Writer::write_round(round, opening, closing);
    if (!commits_with_rounds || closing != storage::Closing::kLast || !answers || !answers->held()) return answers;
    Result<void> done = commit();
    if (!done && done.error().code() == ErrorCode::kUnavailable) *answers = storage::RoundAnswers{};
    answers->commit = std::move(done);
    return answers;
  }

  /// The number of the last transaction of which it was said that it is committed.
  std::uint64_t known_committed = 0;
  /// Whether the commit goes along with the last round of a transaction.
  bool commits_with_rounds = false;
  int begins = 0;
  int inserts = 0;
  /// A row for which the whole statement fails.
  std::function<bool(const storage::NewTask&)> refuse_insert;

 private:
  template <class Call>
  auto call(std::string_view operation, Call&& work) -> decltype(work()) {
    const auto lost = [] { return fail(ErrorCode::kUnavailable, "", "injected: the connection is lost"); };
    if (lost_) return lost();
    if (broken_) return fail(ErrorCode::kInternal, "", "injected: the transaction has failed");
    switch (choose_ ? choose_(operation) : Fault::kNone) {
      case Fault::kNone:
        break;
      case Fault::kError:
        broken_ = true;
        return fail(ErrorCode::kInternal, "", "injected: the statement failed");
      case Fault::kNoRoom:
        broken_ = true;
        return fail(ErrorCode::kStorageFull, "", "injected: the volume is full");
      case Fault::kCrash:
        throw Crash{};
      case Fault::kDoneAndCrash:
        static_cast<void>(work());
        throw Crash{};
      case Fault::kLost:
        writer_->rollback();
        lost_ = true;
        return lost();
      case Fault::kDoneButLost:
        if (operation == "commit") {
          static_cast<void>(work());
        } else {
          writer_->rollback();  // Without its commit nothing of a transaction stays.
        }
        lost_ = true;
        return lost();
    }
    auto answer = work();
    if (observe_) observe_(operation, answer.has_value());
    return answer;
  }

  std::unique_ptr<storage::Writer> writer_;
  Choose choose_;
  Observe observe_;
  bool lost_ = false;
  bool broken_ = false;
  bool away_ = false;
};

}  // namespace mito::simulation
