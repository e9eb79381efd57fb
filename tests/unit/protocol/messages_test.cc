// One example of each request and answer: it decodes, and comes out as it went in.
#include <gtest/gtest.h>

#include "protocol/schema.h"

namespace mito::protocol {
namespace {

struct Example {
  std::string_view message;
  std::string_view json;
};

std::ostream& operator<<(std::ostream& out, const Example& example) {
  return out << example.message;
}

#define UUID "550e8400-e29b-41d4-a716-446655440000"
#define AT "2025-11-21 23:24:00.5 +00:00:00"
#define DIGEST "[100,241,142,247,44,19,247,203,127,198,251,93,189,131,226,114]"
#define SPEC R"({"args":["true"],"envs":{},"resources":[],"terminal_output":false,"watch":null})"
#define SUBMIT R"({"group_name":"g","tags":["a"],"labels":[],"timeout":"1h 30m","priority":-1,"task_spec":)" SPEC "}"
#define FILTER                                                                                              \
  R"("creator_usernames":["u"],"group_name":"g","tags":["a"],"labels":null,"states":["Ready","Finished"],)" \
  R"("exit_status":"!=0","priority":">=5")"
#define TASK                                                                                                               \
  R"("uuid":")" UUID                                                                                                       \
  R"(","creator_username":"u","group_name":"g","task_id":1,"tags":[],"labels":["l"],"created_at":")" AT                    \
  R"(","updated_at":")" AT R"(","state":"Finished","timeout":60,"priority":0,"spec":)" SPEC                                \
  R"(,"result":{"exit_status":0,"msg":null},"upstream_task_uuid":null,"downstream_task_uuid":null,"reporter_uuid":")" UUID \
  "\""
#define WORKER                                                                                  \
  R"("worker_id":")" UUID R"(","creator_username":"u","tags":[],"labels":[],"created_at":")" AT \
  R"(","updated_at":")" AT R"(","state":"GracefulShutdown","last_heartbeat":")" AT R"(","assigned_task_id":null)"
#define GROUP                                                                              \
  R"({"group_name":"g","creator_username":"u","created_at":")" AT R"(","updated_at":")" AT \
  R"(","state":"Active","task_count":3,"storage_quota":16000000000,"storage_used":0,"worker_count":2,"users_in_group":{"u":"Admin"}})"
#define ARTIFACT R"({"content_type":"result","size":1,"created_at":")" AT R"(","updated_at":")" AT "\"}"

const Example kExamples[] = {
    {"ErrorMsg", R"({"msg":"no"})"},
    {"RemoteResourceDownloadResp", R"({"url":"http://h/x","size":123})"},
    {"HealthResp", R"({"status":"ok"})"},
    {"UserLoginReq", R"({"username":"u","md5_password":)" DIGEST R"(,"retain":true})"},
    {"TokenResp", R"({"token":"t"})"},
    {"RedisConnectionInfo", R"({"url":null})"},
    {"UserChangePasswordReq", R"({"old_md5_password":)" DIGEST R"(,"new_md5_password":)" DIGEST "}"},
    {"GroupsQueryResp", R"({"groups":{"g":"Read","u":"Admin"}})"},
    {"CreateUserReq", R"({"username":"u","md5_password":)" DIGEST R"(,"admin":false})"},
    {"ChangeUserStateReq", R"({"state":"Locked"})"},
    {"UserStateResp", R"({"state":"Deleted"})"},
    {"AdminChangePasswordReq", R"({"new_md5_password":)" DIGEST "}"},
    {"ChangeUserGroupQuotaReq", R"({"group_quota":"+5"})"},
    {"UserGroupQuotaResp", R"({"group_quota":13})"},
    {"ChangeGroupStorageQuotaReq", R"({"storage_quota":"+1GB"})"},
    {"GroupStorageQuotaResp", R"({"storage_quota":-1})"},
    {"ShutdownReq", R"({"secret":"s"})"},
    {"ChangeGroupStateReq", R"({"state":"Active"})"},
    {"GroupStateResp", R"({"state":"Active"})"},
    {"AdminUsersQueryReq",
     R"({"username":"a","states":["Active"],"admin":null,"limit":5,"offset":null,"count":false})"},
    {"AdminUsersQueryResp",
     R"({"count":1,"users":[{"username":"u","admin":true,"state":"Active","group_quota":8,"group_count":1,)"
     R"("created_at":")" AT R"(","updated_at":")" AT R"(","current_sign_in_at":null,"current_sign_in_ip":"::1",)"
     R"("last_sign_in_at":null,"last_sign_in_ip":null}]})"},
    {"AdminGroupsQueryReq",
     R"({"group_name":null,"creator_username":"u","states":null,"limit":null,"offset":1,"count":true})"},
    {"AdminGroupsQueryResp", R"({"count":1,"groups":[)" GROUP "]}"},
    {"CreateGroupReq", R"({"group_name":"g"})"},
    {"GroupQueryInfo", GROUP},
    {"UpdateUserGroupRoleReq", R"({"relations":{"bob":"Write"}})"},
    {"RemoveUserGroupRoleReq", R"({"users":["a","b"]})"},
    {"UploadAttachmentReq", R"({"key":"a/b.bin","content_length":1024})"},
    {"UploadAttachmentResp", R"({"exist":false,"url":"u"})"},
    {"AttachmentMetadata", R"({"content_type":"NoSet","size":1,"created_at":")" AT R"(","updated_at":")" AT "\"}"},
    {"AttachmentsQueryReq", R"({"key":null,"limit":1,"offset":2,"count":false})"},
    {"AttachmentsQueryResp", R"({"count":1,"attachments":[{"key":"a","content_type":"NoSet","size":1,"created_at":")" AT
                             R"(","updated_at":")" AT R"("}],"group_name":"g"})"},
    {"AttachmentsDownloadByFilterReq", R"({"key":"a","limit":null,"offset":null})"},
    {"AttachmentsDownloadByKeysReq", R"({"keys":["b","a","b"]})"},
    {"AttachmentsDownloadListResp", R"({"downloads":[{"key":"a","url":"u","size":1}],"group_name":"g"})"},
    {"AttachmentsDeleteByFilterReq", R"({"key":null,"limit":null,"offset":null})"},
    {"AttachmentsDeleteByFilterResp", R"({"deleted_count":1,"group_name":"g"})"},
    {"AttachmentsDeleteByKeysReq", R"({"keys":["a"]})"},
    {"AttachmentsDeleteByKeysResp", R"({"deleted_count":1,"failed_keys":["b","b"],"group_name":"g"})"},
    {"TaskSpec", SPEC},
    {"TaskResult", R"({"exit_status":256,"msg":"UserCancellation"})"},
    {"SubmitTaskReq", SUBMIT},
    {"SubmitTaskReq", R"({"group_name":"g","tags":[],"labels":[],"timeout":"0s","priority":0,"task_spec":)" SPEC
                      R"(,"uuid":")" UUID "\"}"},
    {"SubmitTaskResp", R"({"task_id":17,"uuid":")" UUID "\"}"},
    {"TasksSubmitReq", R"({"tasks":[)" SUBMIT "," SUBMIT "]}"},
    {"TasksSubmitResp", R"({"results":[{"Err":{"msg":"no"}}]})"},
    {"ChangeTaskReq", R"({"tags":null,"timeout":"7days","priority":5,"task_spec":)" SPEC "}"},
    {"UpdateTaskLabelsReq", R"({"labels":[]})"},
    {"TaskQueryResp", R"({"info":{)" TASK R"(},"artifacts":[)" ARTIFACT "]}"},
    {"TaskQueryResp", R"({"info":{)" TASK R"(},"artifacts":[],"exec_state":"ExecSpawned","worker":{"worker_id":")" UUID
                      R"(","host":"h"},"detail":{"reason":"r"}})"},
    {"TasksQueryReq", "{" FILTER R"(,"reporter_uuid":null,"limit":50,"offset":0,"count":false})"},
    {"TasksQueryReq",
     "{" FILTER R"(,"reporter_uuid":")" UUID R"(","limit":null,"offset":null,"count":true,"detail":true})"},
    {"TasksQueryResp", R"({"count":1,"tasks":[{)" TASK R"(}],"group_name":"g"})"},
    {"TasksCancelByFilterReq", "{" FILTER "}"},
    {"TasksCancelByFilterResp", R"({"cancelled_count":3,"group_name":"g"})"},
    {"TasksCancelByUuidsReq", R"({"uuids":[")" UUID "\"]}"},
    {"TasksCancelByUuidsResp", R"({"cancelled_count":0,"failed_uuids":[")" UUID "\"]}"},
    {"UploadArtifactReq", R"({"content_type":"std-log","content_length":1})"},
    {"UploadArtifactResp", R"({"exist":true,"url":"u"})"},
    {"ArtifactsDownloadByFilterReq", "{" FILTER R"(,"reporter_uuid":null,"content_type":"result"})"},
    {"ArtifactsDownloadByUuidsReq", R"({"uuids":[],"content_type":"exec-log"})"},
    {"ArtifactsDownloadListResp", R"({"downloads":[{"uuid":")" UUID R"(","url":"u","size":1}]})"},
    {"ArtifactsDeleteByFilterReq", "{" FILTER R"(,"reporter_uuid":null,"content_type":"result"})"},
    {"ArtifactsDeleteByFilterResp", R"({"deleted_count":1})"},
    {"ArtifactsDeleteByUuidsReq", R"({"uuids":[],"content_type":"result"})"},
    {"ArtifactsDeleteByUuidsResp", R"({"deleted_count":1,"failed_uuids":[]})"},
    {"TaskEvent",
     R"({"uuid":")" UUID R"(","group_name":"g","task_id":1,"state":"Running","at":")" AT R"(","exec_state":"Watch"})"},
    {"WorkerHostInfo", R"({"host":"h","name":"n","kernel":"6.1","cores":2,"memory_bytes":1024,"version":"0.1.0"})"},
    {"RegisterWorkerReq", R"({"tags":["linux"],"labels":[],"groups":["g1","g2:Admin"],"lifetime":"7days"})"},
    {"RegisterWorkerReq",
     R"({"tags":[],"labels":[],"groups":[],"lifetime":null,"features":["wait","state"],"lease":"30s","info":{"host":"h"}})"},
    {"RegisterWorkerResp", R"({"worker_id":")" UUID R"(","token":"t","redis_url":"redis://h"})"},
    {"WorkerTaskResp",
     R"({"id":42,"uuid":")" UUID R"(","timeout":"1h 30m","upstream_task_uuid":null,"spec":)" SPEC "}"},
    {"OptionalWorkerTaskResp", "null"},
    {"Nothing", "null"},
    {"ReportTaskReq", R"({"id":42,"op":"Finish"})"},
    {"ReportTaskReq", R"({"id":42,"op":"Cancel"})"},
    {"ReportTaskReq", R"({"id":42,"op":{"Submit":)" SUBMIT "}}"},
    {"ReportTaskReq", R"({"id":42,"op":{"Commit":{"exit_status":0,"msg":null}}})"},
    {"ReportTaskReq", R"({"id":42,"op":{"Upload":{"content_type":"result","content_length":123}}})"},
    {"ReportTaskReq",
     R"({"id":42,"op":{"Complete":{"exit_status":0,"msg":null,"state":"Finished","next":true,"detail":{}}}})"},
    {"ReportTaskResp", R"({"url":null})"},
    {"ReportTaskNextResp", R"({"url":null,"next":null})"},
    {"ReportTaskNextResp", R"({"url":null,"next":{"id":42,"uuid":")" UUID
                           R"(","timeout":"0s","upstream_task_uuid":")" UUID R"(","spec":)" SPEC "}}"},
    {"ReportTasksReq", R"({"reports":[{"token":"t","report":{"id":42,"op":"Finish"}},{"token":"u","report":[1]}]})"},
    {"ReportTasksResp", R"({"answers":[{"status":200,"body":{"url":null}},{"status":401,"body":{"msg":"m"}}]})"},
    {"TaskStateReq", R"({"state":"ExecSpawned"})"},
    {"WorkerQueryResp", R"({"info":{)" WORKER R"(},"groups":{"u":"Admin"}})"},
    {"WorkerQueryResp",
     R"({"info":{)" WORKER R"(,"features":["wait"],"lease":"30s","info":{"host":"h"}},"groups":{}})"},
    {"ReplaceWorkerTagsReq", R"({"tags":["x"]})"},
    {"ReplaceWorkerLabelsReq", R"({"labels":["x"]})"},
    {"UpdateGroupWorkerRoleReq", R"({"relations":{"g":"Write"}})"},
    {"RemoveGroupWorkerRoleReq", R"({"groups":["a"]})"},
    {"WorkersQueryReq",
     R"({"group_name":null,"role":["Read","Admin"],"tags":null,"labels":null,"creator_username":null,"count":false})"},
    {"WorkersQueryResp", R"({"count":1,"workers":[{)" WORKER R"(}],"group_name":"u"})"},
    {"WorkersShutdownByFilterReq",
     R"({"group_name":"g","role":null,"tags":[],"labels":null,"creator_username":"u","op":"Force"})"},
    {"WorkersShutdownByFilterResp", R"({"shutdown_count":2,"group_name":"u"})"},
    {"WorkersShutdownByUuidsReq", R"({"uuids":[")" UUID R"("],"op":"Graceful"})"},
    {"WorkersShutdownByUuidsResp", R"({"shutdown_count":1,"failed_uuids":[]})"},
    {"AdminWorkersQueryReq",
     R"({"group_name":null,"tags":null,"labels":["l"],"creator_username":null,"limit":1,"offset":null,"count":false})"},
    {"AdminWorkersQueryResp", R"({"count":0,"workers":[]})"},
};

class Examples : public testing::TestWithParam<Example> {};

TEST_P(Examples, ComeOutAsTheyWentIn) {
  const MessageInfo* message = find_message(GetParam().message);
  ASSERT_NE(message, nullptr);
  const auto recoded = message->recode(GetParam().json);
  ASSERT_TRUE(recoded.has_value()) << recoded.error().text();
  EXPECT_EQ(*recoded, GetParam().json);
}

INSTANTIATE_TEST_SUITE_P(Messages, Examples, testing::ValuesIn(kExamples), [](const auto& tested) {
  return std::to_string(tested.index) + "_" + std::string(tested.param.message);
});

}  // namespace
}  // namespace mito::protocol
