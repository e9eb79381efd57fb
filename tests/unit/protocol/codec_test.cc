#include "protocol/codec.h"

#include <gtest/gtest.h>

#include "protocol/messages.h"
#include "protocol/schema.h"

namespace mito::protocol {
namespace {

constexpr std::string_view kUuidText = "550e8400-e29b-41d4-a716-446655440000";
const TaskUuid kTask{*Uuid::parse(kUuidText)};

template <class T>
std::string error_of_decoding(std::string_view json) {
  const auto decoded = decode<T>(json);
  return decoded ? "accepted" : decoded.error().text();
}

TaskSpec full_spec() {
  TaskSpec spec;
  spec.args = {"sh", "-c", "echo \"$A\""};
  spec.envs = {{"B", "2"}, {"A", "1"}};
  spec.resources = {{.remote_file = ArtifactReference{kTask, ArtifactContentType::kExecLog}, .local_path = "in/a"},
                    {.remote_file = AttachmentReference{"data/set.bin"}, .local_path = "set.bin"}};
  spec.terminal_output = true;
  spec.watch = Watch{kTask, TaskExecState::kExecFinished};
  return spec;
}

TEST(Spec, IsSentInTheOrderOfItsDeclaration) {
  EXPECT_EQ(encode(full_spec()),
            R"({"args":["sh","-c","echo \"$A\""],"envs":{"A":"1","B":"2"},"resources":[{"remote_file":{"Artifact":{)"
            R"("uuid":"550e8400-e29b-41d4-a716-446655440000","content_type":"exec-log"}},"local_path":"in/a"},)"
            R"({"remote_file":{"Attachment":{"key":"data/set.bin"}},"local_path":"set.bin"}],"terminal_output":true,)"
            R"("watch":["550e8400-e29b-41d4-a716-446655440000","ExecFinished"]})");
}

TEST(Spec, IsStoredInAlphabeticalOrder) {
  const std::string stored = stored_form(full_spec());
  EXPECT_EQ(stored,
            R"({"args":["sh","-c","echo \"$A\""],"envs":{"A":"1","B":"2"},"resources":[{"local_path":"in/a",)"
            R"("remote_file":{"Artifact":{"content_type":"exec-log","uuid":"550e8400-e29b-41d4-a716-446655440000"}}},)"
            R"({"local_path":"set.bin","remote_file":{"Attachment":{"key":"data/set.bin"}}}],"terminal_output":true,)"
            R"("watch":["550e8400-e29b-41d4-a716-446655440000","ExecFinished"]})");
  EXPECT_EQ(decode<TaskSpec>(stored), full_spec());
}

TEST(Spec, TheSentFormOfAStoredSpecMayLeaveOutTheWatch) {
  const std::string stored = stored_form(full_spec());
  EXPECT_EQ(sent_form(stored)->text, encode(full_spec()));
  TaskSpec cleared = full_spec();
  cleared.watch.reset();
  EXPECT_EQ(sent_form(stored, WatchField::kClear)->text, encode(cleared));
  EXPECT_FALSE(sent_form("{}").has_value());
}

TEST(Spec, OnlyTheArgumentsMustBeGiven) {
  const auto spec = decode<TaskSpec>(R"({"args":[]})");
  ASSERT_TRUE(spec.has_value());
  EXPECT_EQ(*spec, TaskSpec());
  EXPECT_EQ(error_of_decoding<TaskSpec>(R"({"args":[],"envs":null})"),
            "envs: invalid type: null, expected a map at line 1 column 22");
  EXPECT_EQ(error_of_decoding<TaskSpec>(R"([[],{},[],false])"),
            "invalid length 4, expected struct TaskSpec with 5 elements at line 1 column 16");
}

TEST(Spec, PathsAreCalledPaths) {
  EXPECT_EQ(error_of_decoding<TaskSpec>(
                R"({"args":[],"resources":[{"remote_file":{"Attachment":{"key":"k"}},"local_path":1}]})"),
            "resources[0].local_path: invalid type: integer `1`, expected path string at line 1 column 80");
}

TEST(Spec, OfARepeatedVariableTheLastCounts) {
  const auto spec = decode<TaskSpec>(R"({"args":[],"envs":{"A":"1","B":"x","A":"2"}})");
  ASSERT_TRUE(spec.has_value());
  EXPECT_EQ(spec->envs, (std::map<std::string, std::string>{{"A", "2"}, {"B", "x"}}));
}

TEST(Result, TheMessageMayBeMissing) {
  EXPECT_EQ(decode<TaskResult>(R"({"exit_status":256})"), (TaskResult{256, std::nullopt}));
  EXPECT_EQ(stored_form(TaskResult{9, TaskResultMessage::kExecTimeout}), R"({"exit_status":9,"msg":"ExecTimeout"})");
}

TEST(Sets, AreSortedAndWithoutRepetitions) {
  const auto request =
      decode<TasksQueryReq>(R"({"tags":["b","a","b"],"states":["Ready","Pending","Ready"],"count":false})");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(request->states, (std::vector{TaskState::kPending, TaskState::kReady}));
}

TEST(Lists, KeepRepetitions) {
  const std::string uuids =
      std::string("{\"uuids\":[\"") + std::string(kUuidText) + "\",\"" + std::string(kUuidText) + "\"]}";
  EXPECT_EQ(decode<TasksCancelByUuidsReq>(uuids)->uuids, (std::vector{kTask, kTask}));
}

TEST(ChangeTask, NeedsTheKeyTimeoutButNoOther) {
  EXPECT_EQ(error_of_decoding<ChangeTaskReq>(R"({"priority":3})"), "missing field `timeout` at line 1 column 14");
  const auto request = decode<ChangeTaskReq>(R"({"timeout":null})");
  ASSERT_TRUE(request.has_value());
  EXPECT_FALSE(request->tags || request->timeout || request->priority || request->task_spec);
}

TEST(Integers, EndWhereTheirTypeEnds) {
  EXPECT_EQ(decode<TaskResult>(R"({"exit_status":-2147483648})")->exit_status,
            std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(error_of_decoding<TaskResult>(R"({"exit_status":-2147483649})"),
            "exit_status: invalid value: integer `-2147483649`, expected i32 at line 1 column 26");
  EXPECT_EQ(
      decode<UploadArtifactReq>(R"({"content_type":"std","content_length":18446744073709551615})")->content_length,
      std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(decode<ReportTaskReq>(R"({"id":-9223372036854775808,"op":"Finish"})")->id,
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(error_of_decoding<ReportTaskReq>(R"({"id":9223372036854775808,"op":"Finish"})"),
            "id: invalid value: integer `9223372036854775808`, expected i64 at line 1 column 25");
}

TEST(Report, EveryOperationInEveryForm) {
  const auto op = [](const std::string& json) {
    const auto request = decode<ReportTaskReq>("{\"id\":1,\"op\":" + json + "}");
    EXPECT_TRUE(request.has_value()) << json << ": " << request.error().text();
    return request ? request->op : ReportTaskOp();
  };
  EXPECT_TRUE(std::holds_alternative<FinishOp>(op(R"("Finish")")));
  EXPECT_TRUE(std::holds_alternative<CancelOp>(op(R"({"Cancel":null})")));
  EXPECT_EQ(std::get<CommitOp>(op(R"({"Commit":{"exit_status":9,"msg":"ExecTimeout"}})")).msg,
            TaskResultMessage::kExecTimeout);
  EXPECT_EQ(std::get<CommitOp>(op(R"({"Commit":[256,null]})")).exit_status, 256);
  EXPECT_EQ(std::get<UploadOp>(op(R"({"Upload":{"content_type":"terminal","content_length":5}})")).content_type,
            ArtifactContentType::kStdLog);
  EXPECT_EQ(std::get<SubmitOp>(op(R"({"Submit":{"group_name":"g","tags":[],"labels":[],"timeout":"1h","priority":0,)"
                                  R"("task_spec":{"args":[]}}})"))
                .task.group_name,
            "g");
  const auto complete = std::get<CompleteOp>(op(
      R"({"Complete":{"exit_status":0,"msg":null,"state":"Cancelled","next":true,"detail":{"reason":"x", "new":[1]}}})"));
  EXPECT_EQ(complete.state, TaskState::kCancelled);
  EXPECT_TRUE(complete.next);
  EXPECT_EQ(complete.detail->text, R"({"reason":"x", "new":[1]})");
}

TEST(Report, ATaskEndsFinishedOrCancelled) {
  EXPECT_EQ(error_of_decoding<ReportTaskReq>(R"({"id":1,"op":{"Complete":{"exit_status":0,"state":"Ready"}}})"),
            "op.Complete.state: unknown variant `Ready`, expected `Finished` or `Cancelled` at line 1 column 57");
}

TEST(Report, AdditionsAreNotSentWhenThereIsNothingToSay) {
  EXPECT_EQ(encode(ReportTaskReq{1, CommitOp{.exit_status = 0, .msg = {}, .next = false, .detail = {}}}),
            R"({"id":1,"op":{"Commit":{"exit_status":0,"msg":null}}})");
  EXPECT_EQ(encode(ReportTaskReq{1, CommitOp{.exit_status = 0, .msg = {}, .next = true, .detail = RawObject{}}}),
            R"({"id":1,"op":{"Commit":{"exit_status":0,"msg":null,"next":true,"detail":{}}}})");
}

TEST(Register, TheAnswerNamesFeaturesOnlyWhenAsked) {
  RegisterWorkerResp answer{.worker_id = {kTask.value}, .token = "t", .redis_url = {}, .features = {}};
  EXPECT_EQ(encode(answer), R"({"worker_id":"550e8400-e29b-41d4-a716-446655440000","token":"t","redis_url":null})");
  answer.features = {"wait"};
  EXPECT_EQ(encode(answer),
            R"({"worker_id":"550e8400-e29b-41d4-a716-446655440000","token":"t","redis_url":null,"features":["wait"]})");
}

TEST(Register, AnInfoMustBeAnObject) {
  EXPECT_EQ(error_of_decoding<RegisterWorkerReq>(R"({"tags":[],"labels":[],"groups":[],"info":[]})"),
            "info: invalid type: sequence, expected a map at line 1 column 42");
}

TEST(RawJson, IsCheckedAllThrough) {
  const auto with_info = [](const std::string& info) {
    return error_of_decoding<RegisterWorkerReq>(R"({"tags":[],"labels":[],"groups":[],"info":)" + info + "}");
  };
  EXPECT_EQ(with_info(R"({"a":[1,2.5,"x",null,true,{}]})"), "accepted");
  EXPECT_EQ(with_info(R"({"a":"\ud800"})"), "info: unexpected end of hex escape at line 1 column 55");
  EXPECT_EQ(with_info(R"({"a":1,})"), "info: key must be a string at line 1 column 50");
  EXPECT_EQ(with_info("{\"a\":" + std::string(126, '[') + std::string(126, ']') + "}"), "accepted");
  EXPECT_EQ(with_info("{\"a\":" + std::string(127, '[') + std::string(127, ']') + "}"),
            "info: recursion limit exceeded at line 1 column 174");
}

TEST(Fetch, TheAnswerMayBeNull) {
  EXPECT_EQ(encode(std::optional<WorkerTaskText>()), "null");
  EXPECT_FALSE(decode<std::optional<WorkerTaskResp>>("null")->has_value());
  const std::string task = encode(std::optional(WorkerTaskText{
      .id = 42, .uuid = kTask, .timeout = {5400, 0}, .upstream_task_uuid = {}, .spec = {encode(full_spec())}}));
  EXPECT_TRUE(task.starts_with(
      R"({"id":42,"uuid":"550e8400-e29b-41d4-a716-446655440000","timeout":"1h 30m","upstream_task_uuid":null,"spec":{"args")"));
  const auto decoded = decode<std::optional<WorkerTaskResp>>(task);
  ASSERT_TRUE(decoded.has_value() && decoded->has_value());
  EXPECT_EQ((*decoded)->spec, full_spec());
}

TEST(Encoding, BadUtf8NeverLeaves) {
  EXPECT_EQ(encode(ErrorMsg{"a\xFF"
                            "b"}),
            "{\"msg\":\"a\xEF\xBF\xBD"
            "b\"}");
}

TEST(Encoding, ControlCharactersAreEscaped) {
  EXPECT_EQ(encode(ErrorMsg{std::string("\0\x1f\x7f\n\"\\/", 7)}), "{\"msg\":\"\\u0000\\u001f\x7f\\n\\\"\\\\/\"}");
}

TEST(Encoding, FloatsAreShortAndNeverWords) {
  EXPECT_EQ(encode(TaskUsage{.cpu_seconds = 0.1, .peak_memory_bytes = 5, .wall_seconds = {}}),
            R"({"cpu_seconds":0.1,"peak_memory_bytes":5})");
  EXPECT_EQ(encode(TaskUsage{
                .cpu_seconds = std::numeric_limits<double>::infinity(), .peak_memory_bytes = {}, .wall_seconds = {}}),
            R"({"cpu_seconds":null})");
}

TEST(Detail, SurvivesTheWire) {
  TaskDetail detail;
  detail.reason = "not found";
  detail.notes = {"skipped socket"};
  detail.usage = TaskUsage{.cpu_seconds = 1.5, .peak_memory_bytes = 1 << 20, .wall_seconds = 2};
  detail.started_at = Timestamp(std::chrono::microseconds(1'763'767'440'123'456));
  const std::string sent = encode(detail);
  EXPECT_EQ(
      sent,
      R"({"reason":"not found","notes":["skipped socket"],"usage":{"cpu_seconds":1.5,"peak_memory_bytes":1048576,)"
      R"("wall_seconds":2},"started_at":"2025-11-21 23:24:00.123456 +00:00:00"})");
  EXPECT_EQ(encode(*decode<TaskDetail>(sent)), sent);
  EXPECT_EQ(encode(TaskDetail()), "{}");
}

TEST(Outcomes, AreOkOrErr) {
  const TasksSubmitResp answer{{SubmitTaskResp{7, kTask}, ErrorMsg{"no"}}};
  const std::string sent = encode(answer);
  EXPECT_EQ(sent,
            R"({"results":[{"Ok":{"task_id":7,"uuid":"550e8400-e29b-41d4-a716-446655440000"}},{"Err":{"msg":"no"}}]})");
  EXPECT_EQ(encode(*decode<TasksSubmitResp>(sent)), sent);
}

TEST(Schema, EveryMessageIsDescribedOnce) {
  for (const MessageInfo& message : messages()) {
    EXPECT_EQ(find_message(message.name), &message) << message.name;
    const TypeInfo& type = message.type();
    if (type.kind != TypeInfo::Kind::kStruct) continue;
    EXPECT_EQ(type.structure->name, message.name);
    for (std::size_t i = 0; i < type.structure->fields.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        EXPECT_NE(type.structure->fields[i].name, type.structure->fields[j].name);
  }
  EXPECT_EQ(find_message("NoSuchMessage"), nullptr);
}

TEST(Schema, AdditionsStandBehindTheOriginalsMembers) {
  for (const MessageInfo& message : messages()) {
    if (message.type().kind != TypeInfo::Kind::kStruct) continue;
    bool ours = false;
    for (const FieldInfo& field : message.type().structure->fields) {
      EXPECT_TRUE(!ours || field.presence == Presence::kOurs) << message.name << "." << field.name;
      ours = field.presence == Presence::kOurs;
    }
  }
}

TEST(Schema, EnumsNameWhatIsSent) {
  const StructInfo& structure = *find_message("ChangeUserStateReq")->type().structure;
  const TypeInfo& state = structure.fields.front().type();
  ASSERT_EQ(state.kind, TypeInfo::Kind::kEnum);
  EXPECT_EQ(std::vector(state.spellings.begin(), state.spellings.end()),
            (std::vector<std::string_view>{"Active", "Locked", "Deleted"}));
}

}  // namespace
}  // namespace mito::protocol
