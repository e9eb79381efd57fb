#include "protocol/value_codec.h"

namespace mito::protocol {
namespace {

// In the order of the original's declaration, which its errors show; ours stands apart, because they do not name it.
constexpr std::string_view kOps[] = {"Finish", "Cancel", "Submit", "Commit", "Upload"};
constexpr std::string_view kComplete = "Complete";
constexpr std::string_view kEndStates[] = {"Finished", "Cancelled"};

/// The two states in which a task can end.
bool read_end_state(JsonReader& reader, TaskState& state) {
  std::size_t index = 0;
  if (!read_enum(reader, kEndStates, index)) return false;
  state = index == 0 ? TaskState::kFinished : TaskState::kCancelled;
  return true;
}

std::string_view name_of(const ReportTaskOp& op) {
  return op.index() < std::size(kOps) ? kOps[op.index()] : kComplete;
}

}  // namespace

bool Codec<ReportTaskOp>::read(JsonReader& reader, ReportTaskOp& value) {
  std::string_view name;
  bool has_content = false;
  if (!begin_variant(reader, name, has_content)) return false;
  // The name is compared before the content is read, which overwrites it.
  const auto unit = [&](std::string_view of, ReportTaskOp op) {
    value = std::move(op);
    return !has_content || read_content(reader, of, has_content, {}, [&] { return read_unit(reader); });
  };
  const auto content = [&](std::string_view of, std::string_view form, auto& into) {
    return read_content(reader, of, has_content, form, [&] { return read_value(reader, into); });
  };
  if (name == kOps[0]) return unit(kOps[0], FinishOp{});
  if (name == kOps[1]) return unit(kOps[1], CancelOp{});
  if (name == kOps[2]) return content(kOps[2], "newtype variant", value.emplace<SubmitOp>().task);
  if (name == kOps[3]) return content(kOps[3], "newtype variant", value.emplace<CommitOp>());
  if (name == kOps[4]) return content(kOps[4], "struct variant", value.emplace<UploadOp>());
  if (name == kComplete) return content(kComplete, "newtype variant", value.emplace<CompleteOp>());
  return fail_variant(reader, name, kOps);
}

void Codec<ReportTaskOp>::write(JsonWriter& writer, const ReportTaskOp& value) {
  if (std::holds_alternative<FinishOp>(value) || std::holds_alternative<CancelOp>(value))
    return writer.string(name_of(value));
  writer.begin_object();
  writer.key(name_of(value));
  if (const auto* submit = std::get_if<SubmitOp>(&value)) write_value(writer, submit->task);
  if (const auto* commit = std::get_if<CommitOp>(&value)) write_value(writer, *commit);
  if (const auto* upload = std::get_if<UploadOp>(&value)) write_value(writer, *upload);
  if (const auto* complete = std::get_if<CompleteOp>(&value)) write_value(writer, *complete);
  writer.end_object();
}

const TypeInfo& Codec<ReportTaskOp>::type() {
  static const Alternative kForms[] = {{kOps[0], nullptr},
                                       {kOps[1], nullptr},
                                       {kOps[2], &type_of<SubmitTaskReq>()},
                                       {kOps[3], &type_of<CommitOp>()},
                                       {kOps[4], &type_of<UploadOp>()},
                                       {kComplete, &type_of<CompleteOp>()}};
  static const TypeInfo kInfo{.kind = TypeInfo::Kind::kVariant, .alternatives = kForms};
  return kInfo;
}

MITO_TABLE(WorkerHostInfo, OURS(host), OURS(name), OURS(kernel), OURS(cores), OURS(memory_bytes), OURS(version));
MITO_TABLE(RegisterWorkerReq, SET(tags), SET(labels), SET(groups), DEFAULTED(lifetime), OURS(features), OURS(lease),
           OURS(info));
MITO_TABLE(RegisterWorkerResp, MEMBER(worker_id), MEMBER(token), MEMBER(redis_url), OURS(features));
MITO_TABLE(WorkerTaskResp, MEMBER(id), MEMBER(uuid), MEMBER(timeout), MEMBER(upstream_task_uuid), MEMBER(spec));
MITO_TABLE(WorkerTaskText, MEMBER(id), MEMBER(uuid), MEMBER(timeout), MEMBER(upstream_task_uuid), MEMBER(spec));
MITO_TABLE_AS(CommitOp, "struct TaskResultSpec", MEMBER(exit_status), MEMBER(msg), OURS(next), OURS(detail));
MITO_TABLE_AS(UploadOp, "struct variant ReportTaskOp::Upload", MEMBER(content_type), MEMBER(content_length));
MITO_TABLE(CompleteOp, MEMBER(exit_status), MEMBER(msg),
           make_field<&M::state, Presence::kRequired, Order::kList, read_end_state>("state"), OURS(next), OURS(detail));
MITO_TABLE(ReportTaskReq, MEMBER(id), MEMBER(op));
MITO_TABLE(ReportTaskResp, MEMBER(url));
MITO_TABLE(ReportTaskNextResp, MEMBER(url), MEMBER(next));
MITO_TABLE(ReportTaskNextText, MEMBER(url), MEMBER(next));
MITO_TABLE(WorkerReport, MEMBER(token), MEMBER(report));
MITO_TABLE(ReportTasksReq, MEMBER(reports));
MITO_TABLE(WorkerReportAnswer, MEMBER(status), MEMBER(body));
MITO_TABLE(ReportTasksResp, MEMBER(answers));
MITO_TABLE(TaskStateReq, MEMBER(state));
MITO_TABLE(WorkerQueryInfo, MEMBER(worker_id), MEMBER(creator_username), MEMBER(tags), MEMBER(labels),
           MEMBER(created_at), MEMBER(updated_at), MEMBER(state), MEMBER(last_heartbeat), MEMBER(assigned_task_id),
           OURS(features), OURS(lease), OURS(info));
MITO_TABLE(WorkerQueryResp, MEMBER(info), MEMBER(groups));
MITO_TABLE(ReplaceWorkerTagsReq, SET(tags));
MITO_TABLE(ReplaceWorkerLabelsReq, SET(labels));
MITO_TABLE(UpdateGroupWorkerRoleReq, MEMBER(relations));
MITO_TABLE(RemoveGroupWorkerRoleReq, SET(groups));
MITO_TABLE(WorkersQueryReq, MEMBER(group_name), SET(role), SET(tags), SET(labels), MEMBER(creator_username),
           MEMBER(count), OURS(detail));
MITO_TABLE(WorkersQueryResp, MEMBER(count), MEMBER(workers), MEMBER(group_name));
MITO_TABLE(WorkersShutdownByFilterReq, MEMBER(group_name), SET(role), SET(tags), SET(labels), MEMBER(creator_username),
           MEMBER(op));
MITO_TABLE(WorkersShutdownByFilterResp, MEMBER(shutdown_count), MEMBER(group_name));
MITO_TABLE(WorkersShutdownByUuidsReq, MEMBER(uuids), MEMBER(op));
MITO_TABLE(WorkersShutdownByUuidsResp, MEMBER(shutdown_count), MEMBER(failed_uuids));
MITO_TABLE(AdminWorkersQueryReq, MEMBER(group_name), SET(tags), SET(labels), MEMBER(creator_username), MEMBER(limit),
           MEMBER(offset), DEFAULTED(count));
MITO_TABLE(AdminWorkersQueryResp, MEMBER(count), MEMBER(workers));

}  // namespace mito::protocol
