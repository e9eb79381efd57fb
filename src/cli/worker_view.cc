#include "cli/worker_view.h"

#include <string_view>

#include <fmt/core.h>

#include "cli/humane.h"
#include "cli/text.h"
#include "protocol/codec.h"

namespace mito::cli {

namespace {

protocol::WorkerHostInfo host_of(const protocol::WorkerQueryInfo& worker) {
  if (!worker.info || worker.info->text.empty()) return {};
  return protocol::decode<protocol::WorkerHostInfo>(worker.info->text).value_or(protocol::WorkerHostInfo{});
}

std::string_view describe_worker(const protocol::WorkerQueryInfo& worker) {
  const bool busy = worker.assigned_task_id.has_value();
  if (worker.state == WorkerState::kGracefulShutdown) return busy ? "stopping" : "stopped";
  return busy ? "busy" : "idle";
}

}  // namespace

std::string render_worker(const protocol::WorkerQueryInfo& worker, Timestamp now) {
  const auto host = host_of(worker);
  Details details;
  details.add("Worker UUID", worker.worker_id.to_string());
  details.add("State", fmt::format("{} ({})", describe_worker(worker), to_string(worker.state)));
  details.add_if("Host", host.host.value_or(""));
  details.add_if("Name", host.name.value_or(""));
  details.add("Tags", worker.tags.empty() ? "(none)" : join(worker.tags));
  details.add("Labels", worker.labels.empty() ? "(none)" : join(worker.labels));
  details.add("Created by user", worker.creator_username);
  details.add("Created at", moment(worker.created_at, now));
  details.add("Updated at", moment(worker.updated_at, now));
  details.add("Last Heartbeat", moment(worker.last_heartbeat, now));
  details.add("Assigned Task", worker.assigned_task_id ? worker.assigned_task_id->to_string() : "None");
  return details.render();
}

Table worker_table(const std::vector<protocol::WorkerQueryInfo>& workers, Timestamp now) {
  Table table({{.title = "UUID"},
               {.title = "STATE"},
               {.title = "HOST", .least = 8},
               {.title = "NAME", .least = 8},
               {.title = "TAGS", .least = 8},
               {.title = "LABELS", .least = 8},
               {.title = "USER", .least = 8},
               {.title = "HEARTBEAT", .align = Table::Align::kRight},
               {.title = "TASK"},
               {.title = "CREATED", .shown = Table::Columns::kAll},
               {.title = "VERSION", .shown = Table::Columns::kAll}});
  for (const auto& worker : workers) {
    const auto host = host_of(worker);
    table.add({worker.worker_id.to_string(), std::string(describe_worker(worker)), host.host.value_or(""),
               host.name.value_or(""), join(worker.tags, ","), join(worker.labels, ","), worker.creator_username,
               ago(worker.last_heartbeat, now), worker.assigned_task_id ? worker.assigned_task_id->to_string() : "",
               ago(worker.created_at, now), host.version.value_or("")});
  }
  return table;
}

}  // namespace mito::cli
