#include "protocol/codec.h"

#include "protocol/value_codec.h"

namespace mito::protocol {

std::string DecodeError::text() const {
  std::string out = at_root ? "" : path + ": ";
  return out + message + " at line " + std::to_string(line) + " column " + std::to_string(column);
}

template <class T>
std::expected<T, DecodeError> decode(std::string_view json) {
  std::expected<T, DecodeError> result;
  JsonReader reader(json);
  if (!read_value(reader, *result) || !reader.end_text()) result = std::unexpected(reader.take_error());
  return result;
}

template <class T>
std::string encode(const T& message) {
  JsonWriter writer;
  write_value(writer, message);
  return writer.take();
}

#define MITO_INSTANTIATE(...)                                                             \
  template std::expected<__VA_ARGS__, DecodeError> decode<__VA_ARGS__>(std::string_view); \
  template std::string encode<__VA_ARGS__>(const __VA_ARGS__&);
MITO_STRUCTS(MITO_INSTANTIATE)
MITO_INSTANTIATE(Nothing)
MITO_INSTANTIATE(std::optional<WorkerTaskResp>)
MITO_INSTANTIATE(std::optional<WorkerTaskText>)
#undef MITO_INSTANTIATE

// --- Stored forms ---

namespace {

void write_stored(JsonWriter& writer, const RemoteFile& file) {
  writer.begin_object();
  if (const auto* artifact = std::get_if<ArtifactReference>(&file)) {
    writer.key("Artifact");
    writer.begin_object();
    writer.key("content_type");
    write_value(writer, artifact->content_type);
    writer.key("uuid");
    write_value(writer, artifact->uuid);
    writer.end_object();
  } else {
    writer.key("Attachment");
    write_value(writer, std::get<AttachmentReference>(file));
  }
  writer.end_object();
}

}  // namespace

std::string stored_form(const TaskSpec& spec) {
  JsonWriter writer;
  writer.begin_object();
  writer.key("args");
  write_value(writer, spec.args);
  writer.key("envs");
  write_value(writer, spec.envs);
  writer.key("resources");
  writer.begin_array();
  for (const Resource& resource : spec.resources) {
    writer.begin_object();
    writer.key("local_path");
    write_value(writer, resource.local_path);
    writer.key("remote_file");
    write_stored(writer, resource.remote_file);
    writer.end_object();
  }
  writer.end_array();
  writer.key("terminal_output");
  write_value(writer, spec.terminal_output);
  writer.key("watch");
  write_value(writer, spec.watch);
  writer.end_object();
  return writer.take();
}

std::string stored_form(const TaskResult& result) {
  return encode(result);
}

std::expected<RawJson, DecodeError> sent_form(std::string_view stored_spec, WatchField watch) {
  auto spec = decode<TaskSpec>(stored_spec);
  if (!spec) return std::unexpected(std::move(spec).error());
  if (watch == WatchField::kClear) spec->watch.reset();
  return RawJson{encode(*spec)};
}

}  // namespace mito::protocol
