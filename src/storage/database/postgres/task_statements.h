#pragma once

#include <functional>
#include <span>
#include <utility>

#include "storage/database/database.h"
#include "storage/database/postgres/connection.h"

// The set-based statements of the hot path: one for all elements of a span. Within a span no task, and where it says so
// no worker, may be named twice. Conditional ones answer the places (from 1) of the elements that were applied.
namespace mito::storage::postgres {

/// What becomes of a conditional statement that could not be applied to every element.
enum class Unless {
  kTold,   ///< It answers the places of those it was applied to.
  kFails,  ///< It fails (Landing::condition_failed), and answers nothing of interest when it does not.
};

void add_task_counts(Flight& flight, std::span<const GroupCounters> counters, Unless unless = Unless::kTold);
/// One or two statements, without answers.
void add_inserts(Flight& flight, std::span<const NewTask> tasks);
/// Workers, too, once. Answers place, uuid, timeout, spec, upstream, in both cases.
void add_claims(Flight& flight, std::span<const Claim> claims, Unless unless = Unless::kTold);
void add_reports(Flight& flight, std::span<const StateReport> reports, Unless unless = Unless::kTold);
/// `takes_next`: whether a later statement of the transaction gives the worker another task, so that its row need not
/// say in between that it has none.
void add_archives(Flight& flight, std::span<const Archive> archives,
                  const std::function<bool(WorkerId)>& takes_next = {}, Unless unless = Unless::kTold);
void add_releases(Flight& flight, std::span<const Release> releases, Unless unless = Unless::kTold);
void add_promotions(Flight& flight, std::span<const TaskUuid> tasks, Timestamp now, Unless unless = Unless::kTold);
void add_changes(Flight& flight, std::span<const TaskChange> changes, Unless unless = Unless::kTold);
void add_downstreams(Flight& flight, std::span<const std::pair<TaskId, TaskUuid>> downstreams);
void add_watches_reached(Flight& flight, std::span<const TaskId> tasks);
void add_departures(Flight& flight, std::span<const WorkerId> workers);
void add_heartbeats(Flight& flight, std::span<const std::pair<WorkerId, Timestamp>> heartbeats);

/// Which of `count` elements were applied.
Result<std::vector<bool>> applied(const Rows& rows, std::size_t count);
Result<std::vector<std::optional<ClaimedTask>>> claimed(const Rows& rows, std::size_t count);

}  // namespace mito::storage::postgres
