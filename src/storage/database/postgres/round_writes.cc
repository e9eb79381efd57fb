#include <algorithm>
#include <unordered_set>

#include "storage/database/postgres/errors.h"
#include "storage/database/postgres/task_statements.h"
#include "storage/database/postgres/writer.h"

// Rounds of the core: all their statements in one flight.
namespace mito::storage::postgres {
namespace {

/// Where a round's statements stand in their flight.
struct Places {
  std::size_t first = 0;
  std::size_t conditional = 0;  ///< Behind the last one with a condition, but for the claims.
  std::size_t claims = 0;
};

Places add_round(Flight& flight, const Round& round, Unless unless) {
  Places places{.first = flight.size(), .conditional = 0, .claims = 0};
  std::unordered_set<WorkerId> claiming;
  for (const Claim& claim : round.claims)
    claiming.insert(claim.worker);
  if (!round.reports.empty()) add_reports(flight, round.reports, unless);
  if (!round.releases.empty()) add_releases(flight, round.releases, unless);
  if (!round.archives.empty())
    add_archives(flight, round.archives, [&](WorkerId worker) { return claiming.contains(worker); }, unless);
  if (!round.promotions.empty()) add_promotions(flight, round.promotions, round.now, unless);
  if (!round.changes.empty()) add_changes(flight, round.changes, unless);
  if (!round.counters.empty()) add_task_counts(flight, round.counters, unless);
  places.conditional = flight.size();
  if (!round.reached.empty()) add_watches_reached(flight, round.reached);
  if (!round.inserts.empty()) add_inserts(flight, round.inserts);
  if (!round.downstreams.empty()) add_downstreams(flight, round.downstreams);
  places.claims = flight.size();
  if (!round.claims.empty()) add_claims(flight, round.claims, unless);
  if (!round.departures.empty()) add_departures(flight, round.departures);
  if (!round.heartbeats.empty()) add_heartbeats(flight, round.heartbeats);
  return places;
}

/// The answers of a round whose conditions all held, but for its claims.
RoundAnswers all_applied(const Round& round) {
  const auto all = [](const auto& elements) { return std::vector<bool>(elements.size(), true); };
  return {.reports = all(round.reports),
          .releases = all(round.releases),
          .archives = all(round.archives),
          .promotions = all(round.promotions),
          .changes = all(round.changes),
          .counters = all(round.counters)};
}

}  // namespace

Result<RoundAnswers> PostgresWriter::write_round(const Round& round, Opening opening, Closing closing) {
  if (opening == Opening::kBegin && closing == Closing::kLast) {
    MITO_TRY_ASSIGN(auto answers, commit_round(round));
    if (answers) return *std::move(answers);
  }
  Flight flight;
  if (opening == Opening::kBegin) {
    MITO_TRY(check_idle());
    add_begin(flight);
    in_transaction_ = true;
  } else {
    MITO_TRY(check_writable());
  }
  const std::size_t fence = opening == Opening::kBegin ? 1 : 0;
  const Places places = add_round(flight, round, Unless::kTold);

  Landing landing = connection_->fly(flight);
  if (fence != 0) {
    const bool ours = landing.rows.size() > fence && landing.rows[fence].changed() == 1;
    if (!ours) {
      Error error = landing.error ? *landing.error : lost_the_fence();
      // Statements behind the fence may have failed because of what the new writer did.
      if (landing.rows.size() > fence && landing.error && !connection_->broken()) {
        rollback();
        error = lost_the_fence();
      }
      rollback();
      return fail(std::move(error));
    }
    batch_ = committed_ + 1;
  }

  RoundAnswers answers;
  std::size_t next = places.first;
  const auto take = [&](std::vector<bool>& answer, std::size_t count) -> Result<void> {
    if (count == 0 || next >= landing.rows.size()) return {};
    MITO_TRY_ASSIGN(answer, applied(landing.rows[next++], count));
    return {};
  };
  MITO_TRY(take(answers.reports, round.reports.size()));
  MITO_TRY(take(answers.releases, round.releases.size()));
  MITO_TRY(take(answers.archives, round.archives.size()));
  MITO_TRY(take(answers.promotions, round.promotions.size()));
  MITO_TRY(take(answers.changes, round.changes.size()));
  MITO_TRY(take(answers.counters, round.counters.size()));
  // What failed after a condition did not hold failed because of that.
  if (landing.error && (answers.held() || next < places.conditional || connection_->broken()))
    return fail(*std::move(landing.error));
  if (!landing.error && !round.claims.empty()) {
    MITO_TRY_ASSIGN(answers.claims, claimed(landing.rows[places.claims], round.claims.size()));
  }
  return answers;
}

// The connection may break at any point of the flight, the commit included: then the number in the fence's row tells.
Result<std::optional<RoundAnswers>> PostgresWriter::commit_round(const Round& round) {
  MITO_TRY(check_idle());
  Flight flight;
  add_begin(flight, Unless::kFails);
  const Places places = add_round(flight, round, Unless::kFails);
  const std::size_t commit = flight.size();
  add_commit(flight);
  in_transaction_ = true;
  batch_ = committed_ + 1;
  Landing landing = connection_->fly(flight);
  if (connection_->broken()) {
    in_transaction_ = false;
    RoundAnswers unknown;
    unknown.commit = Result<void>(fail(landing.error ? *std::move(landing.error) : connection_error("it was lost")));
    return unknown;
  }
  if (landing.condition_failed) {
    rollback();
    return std::nullopt;
  }
  if (landing.error && landing.rows.size() < commit) return fail(*std::move(landing.error));
  RoundAnswers answers = all_applied(round);
  if (!round.claims.empty()) {
    MITO_TRY_ASSIGN(answers.claims, claimed(landing.rows[places.claims], round.claims.size()));
  }
  if (landing.error) {
    answers.commit = Result<void>(fail(*std::move(landing.error)));
    return answers;
  }
  in_transaction_ = false;
  committed_ = batch_;
  answers.commit = Result<void>();
  return answers;
}

}  // namespace mito::storage::postgres
