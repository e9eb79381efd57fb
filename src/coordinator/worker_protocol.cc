#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "coordinator/handlers.h"
#include "coordinator/task_views.h"
#include "protocol/codec.h"
#include "protocol/query.h"
#include "protocol/worker_messages.h"

// What workers ask while they work, but for reports: fetch, heartbeat, leave (reference/server.md 1.4, Workers; 5.4 to
// 5.6; architecture sections 4.3 and 9).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;
using Assignment = std::optional<core::AssignedTask>;

/// A fetch that can be cancelled: the worker then no longer waits in the core.
Awaitable<Result<Assignment>> ask_for_task(Services& services, core::Fetch fetch) {
  return await_callback<Result<Assignment>>(
      [&services, fetch](core::Reply<Assignment> reply, boost::asio::cancellation_slot slot) {
        const core::Core::Ticket ticket = services.core.fetch(fetch, std::move(reply));
        if (slot.is_connected())
          slot.assign([&core = services.core, ticket](boost::asio::cancellation_type) { core.withdraw(ticket); });
      });
}

Awaitable<Result<std::optional<protocol::WorkerTaskText>>> fetch_task(Context& context, protocol::WaitQuery query) {
  core::Fetch fetch{.worker = context.worker.id, .wait = std::chrono::milliseconds(0)};
  if (query.wait)
    fetch.wait = std::min(std::chrono::duration_cast<std::chrono::milliseconds>(query.wait->to_chrono()),
                          context.services.settings.max_wait);
  Result<Assignment> assigned;
  if (fetch.wait.count() == 0) {
    assigned = co_await ask_for_task(context.services, fetch);
  } else {
    // Nobody is there any more to take a task once the peer has closed its side.
    using boost::asio::experimental::awaitable_operators::operator||;
    std::variant<Result<Assignment>, std::monostate> first =
        co_await (ask_for_task(context.services, fetch) || context.request.until_peer_closes());
    if (auto* answer = std::get_if<Result<Assignment>>(&first)) assigned = std::move(*answer);
  }
  if (!assigned) co_return std::unexpected(assigned.error());
  if (!*assigned) co_return std::nullopt;
  MITO_CO_TRY_ASSIGN(auto view, worker_view(**assigned));
  co_return view;
}

// -- life ----------------------------------------------------------------------------------------

Awaitable<Result<Null>> heartbeat(Context& context) {
  MITO_CO_TRY(co_await ask_core<void>(context.services,
                                      [worker = context.worker.id](core::Core& core, core::Reply<void> reply) {
                                        core.heartbeat(worker, std::move(reply));
                                      }));
  co_return Null{};
}

Awaitable<Result<Null>> unregister(Context& context) {
  const WorkerId worker = context.worker.id;
  MITO_CO_TRY_ASSIGN(const bool removed,
                     co_await ask_core<bool>(context.services, [worker](core::Core& core, core::Reply<bool> reply) {
                       core.remove_worker(worker, core::Removal::kUnregister, std::move(reply));
                     }));
  if (!removed) co_return fail(ErrorCode::kNotFound, "Worker " + std::to_string(worker.value) + " not found");
  co_return Null{};
}

Awaitable<Result<protocol::Nothing>> report_state(Context& context, protocol::TaskStateReq request) {
  const TaskUuid task = context.path.task();
  MITO_CO_TRY_ASSIGN(const bool held, co_await ask_core<bool>(
                                          context.services, [worker = context.worker.id, task, state = request.state](
                                                                core::Core& core, core::Reply<bool> reply) {
                                            core.set_exec_state(worker, task, state, std::move(reply));
                                          }));
  if (!held) co_return fail(ErrorCode::kNotFound, "Task with uuid " + task.to_string());
  co_return protocol::Nothing{};
}

}  // namespace

void add_worker_protocol(Handlers& handlers) {
  handlers.add(Endpoint::kFetchTask, query_handler(fetch_task));
  handlers.add(Endpoint::kHeartbeat, handler(heartbeat));
  handlers.add(Endpoint::kUnregisterWorker, handler(unregister));
  handlers.add(Endpoint::kReportState, handler(report_state));
}

}  // namespace mito::coordinator
