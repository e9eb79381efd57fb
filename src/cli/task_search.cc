#include "cli/task_search.h"

#include <limits>
#include <utility>

#include "cli/humane.h"
#include "cli/task_view.h"

namespace mito::cli {

namespace {

constexpr std::uint64_t kPage = 1000;

bool has_failed(const protocol::TaskQueryInfo& task) {
  const auto condition = condition_of(task);
  const bool cancelled = condition.result && condition.result->message == TaskResultMessage::kUserCancellation;
  return condition.result && !cancelled && !succeeded(condition);
}

}  // namespace

Result<protocol::TasksQueryResp> find_tasks(Session& session, const protocol::TasksQueryReq& request, Outcome outcome) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  if (outcome == Outcome::kAny) return client->query_tasks(request, session.stop());
  protocol::TasksQueryReq page = request;
  page.count = false;
  page.limit = kPage;
  page.offset = 0;
  if (!page.states) page.states = {TaskState::kFinished, TaskState::kCancelled};
  const std::uint64_t limit = request.limit.value_or(std::numeric_limits<std::uint64_t>::max());
  std::uint64_t skip = request.offset.value_or(0);
  protocol::TasksQueryResp found;
  for (;;) {
    MITO_TRY_ASSIGN(auto answer, client->query_tasks(page, session.stop()));
    found.group_name = std::move(answer.group_name);
    for (auto& task : answer.tasks) {
      if (!has_failed(task)) continue;
      if (skip > 0) {
        --skip;
        continue;
      }
      if (found.count == limit) return found;
      ++found.count;
      if (!request.count) found.tasks.push_back(std::move(task));
    }
    if (answer.tasks.size() < kPage) return found;
    *page.offset += kPage;
  }
}

}  // namespace mito::cli
