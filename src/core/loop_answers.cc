#include <algorithm>
#include <utility>

#include "core/loop.h"

// How commands end: after their transaction committed, or refused.
namespace mito::core {
namespace {

template <class T>
Result<T> outcome(Answer& answer, T value) {
  if (answer.error) return fail(*std::move(answer.error));
  return value;
}

}  // namespace

// A later command of the same batch may have taken the task away again.
void Loop::bring(WorkerId id, Answer& answer, Decider& decider) {
  if (answer.claim) answer.task = decider.claimed(*answer.claim);
  const auto* worker = state_.scheduler.worker(id);
  const bool holds =
      answer.task && worker != nullptr && worker->assignment && worker->assignment->task == answer.task->id;
  if (!holds) answer.task.reset();
}

void Loop::answer_item(const Item& item, Answer& answer, Decider& decider) {
  if (++item.command->done == item.command->members) item.command->slot.reset();
  if (answer.error) postpone(*item.command);
  std::visit(
      [&]<class Asked>(Asked& request) {
        if constexpr (requires { request.reply; }) this->answer(request, item, answer, decider);
      },
      item.command->request);
}

void Loop::answer(SubmitRequest& request, const Item& item, Answer& answer, Decider&) {
  if (item.command->answered) return;
  request.results[item.member] = outcome(answer, answer.submitted);
  if (item.command->done == item.command->members) request.reply(std::move(request.results));
}

void Loop::answer(CancelRequest& request, const Item& item, Answer& answer, Decider&) {
  if (item.command->answered) return;
  request.results[item.member] = answer.flag;
  if (answer.error) {
    item.command->answered = true;
    return request.reply(fail(*std::move(answer.error)));
  }
  if (item.command->done != item.command->members) return;
  std::vector<bool> results;
  results.reserve(request.positions.size());
  for (const std::size_t position : request.positions)
    results.push_back(request.results[position]);
  request.reply(std::move(results));
}

void Loop::answer(FetchRequest& request, const Item& item, Answer& answer, Decider& decider) {
  const WorkerId worker = request.fetch.worker;
  // Only one fetch of a worker waits: whatever this one brought, an older one has nothing to wait for.
  answer_waiting(worker, std::nullopt);
  if (answer.waits && (request.withdrawn || item.command->answered)) {
    answer.waits = false;
    if (state_.scheduler.worker(worker) != nullptr) state_.scheduler.stop_waiting(worker);
  }
  if (item.command->answered) return;
  if (answer.waits) {
    waiting_.emplace(worker, Waiting{.command = item.command, .ticket = request.ticket});
    tickets_.emplace(request.ticket, worker);
    waiting_until_.set(worker, item.command->accepted + request.fetch.wait);
    return;
  }
  bring(worker, answer, decider);
  if (!answer.error && state_.scheduler.worker(worker) == nullptr)
    answer.error = Error(ErrorCode::kWrongCredentials, {});
  request.reply(outcome(answer, std::move(answer.task)));
}

void Loop::answer(ReportRequest& request, const Item& item, Answer& answer, Decider& decider) {
  if (item.command->answered) return;
  bring(request.worker, answer, decider);
  request.reply(outcome(answer, ReportAnswer{.next = std::move(answer.task)}));
}

void Loop::answer(RegisterRequest& request, const Item& item, Answer& answer, Decider&) {
  if (!item.command->answered) request.reply(outcome(answer, answer.worker));
}

void Loop::answer(RemoveRequest& request, const Item& item, Answer& answer, Decider&) {
  if (!item.command->answered) request.reply(outcome(answer, answer.flag));
}

void Loop::answer(ExecStateRequest& request, const Item& item, Answer& answer, Decider&) {
  if (!item.command->answered) request.reply(outcome(answer, answer.flag));
}

void Loop::answer(ChangeWorkerRequest& request, const Item& item, Answer& answer, Decider&) {
  if (item.command->answered) return;
  if (answer.error) return request.reply(fail(*std::move(answer.error)));
  request.reply({});
}

void Loop::answer(ChangeRequest& request, const Item& item, Answer& answer, Decider&) {
  if (!item.command->answered) request.reply(outcome(answer, answer.flag));
}

void Loop::answer(WriteRequest& request, const Item& item, Answer& answer, Decider&) {
  if (item.command->answered) return;
  if (answer.error) return request.reply(fail(*std::move(answer.error)));
  request.reply({});
}

void Loop::answer_woken(const Decider::Woken& woken, Decider& decider) {
  const auto* worker = state_.scheduler.worker(woken.worker);
  AssignedTask task = decider.claimed(woken.claim);
  // Unless a later command of the batch has taken it away again.
  if (worker == nullptr || !worker->assignment || worker->assignment->task != task.id) return;
  answer_waiting(woken.worker, std::move(task));
}

// What we ask of ourselves has nobody to repeat it: it is tried again a little later.
void Loop::postpone(Command& command) {
  const auto later = clock_.monotonic() + std::chrono::seconds(10);
  std::visit(
      [&]<class Asked>(Asked& request) {
        if constexpr (std::is_same_v<Asked, LoseWorker>) {
          // An overrun is noticed again at the next heartbeat.
          if (request.why == LoseWorker::Why::kLeaseExpired) state_.leases.postpone(request.worker, later);
        } else if constexpr (std::is_same_v<Asked, EndWatch>) {
          if (state_.watches.find(request.task) != nullptr) state_.watches.set_deadline(request.task, later);
        } else if constexpr (!requires { request.reply; }) {
          later_.emplace(later, request);
        }
      },
      command.request);
}

void Loop::answer_waiting(WorkerId worker, Result<std::optional<AssignedTask>> answer) {
  auto node = waiting_.extract(worker);
  if (node.empty()) return;
  waiting_until_.erase(worker);
  tickets_.erase(node.mapped().ticket);
  std::get<FetchRequest>(node.mapped().command->request).reply(std::move(answer));
}

void Loop::end_waiting(WorkerId worker) {
  if (uncertain_) {
    // The undo list still belongs to the batch whose outcome is not known: the worker is set right after that.
    ended_while_uncertain_.push_back(worker);
  } else if (state_.scheduler.worker(worker) != nullptr) {
    state_.scheduler.stop_waiting(worker);
    state_.undo.clear();
  }
  answer_waiting(worker, std::nullopt);
}

void Loop::expire_waiting(Clock::Monotonic now) {
  std::vector<WorkerId> expired;
  waiting_until_.each_passed(now, [&](WorkerId worker) {
    expired.push_back(worker);
    return true;
  });
  for (const WorkerId worker : expired)
    end_waiting(worker);
}

void Loop::drop_orphan_waiters() {
  for (const WorkerId id : std::exchange(ended_while_uncertain_, {})) {
    const auto* worker = state_.scheduler.worker(id);
    if (worker != nullptr && worker->waiting_since && !waiting_.contains(id)) state_.scheduler.stop_waiting(id);
  }
  state_.undo.clear();
}

void Loop::refuse(Command& command, const Error& error) {
  if (std::exchange(command.answered, true)) return;
  command.slot.reset();
  std::visit(
      [&]<class Asked>(Asked& request) {
        if constexpr (std::is_same_v<Asked, SubmitRequest>) {
          if (command.done != 0) return request.reply(std::move(request.results));
          request.reply(fail(error));
        } else if constexpr (std::is_same_v<Asked, FetchRequest>) {
          request.reply(std::nullopt);
        } else if constexpr (requires { request.reply; }) {
          request.reply(fail(error));
        }
      },
      command.request);
}

}  // namespace mito::core
