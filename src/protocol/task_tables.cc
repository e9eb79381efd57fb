#include "protocol/value_codec.h"

namespace mito::protocol {
namespace {

constexpr std::string_view kRemoteFiles[] = {"Artifact", "Attachment"};
constexpr std::string_view kOutcomes[] = {"Ok", "Err"};

}  // namespace

// --- Specs and results ---

MITO_TABLE(TaskSpec, MEMBER(args), DEFAULTED(envs), DEFAULTED(resources), DEFAULTED(terminal_output), MEMBER(watch));
MITO_TABLE_AS(TaskResult, "struct TaskResultSpec", MEMBER(exit_status), field<&M::message>("msg"));
MITO_TABLE_AS(Resource, "struct RemoteResourceDownload", MEMBER(remote_file), path_field<&M::local_path>("local_path"));
MITO_TABLE_AS(ArtifactReference, "struct variant RemoteResource::Artifact", MEMBER(uuid), MEMBER(content_type));
MITO_TABLE_AS(AttachmentReference, "struct variant RemoteResource::Attachment", MEMBER(key));

bool Codec<RemoteFile>::read(JsonReader& reader, RemoteFile& value) {
  constexpr std::string_view kForm = "struct variant";
  std::string_view name;
  bool has_content = false;
  if (!begin_variant(reader, name, has_content)) return false;
  if (name == kRemoteFiles[0])
    return read_content(reader, kRemoteFiles[0], has_content, kForm,
                        [&] { return read_value(reader, value.emplace<ArtifactReference>()); });
  if (name == kRemoteFiles[1])
    return read_content(reader, kRemoteFiles[1], has_content, kForm,
                        [&] { return read_value(reader, value.emplace<AttachmentReference>()); });
  return fail_variant(reader, name, kRemoteFiles);
}

void Codec<RemoteFile>::write(JsonWriter& writer, const RemoteFile& value) {
  writer.begin_object();
  writer.key(kRemoteFiles[value.index()]);
  std::visit([&](const auto& reference) { write_value(writer, reference); }, value);
  writer.end_object();
}

const TypeInfo& Codec<RemoteFile>::type() {
  static const Alternative kForms[] = {{kRemoteFiles[0], &type_of<ArtifactReference>()},
                                       {kRemoteFiles[1], &type_of<AttachmentReference>()}};
  static const TypeInfo kInfo{.kind = TypeInfo::Kind::kVariant, .alternatives = kForms};
  return kInfo;
}

// --- Submitting and changing ---

bool Codec<SubmitTaskOutcome>::read(JsonReader& reader, SubmitTaskOutcome& value) {
  constexpr std::string_view kForm = "newtype variant";
  std::string_view name;
  bool has_content = false;
  if (!begin_variant(reader, name, has_content)) return false;
  if (name == kOutcomes[0])
    return read_content(reader, kOutcomes[0], has_content, kForm,
                        [&] { return read_value(reader, value.emplace<SubmitTaskResp>()); });
  if (name == kOutcomes[1])
    return read_content(reader, kOutcomes[1], has_content, kForm,
                        [&] { return read_value(reader, value.emplace<ErrorMsg>()); });
  return fail_variant(reader, name, kOutcomes);
}

void Codec<SubmitTaskOutcome>::write(JsonWriter& writer, const SubmitTaskOutcome& value) {
  writer.begin_object();
  writer.key(kOutcomes[value.index()]);
  std::visit([&](const auto& outcome) { write_value(writer, outcome); }, value);
  writer.end_object();
}

const TypeInfo& Codec<SubmitTaskOutcome>::type() {
  static const Alternative kForms[] = {{kOutcomes[0], &type_of<SubmitTaskResp>()},
                                       {kOutcomes[1], &type_of<ErrorMsg>()}};
  static const TypeInfo kInfo{.kind = TypeInfo::Kind::kVariant, .alternatives = kForms};
  return kInfo;
}

MITO_TABLE(SubmitTaskReq, MEMBER(group_name), SET(tags), SET(labels), MEMBER(timeout), MEMBER(priority),
           MEMBER(task_spec), OURS(uuid));
MITO_TABLE(SubmitTaskResp, MEMBER(task_id), MEMBER(uuid));
MITO_TABLE(TasksSubmitReq, MEMBER(tasks));
MITO_TABLE(TasksSubmitResp, MEMBER(results));
MITO_TABLE(ChangeTaskReq, SET(tags), field<&M::timeout, Presence::kKeyRequired>("timeout"), MEMBER(priority),
           MEMBER(task_spec));
MITO_TABLE(UpdateTaskLabelsReq, SET(labels));
MITO_TABLE(TaskUsage, OURS(cpu_seconds), OURS(peak_memory_bytes), OURS(wall_seconds));
MITO_TABLE(TaskDetail, OURS(reason), OURS(notes), OURS(usage), OURS(started_at), OURS(finished_at));
MITO_TABLE(TaskWorker, MEMBER(worker_id), OURS(host), OURS(name));
MITO_TABLE(ParsedTaskQueryInfo, MEMBER(uuid), MEMBER(creator_username), MEMBER(group_name), MEMBER(task_id),
           MEMBER(tags), MEMBER(labels), MEMBER(created_at), MEMBER(updated_at), MEMBER(state), MEMBER(timeout),
           MEMBER(priority), MEMBER(spec), MEMBER(result), MEMBER(upstream_task_uuid), MEMBER(downstream_task_uuid),
           MEMBER(reporter_uuid));
MITO_TABLE(TaskQueryInfo, MEMBER(uuid), MEMBER(creator_username), MEMBER(group_name), MEMBER(task_id), MEMBER(tags),
           MEMBER(labels), MEMBER(created_at), MEMBER(updated_at), MEMBER(state), MEMBER(timeout), MEMBER(priority),
           MEMBER(spec), MEMBER(result), MEMBER(upstream_task_uuid), MEMBER(downstream_task_uuid),
           MEMBER(reporter_uuid), OURS(exec_state), OURS(worker), OURS(detail));
MITO_TABLE(ArtifactQueryResp, MEMBER(content_type), MEMBER(size), MEMBER(created_at), MEMBER(updated_at));
MITO_TABLE(TaskQueryResp, MEMBER(info), MEMBER(artifacts), OURS(exec_state), OURS(worker), OURS(detail));
MITO_TABLE(TasksQueryReq, SET(creator_usernames), MEMBER(group_name), SET(tags), SET(labels), SET(states),
           MEMBER(exit_status), MEMBER(priority), MEMBER(reporter_uuid), MEMBER(limit), MEMBER(offset), MEMBER(count),
           OURS(detail));
MITO_TABLE(TasksQueryResp, MEMBER(count), MEMBER(tasks), MEMBER(group_name));
MITO_TABLE(TasksCancelByFilterReq, SET(creator_usernames), MEMBER(group_name), SET(tags), SET(labels), SET(states),
           MEMBER(exit_status), MEMBER(priority));
MITO_TABLE(TasksCancelByFilterResp, MEMBER(cancelled_count), MEMBER(group_name));
MITO_TABLE(TasksCancelByUuidsReq, MEMBER(uuids));
MITO_TABLE(TasksCancelByUuidsResp, MEMBER(cancelled_count), MEMBER(failed_uuids));
MITO_TABLE(UploadArtifactReq, MEMBER(content_type), MEMBER(content_length));
MITO_TABLE(UploadArtifactResp, MEMBER(exist), MEMBER(url));
MITO_TABLE(ArtifactsDownloadByFilterReq, SET(creator_usernames), MEMBER(group_name), SET(tags), SET(labels),
           SET(states), MEMBER(exit_status), MEMBER(priority), MEMBER(reporter_uuid), MEMBER(content_type));
MITO_TABLE(ArtifactsDownloadByUuidsReq, MEMBER(uuids), MEMBER(content_type));
MITO_TABLE(ArtifactDownloadItem, MEMBER(uuid), MEMBER(url), MEMBER(size));
MITO_TABLE(ArtifactsDownloadListResp, MEMBER(downloads));
MITO_TABLE(ArtifactsDeleteByFilterReq, SET(creator_usernames), MEMBER(group_name), SET(tags), SET(labels), SET(states),
           MEMBER(exit_status), MEMBER(priority), MEMBER(reporter_uuid), MEMBER(content_type));
MITO_TABLE(ArtifactsDeleteByFilterResp, MEMBER(deleted_count));
MITO_TABLE(ArtifactsDeleteByUuidsReq, MEMBER(uuids), MEMBER(content_type));
MITO_TABLE(ArtifactsDeleteByUuidsResp, MEMBER(deleted_count), MEMBER(failed_uuids));
MITO_TABLE(TaskEvent, MEMBER(uuid), MEMBER(group_name), MEMBER(task_id), MEMBER(state), MEMBER(at), OURS(exec_state),
           OURS(result));

}  // namespace mito::protocol
