#include "core/transaction.h"

#include <algorithm>

namespace mito::core {

Result<void> Transaction::begin() {
  if (begun_) return {};
  MITO_TRY(writer_.begin());
  begun_ = true;
  return {};
}

Result<void> Transaction::touch(Phase phase, std::optional<TaskId> task, std::optional<WorkerId> worker) {
  const auto late = [phase](const auto& touched, const auto& id) {
    if (!id) return false;
    const auto found = touched.find(*id);
    return found != touched.end() && found->second >= phase;
  };
  if (late(round_.tasks, task) || late(round_.workers, worker)) MITO_TRY(flush());
  if (task) round_.tasks[*task] = phase;
  if (worker) round_.workers[*worker] = phase;
  round_is_empty_ = false;
  ++rows_;
  return {};
}

Result<void> Transaction::report(storage::StateReport report) {
  MITO_TRY(touch(Phase::kReport, report.task, std::nullopt));
  round_.reports.push_back(report);
  return {};
}

Result<void> Transaction::release(storage::Release release) {
  MITO_TRY(touch(Phase::kRelease, release.task, release.worker));
  round_.releases.push_back(release);
  return {};
}

Result<void> Transaction::archive(storage::Archive archive) {
  MITO_TRY(touch(Phase::kArchive, archive.task, archive.worker));
  round_.archives.push_back(std::move(archive));
  return {};
}

Result<void> Transaction::promote(TaskUuid task, TaskId id) {
  MITO_TRY(touch(Phase::kPromote, id, std::nullopt));
  round_.promotions.push_back(task);
  round_.promoted.push_back(id);
  return {};
}

Result<void> Transaction::change(storage::TaskChange change) {
  MITO_TRY(touch(Phase::kChange, change.task, std::nullopt));
  round_.changes.push_back(std::move(change));
  return {};
}

Result<void> Transaction::reach_watch(TaskId task) {
  MITO_TRY(touch(Phase::kReachWatch, task, std::nullopt));
  round_.reached.push_back(task);
  return {};
}

Result<void> Transaction::insert(storage::NewTask task) {
  MITO_TRY(touch(Phase::kInsert, task.id, std::nullopt));
  round_.inserted.emplace(task.id, round_.inserts.size());
  round_.inserts.push_back(std::move(task));
  return {};
}

Result<void> Transaction::set_downstream(TaskId task, TaskUuid downstream) {
  MITO_TRY(touch(Phase::kDownstream, task, std::nullopt));
  round_.downstreams.emplace_back(task, downstream);
  return {};
}

Result<std::size_t> Transaction::claim(storage::Claim claim) {
  const std::size_t number = claimed_.size();
  claimed_.push_back(Claimed{.task = claim.task, .worker = claim.worker, .what = {}, .known = false});
  const auto inserted = round_.inserted.find(claim.task);
  const auto worker = round_.workers.find(claim.worker);
  const bool worker_is_free = worker == round_.workers.end() || worker->second < Phase::kInsert;
  if (inserted != round_.inserted.end() && round_.tasks[claim.task] == Phase::kInsert && worker_is_free) {
    // The task of this round is stored as claimed at once.
    storage::NewTask& task = round_.inserts[inserted->second];
    task.state = TaskState::kRunning;
    task.assigned_worker = claim.worker;
    round_.workers[claim.worker] = Phase::kInsert;
    claimed_[number].what = storage::ClaimedTask{
        .uuid = task.uuid, .timeout_seconds = task.timeout_seconds, .spec = task.spec, .upstream = task.upstream};
    claimed_[number].known = true;
    return number;
  }
  MITO_TRY(touch(Phase::kClaim, claim.task, claim.worker));
  round_.claims.push_back(claim);
  round_.claim_numbers.push_back(number);
  return number;
}

Result<void> Transaction::delete_worker(WorkerId worker) {
  MITO_TRY(touch(Phase::kDeleteWorker, std::nullopt, worker));
  round_.departures.push_back(worker);
  return {};
}

void Transaction::heartbeats(std::span<const std::pair<WorkerId, Timestamp>> heartbeats) {
  round_.heartbeats.assign(heartbeats.begin(), heartbeats.end());
  round_is_empty_ = round_is_empty_ && heartbeats.empty();
}

Result<void> Transaction::read_groups(std::vector<GroupId> groups) {
  std::ranges::sort(groups);
  groups.erase(std::ranges::unique(groups).begin(), groups.end());
  std::erase_if(groups, [&](GroupId id) { return counters_.contains(id); });
  if (groups.empty()) return {};
  MITO_TRY(begin());
  MITO_TRY_ASSIGN(const auto rows, writer_.read_groups(groups));
  for (const GroupId id : groups)
    counters_.try_emplace(id);
  for (const auto& row : rows)
    counters_[row.id] = Counter{.exists = true, .written = row.task_count, .planned = row.task_count};
  return {};
}

Result<std::optional<std::int64_t>> Transaction::next_number(GroupId group) {
  MITO_TRY(read_groups({group}));
  Counter& counter = counters_[group];
  if (!counter.exists) {
    counters_.erase(group);  // It may be made by a later command of this transaction.
    return std::nullopt;
  }
  return ++counter.planned;
}

Result<storage::Writer*> Transaction::writer() {
  MITO_TRY(flush());
  MITO_TRY(begin());
  return &writer_;
}

Result<storage::Writer*> Transaction::reader() {
  MITO_TRY(flush());
  return &writer_;
}

void Transaction::abandon() {
  round_ = Round{};
  round_is_empty_ = true;
  counters_.clear();
  conflicts_.clear();
}

void Transaction::note_conflicts(const storage::RoundAnswers& answers) {
  const auto note = [this](const auto& held, const auto& elements, auto&& task) {
    for (std::size_t i = 0; i < held.size(); ++i)
      if (!held[i]) conflicts_.push_back(task(elements[i]));
  };
  const auto task_of = [](const auto& element) { return element.task; };
  note(answers.reports, round_.reports, task_of);
  note(answers.releases, round_.releases, task_of);
  note(answers.archives, round_.archives, task_of);
  note(answers.promotions, round_.promoted, [](TaskId id) { return id; });
  note(answers.changes, round_.changes, task_of);
  note(answers.claims, round_.claims, task_of);
}

Result<void> Transaction::flush() {
  if (round_is_empty_) return {};
  MITO_TRY(write(storage::Closing::kStaysOpen));
  return {};
}

Result<void> Transaction::commit() {
  std::optional<Result<void>> done;
  if (!round_is_empty_) {
    MITO_TRY_ASSIGN(done, write(storage::Closing::kLast));
  }
  if (!begun_) return {};
  committing_ = true;
  return done ? *std::move(done) : writer_.commit();
}

Result<void> Transaction::read_claims() {
  for (Claimed& claim : claimed_) {
    if (claim.known) continue;
    MITO_TRY_ASSIGN(auto row, writer_.task_by_id(claim.task));
    if (!row) return fail(ErrorCode::kInternal, "", "a task that was claimed is gone");
    claim.what = storage::ClaimedTask{.uuid = row->uuid,
                                      .timeout_seconds = row->timeout_seconds,
                                      .spec = std::move(row->spec),
                                      .upstream = row->upstream};
    claim.known = true;
  }
  return {};
}

/// What the commit answered, where it went along.
Result<std::optional<Result<void>>> Transaction::write(storage::Closing closing) {
  const std::vector<storage::GroupCounters> counters = changed_counters();
  const auto opening = begun_ ? storage::Opening::kBegun : storage::Opening::kBegin;
  begun_ = true;  // Also when it fails half-way: then it is to be rolled back.
  MITO_TRY_ASSIGN(auto answers, writer_.write_round({.reports = round_.reports,
                                                     .releases = round_.releases,
                                                     .archives = round_.archives,
                                                     .promotions = round_.promotions,
                                                     .changes = round_.changes,
                                                     .reached = round_.reached,
                                                     .counters = counters,
                                                     .inserts = round_.inserts,
                                                     .downstreams = round_.downstreams,
                                                     .claims = round_.claims,
                                                     .departures = round_.departures,
                                                     .heartbeats = round_.heartbeats,
                                                     .now = now_},
                                                    opening, closing));
  if (answers.commit && !*answers.commit) {
    round_ = Round{};
    round_is_empty_ = true;
    return std::move(answers.commit);
  }
  note_conflicts(answers);
  if (!conflicts_.empty()) return fail(ErrorCode::kInternal, "", "a task's row is not as the scheduler knows it");
  if (std::ranges::find(answers.counters, false) != answers.counters.end())
    return fail(ErrorCode::kInternal, "", "a group's task_count was changed in the middle of a transaction");
  for (const auto& change : counters)
    counters_[change.group].written = change.new_task_count;
  for (std::size_t i = 0; i < answers.claims.size(); ++i) {
    Claimed& claim = claimed_[round_.claim_numbers[i]];
    claim.what = *std::move(answers.claims[i]);
    claim.known = true;
  }
  round_ = Round{};
  round_is_empty_ = true;
  return std::move(answers.commit);
}

std::vector<storage::GroupCounters> Transaction::changed_counters() const {
  std::vector<storage::GroupCounters> changed;
  if (round_.inserts.empty()) return changed;
  for (const auto& [group, counter] : counters_) {
    if (counter.planned == counter.written) continue;
    changed.push_back(storage::GroupCounters{
        .group = group, .old_task_count = counter.written, .new_task_count = counter.planned, .now = now_});
  }
  return changed;
}

}  // namespace mito::core
