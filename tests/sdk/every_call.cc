// Calls every function of the SDK once, at the address that is given: the test behind it looks at the requests. What
// comes back does not matter.
#include <chrono>
#include <netmito.h>

using namespace netmito;

namespace {

void session_and_users(const Client& client) {
  (void)client.health();
  (void)client.auth();
  (void)client.login({.username = "u", .md5_password = {}, .retain = true});
  (void)client.change_password("u", {});
  (void)client.user_groups();
  (void)client.redis();
  (void)client.openapi();
  (void)client.docs();
  (void)client.metrics("token");
  (void)client.call("GET", "/events");
}

void administration(const Client& client, TaskUuid task, WorkerUuid worker) {
  (void)client.create_user({.username = "u", .md5_password = {}, .admin = false});
  (void)client.delete_user("u");
  (void)client.change_user_state("u", {});
  (void)client.admin_change_password("u", {});
  (void)client.change_group_quota("u", {.group_quota = "+1"});
  (void)client.change_storage_quota("g", {.storage_quota = "+1GB"});
  (void)client.change_group_state("g", {});
  (void)client.query_users({});
  (void)client.query_groups({});
  (void)client.query_all_workers({});
  (void)client.shut_down({.secret = "s"});
  (void)client.delete_attachment("g", "k", As::kAdmin);
  (void)client.delete_artifact(task, ArtifactContentType::kResult, As::kAdmin);
  (void)client.cancel_worker(worker, mito::ShutdownOp::kForce, As::kAdmin);
}

void groups_and_attachments(const Client& client) {
  (void)client.create_group({.group_name = "g"});
  (void)client.get_group("g");
  (void)client.update_group_users("g", {});
  (void)client.remove_group_users("g", {.users = {"u"}});
  (void)client.remove_group_users_by_body("g", {.users = {"u"}});
  (void)client.begin_attachment_upload("g", {.key = "k", .content_length = 1});
  (void)client.get_attachment("g", "a/b");
  (void)client.locate_attachment("g", "a/b");
  (void)client.delete_attachment("g", "a/b", As::kUser);
  (void)client.query_attachments("g", {});
  (void)client.locate_attachments("g", AttachmentsDownloadByFilterReq{});
  (void)client.locate_attachments("g", AttachmentsDownloadByKeysReq{});
  (void)client.delete_attachments("g", AttachmentsDeleteByFilterReq{});
  (void)client.delete_attachments("g", AttachmentsDeleteByKeysReq{});
}

void tasks_and_artifacts(const Client& client, TaskUuid task) {
  (void)client.submit_task({});
  (void)client.submit_tasks({});
  (void)client.get_task(task);
  (void)client.get_task_after(task, "Running");
  (void)client.query_tasks({});
  (void)client.cancel_task(task);
  (void)client.cancel_tasks(TasksCancelByFilterReq{});
  (void)client.cancel_tasks(TasksCancelByUuidsReq{});
  (void)client.change_task(task, {});
  (void)client.update_task_labels(task, {});
  (void)client.begin_artifact_upload(task, {});
  (void)client.locate_artifact(task, ArtifactContentType::kStdLog);
  (void)client.delete_artifact(task, ArtifactContentType::kResult, As::kUser);
  (void)client.locate_artifacts(ArtifactsDownloadByFilterReq{});
  (void)client.locate_artifacts(ArtifactsDownloadByUuidsReq{});
  (void)client.delete_artifacts(ArtifactsDeleteByFilterReq{});
  (void)client.delete_artifacts(ArtifactsDeleteByUuidsReq{});
}

void workers(const Client& client, TaskUuid task, WorkerUuid worker) {
  (void)client.get_worker(worker);
  (void)client.query_workers({});
  (void)client.cancel_worker(worker, mito::ShutdownOp::kGraceful, As::kUser);
  (void)client.shut_down_workers(WorkersShutdownByFilterReq{});
  (void)client.shut_down_workers(WorkersShutdownByUuidsReq{});
  (void)client.replace_worker_tags(worker, {});
  (void)client.replace_worker_labels(worker, {});
  (void)client.update_worker_groups(worker, {});
  (void)client.remove_worker_groups(worker, {.groups = {"g"}});
  (void)client.remove_worker_groups_by_body(worker, {.groups = {"g"}});
  (void)client.register_worker({});

  const WorkerCalls calls(client, "token");
  (void)calls.fetch_task(std::chrono::milliseconds(10));
  (void)calls.report_task({.id = 1, .op = FinishOp{}});
  (void)calls.report_tasks({.reports = {{.token = "token", .report = {R"({"id":1,"op":"Finish"})"}}}});
  (void)calls.report_state(task, {});
  (void)calls.heartbeat();
  (void)calls.unregister();
  (void)calls.get_task(task);
  (void)calls.locate_artifact(task, ArtifactContentType::kResult);
  (void)calls.locate_attachment(task, "a/b");
}

}  // namespace

int main() {
  const MitoClient mito;
  const Client client = mito.api().within(std::chrono::seconds(10));
  const auto uuid = *Uuid::parse("01890a5d-ac96-474b-bcce-b302099a8057");
  session_and_users(client);
  administration(client, TaskUuid{uuid}, WorkerUuid{uuid});
  groups_and_attachments(client);
  tasks_and_artifacts(client, TaskUuid{uuid});
  workers(client, TaskUuid{uuid}, WorkerUuid{uuid});
}
