#include "storage/database/database.h"

#include <algorithm>

namespace mito::storage {
namespace {

/// Whether every condition held; false: what was asked for afterwards is not to be done.
bool all_held(const std::vector<bool>& answers) {
  return std::ranges::find(answers, false) == answers.end();
}

}  // namespace

bool RoundAnswers::held() const {
  return all_held(reports) && all_held(releases) && all_held(archives) && all_held(promotions) && all_held(changes) &&
         all_held(counters) && std::ranges::all_of(claims, [](const auto& claim) { return claim.has_value(); });
}

Result<RoundAnswers> Writer::write_round(const Round& round, Opening opening, Closing /*closing*/) {
  RoundAnswers answers;
  if (opening == Opening::kBegin) MITO_TRY(begin());
  const auto ask = [](auto& answer, const auto& elements, auto&& run) -> Result<bool> {
    if (elements.empty()) return true;
    MITO_TRY_ASSIGN(answer, run());
    return all_held(answer);
  };
  MITO_TRY_ASSIGN(bool held, ask(answers.reports, round.reports, [&] { return report_states(round.reports); }));
  if (!held) return answers;
  MITO_TRY_ASSIGN(held, ask(answers.releases, round.releases, [&] { return release_tasks(round.releases); }));
  if (!held) return answers;
  MITO_TRY_ASSIGN(held, ask(answers.archives, round.archives, [&] { return archive_tasks(round.archives); }));
  if (!held) return answers;
  MITO_TRY_ASSIGN(
      held, ask(answers.promotions, round.promotions, [&] { return promote_tasks(round.promotions, round.now); }));
  if (!held) return answers;
  MITO_TRY_ASSIGN(held, ask(answers.changes, round.changes, [&] { return change_tasks(round.changes); }));
  if (!held) return answers;
  if (!round.reached.empty()) MITO_TRY(set_watch_reached(round.reached));
  MITO_TRY_ASSIGN(held, ask(answers.counters, round.counters, [&] { return update_task_counts(round.counters); }));
  if (!held) return answers;
  if (!round.inserts.empty()) MITO_TRY(insert_tasks(round.inserts));
  for (const auto& [task, downstream] : round.downstreams)
    MITO_TRY(set_downstream(task, downstream));
  if (!round.claims.empty()) {
    MITO_TRY_ASSIGN(answers.claims, claim_tasks(round.claims));
    if (!answers.held()) return answers;
  }
  if (!round.departures.empty()) MITO_TRY(delete_workers(round.departures));
  if (!round.heartbeats.empty()) MITO_TRY(write_heartbeats(round.heartbeats));
  return answers;
}

Result<std::unique_ptr<Turn>> Database::take_turn(const std::stop_token& /*stop*/, TurnEvents /*events*/) {
  return std::make_unique<Turn>();
}

}  // namespace mito::storage
