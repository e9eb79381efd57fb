#pragma once

#include <span>
#include <utility>

#include "storage/database/database.h"
#include "storage/database/postgres/connection.h"

// The set-based statements of the hot path: one for all elements of a span. Within a span no task, and where it says so
// no worker, may be named twice. Conditional ones answer the places (from 1) of the elements that were applied.
namespace mito::storage::postgres {

void add_task_counts(Flight& flight, std::span<const GroupCounters> counters);
/// One or two statements, without answers.
void add_inserts(Flight& flight, std::span<const NewTask> tasks);
/// Workers, too, once. Answers place, uuid, timeout, spec, upstream.
void add_claims(Flight& flight, std::span<const Claim> claims);
void add_reports(Flight& flight, std::span<const StateReport> reports);
void add_archives(Flight& flight, std::span<const Archive> archives);
void add_releases(Flight& flight, std::span<const Release> releases);
void add_promotions(Flight& flight, std::span<const TaskUuid> tasks, Timestamp now);
void add_changes(Flight& flight, std::span<const TaskChange> changes);
void add_downstreams(Flight& flight, std::span<const std::pair<TaskId, TaskUuid>> downstreams);
void add_watches_reached(Flight& flight, std::span<const TaskId> tasks);
void add_departures(Flight& flight, std::span<const WorkerId> workers);

/// Which of `count` elements were applied.
Result<std::vector<bool>> applied(const Rows& rows, std::size_t count);
Result<std::vector<std::optional<ClaimedTask>>> claimed(const Rows& rows, std::size_t count);

}  // namespace mito::storage::postgres
