#include "cli/task_view.h"

#include <fmt/core.h>

#include "base/duration.h"
#include "base/size.h"
#include "cli/table.h"
#include "cli/text.h"
#include "protocol/codec.h"

namespace mito::cli {

namespace {

TaskSpec spec_of(const protocol::TaskQueryInfo& task) {
  return protocol::decode<TaskSpec>(task.spec.text).value_or(TaskSpec{});
}

protocol::TaskDetail detail_of(const std::optional<protocol::RawObject>& detail) {
  if (!detail || detail->text.empty()) return {};
  return protocol::decode<protocol::TaskDetail>(detail->text).value_or(protocol::TaskDetail{});
}

std::string describe_resource(const Resource& resource) {
  if (const auto* artifact = std::get_if<ArtifactReference>(&resource.remote_file))
    return fmt::format("artifact {} of task {} as {}", to_string(artifact->content_type), artifact->uuid.to_string(),
                       resource.local_path);
  return fmt::format("attachment {} as {}", std::get<AttachmentReference>(resource.remote_file).key,
                     resource.local_path);
}

std::string timeout_of(std::int64_t seconds) {
  return Duration{.seconds = static_cast<std::uint64_t>(seconds < 0 ? 0 : seconds)}.to_string();
}

/// `name@host`, or what there is of it.
std::string name_of(const protocol::TaskWorker& worker) {
  if (!worker.name) return worker.host.value_or("");
  return worker.host ? *worker.name + "@" + *worker.host : *worker.name;
}

void add_state(Details& details, const TaskCondition& condition) {
  details.add("State", {describe_task_fully(condition), style_of(condition)});
}

/// What both forms of a task's answer have alike.
template <class Info>
void add_info(Details& details, const Info& info, const TaskSpec& spec, Timestamp now) {
  details.add("Created by",
              fmt::format("user {} as the #{} task in Group {}", info.creator_username, info.task_id, info.group_name));
  details.add("Command", spec.args.empty() ? "(none)" : shell_words(spec.args));
  for (const auto& [name, value] : spec.envs)
    details.add("Environment", fmt::format("{}={}", name, value));
  for (const auto& resource : spec.resources)
    details.add("Input", describe_resource(resource));
  if (spec.watch)
    details.add("Watches", fmt::format("task {} for {}", spec.watch->task.to_string(), to_string(spec.watch->state)));
  details.add("Tags", info.tags.empty() ? "(none)" : join(info.tags));
  details.add("Labels", info.labels.empty() ? "(none)" : join(info.labels));
  details.add("Timeout", timeout_of(info.timeout));
  details.add("Priority", fmt::format("{}", info.priority));
  details.add("Output", spec.terminal_output ? "kept (std-log)" : "not kept (--terminal keeps it)");
  details.add("Created at", moment(info.created_at, now));
  details.add("Updated at", moment(info.updated_at, now));
}

void add_run(Details& details, const protocol::TaskDetail& detail, const std::optional<protocol::TaskWorker>& worker,
             Timestamp created, Timestamp now) {
  if (detail.started_at) {
    details.add("Started at", fmt::format("{}, {} after it was created", moment(*detail.started_at, now),
                                          span_of_time(*detail.started_at - created)));
  }
  if (detail.finished_at) {
    const auto ran =
        detail.started_at ? ", ran " + span_of_time(*detail.finished_at - *detail.started_at) : std::string();
    details.add("Finished at", moment(*detail.finished_at, now) + ran);
  }
  if (detail.usage) {
    std::string usage;
    if (detail.usage->cpu_seconds) usage += fmt::format("{:.2f}s of processor time", *detail.usage->cpu_seconds);
    if (detail.usage->peak_memory_bytes)
      usage += fmt::format("{}{} of memory", usage.empty() ? "" : ", ", format_size(*detail.usage->peak_memory_bytes));
    details.add_if("Used", usage);
  }
  details.add_if("Reason", detail.reason.value_or(""));
  for (const auto& note : detail.notes)
    details.add("Note", note);
  if (!worker) return;
  const std::string name = name_of(*worker);
  details.add("Worker", fmt::format("{}{}{}", name, name.empty() ? "" : ", ", worker->worker_id.to_string()));
}

template <class Info>
void add_relations(Details& details, const Info& info) {
  if (info.upstream_task_uuid) details.add("Upstream Task UUID", info.upstream_task_uuid->to_string());
  if (info.downstream_task_uuid) details.add("Downstream Task UUID", info.downstream_task_uuid->to_string());
  if (info.reporter_uuid) details.add("Reporter UUID", info.reporter_uuid->to_string());
}

}  // namespace

TaskCondition condition_of(const protocol::TaskQueryResp& task) {
  return {.state = task.info.state,
          .result = task.info.result,
          .exec_state = task.exec_state,
          .timeout_seconds = task.info.timeout};
}

TaskCondition condition_of(const protocol::TaskQueryInfo& task) {
  TaskCondition condition{
      .state = task.state, .result = {}, .exec_state = task.exec_state, .timeout_seconds = task.timeout};
  if (task.result) {
    if (auto result = protocol::decode<TaskResult>(task.result->text)) condition.result = *result;
  }
  return condition;
}

std::string render_task(const protocol::TaskQueryResp& task, Timestamp now, Colour colour) {
  Details details;
  details.add("Task UUID", task.info.uuid.to_string());
  add_state(details, condition_of(task));
  add_info(details, task.info, task.info.spec, now);
  add_run(details, detail_of(task.detail), task.worker, task.info.created_at, now);
  add_relations(details, task.info);
  if (task.artifacts.empty()) {
    details.add("Artifacts", "None");
    return details.render(colour);
  }
  Table artifacts({{.title = "ARTIFACT"}, {.title = "SIZE", .align = Table::Align::kRight}, {.title = "CREATED"}});
  for (const auto& artifact : task.artifacts)
    artifacts.add({std::string(file_name(artifact.content_type)),
                   format_size(static_cast<std::uint64_t>(artifact.size)), ago(artifact.created_at, now)});
  return details.render(colour) + "Artifacts:\n" + artifacts.render({.colour = colour});
}

std::string render_task(const protocol::TaskQueryInfo& task, Timestamp now, Colour colour) {
  Details details;
  details.add("Task UUID", task.uuid.to_string());
  add_state(details, condition_of(task));
  add_info(details, task, spec_of(task), now);
  add_run(details, detail_of(task.detail), task.worker, task.created_at, now);
  add_relations(details, task);
  return details.render(colour);
}

Table task_table(const std::vector<protocol::TaskQueryInfo>& tasks, Timestamp now) {
  using enum Table::Columns;
  Table table({{.title = "UUID"},
               {.title = "NO.", .align = Table::Align::kRight},
               {.title = "STATE", .least = 10},
               {.title = "COMMAND", .least = 12},
               {.title = "TAGS", .least = 8},
               {.title = "LABELS", .least = 8},
               {.title = "USER", .least = 8},
               {.title = "WORKER", .least = 8},
               {.title = "CREATED", .align = Table::Align::kRight},
               {.title = "GROUP", .shown = kAll},
               {.title = "PRIORITY", .align = Table::Align::kRight, .shown = kAll},
               {.title = "TIMEOUT", .align = Table::Align::kRight, .shown = kAll},
               {.title = "UPDATED", .align = Table::Align::kRight, .shown = kAll},
               {.title = "WORKER UUID", .shown = kAll}});
  for (const auto& task : tasks) {
    const auto condition = condition_of(task);
    table.add({task.uuid.to_string(),
               fmt::format("{}", task.task_id),
               {describe_task_shortly(condition), style_of(condition)},
               shorten(printable(shell_words(spec_of(task).args)), 200),
               join(task.tags, ","),
               join(task.labels, ","),
               task.creator_username,
               task.worker ? name_of(*task.worker) : "",
               ago(task.created_at, now),
               task.group_name,
               fmt::format("{}", task.priority),
               timeout_of(task.timeout),
               ago(task.updated_at, now),
               task.worker ? task.worker->worker_id.to_string() : ""});
  }
  return table;
}

}  // namespace mito::cli
