#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sync.h"
#include "client/address.h"
#include "protocol/messages.h"

namespace mito::http {
class Client;
}

namespace mito::client {

/// Bytes done and in all (0: not known yet). Called on another thread, often.
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// A file that was fetched.
struct Download {
  std::filesystem::path path;
  std::uint64_t size = 0;
};

/// Whether a file that was uploaded took the place of one that was there.
enum class Upload { kNew, kReplaced };

/// Who is asked to remove something: an owner, or an admin of the coordinator, who need not be a member.
enum class As { kUser, kAdmin };

/// Typed calls to a coordinator, ours or the original's: one function per endpoint, each waits for the answer.
///
/// Any thread. A stop request ends a waiting call with kCancelled. Errors of all calls: kUnreachable,
/// kTimeout, kProtocol, and the coordinator's refusals under the code that fits (kNotFound, kPermissionDenied,
/// kInvalidRequest, kWrongCredentials …) with its text.
class Client {
 public:
  /// Requests of several clients may share one transport.
  Client(Address address, std::shared_ptr<http::Client> transport);
  /// With a transport of its own.
  explicit Client(Address address);

  /// Sent with every request from now on.
  void set_token(std::string token) { *token_.lock() = std::move(token); }
  [[nodiscard]] std::string token() const { return *token_.lock(); }
  /// Gets a new token when a request is refused because of the old one; then the request is made once more. Called by
  /// one thread at a time.
  using Renewal = std::function<Result<std::string>()>;
  /// Not while calls are under way. Without one, such requests fail with kInvalidToken.
  void set_renewal(Renewal renewal) { renewal_ = std::move(renewal); }
  /// The same coordinator and transport for somebody who has to log in.
  [[nodiscard]] Client without_token() const { return {address_, transport_}; }
  /// Calls that are not done after this long fail with kTimeout; 0, as at first: only those that stall do. Not while
  /// calls are under way.
  void set_timeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }
  /// The same client for calls with a time-out of their own: `client.within(5s).get_task(uuid)`. A token that it gets
  /// by renewal stays its own.
  [[nodiscard]] Client within(std::chrono::milliseconds timeout) const { return {*this, timeout}; }
  [[nodiscard]] const Address& address() const { return address_; }

  /// Any request, by method and path: the body of a 2xx answer. With a `token` it is made in that one's name.
  Result<std::string> call(std::string_view method, const std::string& path, std::string body = {},
                           std::optional<std::string> token = {}, std::stop_token stop = {}) const;
  /// The same for an answer that is a stream: `take` gets it piece by piece, on another thread; its error ends the
  /// request.
  Result<void> stream(const std::string& path, std::function<Result<void>(std::string_view piece)> take,
                      std::stop_token stop = {}) const;

  // Session and users.
  Result<protocol::HealthResp> health(std::stop_token stop = {}) const;
  /// The name of the user the token belongs to.
  Result<std::string> auth(std::stop_token stop = {}) const;
  Result<protocol::TokenResp> login(const protocol::UserLoginReq& request, std::stop_token stop = {}) const;
  Result<protocol::TokenResp> change_password(std::string_view username, const protocol::UserChangePasswordReq& request,
                                              std::stop_token stop = {}) const;
  Result<protocol::GroupsQueryResp> user_groups(std::stop_token stop = {}) const;
  Result<protocol::RedisConnectionInfo> redis(std::stop_token stop = {}) const;
  // What only ours answers: the OpenAPI document (JSON), the page that shows it (HTML), and the counters (Prometheus'
  // text format; `metrics_token` is that setting of the coordinator, if it has one).
  Result<std::string> openapi(std::stop_token stop = {}) const;
  Result<std::string> docs(std::stop_token stop = {}) const;
  Result<std::string> metrics(std::string metrics_token = {}, std::stop_token stop = {}) const;

  // Administration.
  Result<void> create_user(const protocol::CreateUserReq& request, std::stop_token stop = {}) const;
  Result<protocol::UserStateResp> delete_user(std::string_view username, std::stop_token stop = {}) const;
  Result<protocol::UserStateResp> change_user_state(std::string_view username,
                                                    const protocol::ChangeUserStateReq& request,
                                                    std::stop_token stop = {}) const;
  Result<void> admin_change_password(std::string_view username, const protocol::AdminChangePasswordReq& request,
                                     std::stop_token stop = {}) const;
  Result<protocol::UserGroupQuotaResp> change_group_quota(std::string_view username,
                                                          const protocol::ChangeUserGroupQuotaReq& request,
                                                          std::stop_token stop = {}) const;
  Result<protocol::GroupStorageQuotaResp> change_storage_quota(std::string_view group,
                                                               const protocol::ChangeGroupStorageQuotaReq& request,
                                                               std::stop_token stop = {}) const;
  Result<void> shut_down(const protocol::ShutdownReq& request, std::stop_token stop = {}) const;
  // Only ours answers these; the original's coordinator says kNotFound.
  Result<protocol::AdminUsersQueryResp> query_users(const protocol::AdminUsersQueryReq& request,
                                                    std::stop_token stop = {}) const;
  Result<protocol::AdminGroupsQueryResp> query_groups(const protocol::AdminGroupsQueryReq& request,
                                                      std::stop_token stop = {}) const;
  Result<protocol::AdminWorkersQueryResp> query_all_workers(const protocol::AdminWorkersQueryReq& request,
                                                            std::stop_token stop = {}) const;
  Result<protocol::GroupStateResp> change_group_state(std::string_view group,
                                                      const protocol::ChangeGroupStateReq& request,
                                                      std::stop_token stop = {}) const;

  // Groups.
  Result<void> create_group(const protocol::CreateGroupReq& request, std::stop_token stop = {}) const;
  Result<protocol::GroupQueryInfo> get_group(std::string_view group, std::stop_token stop = {}) const;
  Result<void> update_group_users(std::string_view group, const protocol::UpdateUserGroupRoleReq& request,
                                  std::stop_token stop = {}) const;
  Result<void> remove_group_users(std::string_view group, const protocol::RemoveUserGroupRoleReq& request,
                                  std::stop_token stop = {}) const;
  /// The same with the names in the body: for very many of them.
  Result<void> remove_group_users_by_body(std::string_view group, const protocol::RemoveUserGroupRoleReq& request,
                                          std::stop_token stop = {}) const;

  // Attachments.
  Result<protocol::UploadAttachmentResp> begin_attachment_upload(std::string_view group,
                                                                 const protocol::UploadAttachmentReq& request,
                                                                 std::stop_token stop = {}) const;
  Result<protocol::AttachmentMetadata> get_attachment(std::string_view group, std::string_view key,
                                                      std::stop_token stop = {}) const;
  Result<protocol::RemoteResourceDownloadResp> locate_attachment(std::string_view group, std::string_view key,
                                                                 std::stop_token stop = {}) const;
  Result<void> delete_attachment(std::string_view group, std::string_view key, As as, std::stop_token stop = {}) const;
  Result<protocol::AttachmentsQueryResp> query_attachments(std::string_view group,
                                                           const protocol::AttachmentsQueryReq& request,
                                                           std::stop_token stop = {}) const;
  Result<protocol::AttachmentsDownloadListResp> locate_attachments(
      std::string_view group, const protocol::AttachmentsDownloadByFilterReq& request, std::stop_token stop = {}) const;
  Result<protocol::AttachmentsDownloadListResp> locate_attachments(
      std::string_view group, const protocol::AttachmentsDownloadByKeysReq& request, std::stop_token stop = {}) const;
  Result<protocol::AttachmentsDeleteByFilterResp> delete_attachments(
      std::string_view group, const protocol::AttachmentsDeleteByFilterReq& request, std::stop_token stop = {}) const;
  Result<protocol::AttachmentsDeleteByKeysResp> delete_attachments(std::string_view group,
                                                                   const protocol::AttachmentsDeleteByKeysReq& request,
                                                                   std::stop_token stop = {}) const;

  // Tasks.
  Result<protocol::SubmitTaskResp> submit_task(const protocol::SubmitTaskReq& request, std::stop_token stop = {}) const;
  Result<protocol::TasksSubmitResp> submit_tasks(const protocol::TasksSubmitReq& request,
                                                 std::stop_token stop = {}) const;
  /// With what our coordinator knows beyond the original's answer (exec state, worker, detail).
  Result<protocol::TaskQueryResp> get_task(TaskUuid uuid, std::stop_token stop = {}) const;
  /// The same, answered when the state (of a task or of its execution, by name) is no longer `known`, at the latest
  /// after 25 s. A coordinator that does not offer waiting answers at once.
  Result<protocol::TaskQueryResp> get_task_after(TaskUuid uuid, std::string_view known,
                                                 std::stop_token stop = {}) const;
  Result<protocol::TasksQueryResp> query_tasks(const protocol::TasksQueryReq& request, std::stop_token stop = {}) const;
  Result<void> cancel_task(TaskUuid uuid, std::stop_token stop = {}) const;
  Result<protocol::TasksCancelByFilterResp> cancel_tasks(const protocol::TasksCancelByFilterReq& request,
                                                         std::stop_token stop = {}) const;
  Result<protocol::TasksCancelByUuidsResp> cancel_tasks(const protocol::TasksCancelByUuidsReq& request,
                                                        std::stop_token stop = {}) const;
  Result<void> change_task(TaskUuid uuid, const protocol::ChangeTaskReq& request, std::stop_token stop = {}) const;
  Result<void> update_task_labels(TaskUuid uuid, const protocol::UpdateTaskLabelsReq& request,
                                  std::stop_token stop = {}) const;

  // Artifacts.
  Result<protocol::UploadArtifactResp> begin_artifact_upload(TaskUuid uuid, const protocol::UploadArtifactReq& request,
                                                             std::stop_token stop = {}) const;
  Result<protocol::RemoteResourceDownloadResp> locate_artifact(TaskUuid uuid, ArtifactContentType type,
                                                               std::stop_token stop = {}) const;
  Result<void> delete_artifact(TaskUuid uuid, ArtifactContentType type, As as, std::stop_token stop = {}) const;
  Result<protocol::ArtifactsDownloadListResp> locate_artifacts(const protocol::ArtifactsDownloadByFilterReq& request,
                                                               std::stop_token stop = {}) const;
  Result<protocol::ArtifactsDownloadListResp> locate_artifacts(const protocol::ArtifactsDownloadByUuidsReq& request,
                                                               std::stop_token stop = {}) const;
  Result<protocol::ArtifactsDeleteByFilterResp> delete_artifacts(const protocol::ArtifactsDeleteByFilterReq& request,
                                                                 std::stop_token stop = {}) const;
  Result<protocol::ArtifactsDeleteByUuidsResp> delete_artifacts(const protocol::ArtifactsDeleteByUuidsReq& request,
                                                                std::stop_token stop = {}) const;

  // Workers.
  Result<protocol::WorkerQueryResp> get_worker(WorkerUuid uuid, std::stop_token stop = {}) const;
  Result<protocol::WorkersQueryResp> query_workers(const protocol::WorkersQueryReq& request,
                                                   std::stop_token stop = {}) const;
  Result<void> cancel_worker(WorkerUuid uuid, ShutdownOp op, As as, std::stop_token stop = {}) const;
  Result<protocol::WorkersShutdownByFilterResp> shut_down_workers(const protocol::WorkersShutdownByFilterReq& request,
                                                                  std::stop_token stop = {}) const;
  Result<protocol::WorkersShutdownByUuidsResp> shut_down_workers(const protocol::WorkersShutdownByUuidsReq& request,
                                                                 std::stop_token stop = {}) const;
  Result<void> replace_worker_tags(WorkerUuid uuid, const protocol::ReplaceWorkerTagsReq& request,
                                   std::stop_token stop = {}) const;
  Result<void> replace_worker_labels(WorkerUuid uuid, const protocol::ReplaceWorkerLabelsReq& request,
                                     std::stop_token stop = {}) const;
  Result<void> update_worker_groups(WorkerUuid uuid, const protocol::UpdateGroupWorkerRoleReq& request,
                                    std::stop_token stop = {}) const;
  Result<void> remove_worker_groups(WorkerUuid uuid, const protocol::RemoveGroupWorkerRoleReq& request,
                                    std::stop_token stop = {}) const;

  /// The same with the names in the body: for very many of them.
  Result<void> remove_worker_groups_by_body(WorkerUuid uuid, const protocol::RemoveGroupWorkerRoleReq& request,
                                            std::stop_token stop = {}) const;
  /// For those who write a worker of their own; see WorkerCalls.
  Result<protocol::RegisterWorkerResp> register_worker(const protocol::RegisterWorkerReq& request,
                                                       std::stop_token stop = {}) const;

  // Files. The coordinator names a URL, the bytes go there; nothing of a file is kept in memory.
  Result<Upload> upload_attachment(std::string_view group, std::string_view key, const std::filesystem::path& file,
                                   const Progress& progress = {}, std::stop_token stop = {}) const;
  Result<Upload> upload_artifact(TaskUuid uuid, ArtifactContentType type, const std::filesystem::path& file,
                                 const Progress& progress = {}, std::stop_token stop = {}) const;
  /// Fetches `url`, as a locate function answered it, into `target`; missing directories are made. The file appears
  /// under its name only when all of it is there and its size and checksum are those the server told. A broken
  /// connection is made again, and what came before is not asked for twice where the server can tell one version of the
  /// file from another; then also a later call goes on behind it.
  Result<Download> download(const std::string& url, const std::filesystem::path& target, const Progress& progress = {},
                            std::stop_token stop = {}) const;

 private:
  Client(const Client& other, std::chrono::milliseconds timeout);
  /// One request with that token: the body of a 2xx answer; an error for every other.
  Result<std::string> attempt(std::string_view method, const std::string& path, std::string body, std::string token,
                              std::stop_token stop) const;
  /// A token other than `refused`, where there is a renewal.
  Result<std::string> renewed_token(const std::string& refused) const;
  /// The same with our token, once more with another one when it has expired.
  Result<std::string> exchange(std::string_view method, const std::string& path, std::string body,
                               std::stop_token stop) const;
  /// `Response` is protocol::Nothing, or what the body is decoded to.
  template <class Response>
  Result<Response> fetch(std::string_view method, const std::string& path, std::string body,
                         std::stop_token stop) const;
  Result<void> send(std::string_view method, const std::string& path, std::string body, std::stop_token stop) const;
  Result<void> put_file(const std::string& url, const std::filesystem::path& file, std::uint64_t length,
                        const Progress& progress, std::stop_token stop) const;

  Address address_;
  std::shared_ptr<http::Client> transport_;
  mutable Sync<std::string> token_;
  Renewal renewal_;
  std::chrono::milliseconds timeout_{0};
  mutable std::mutex renewing_;
};

/// What an answer that is not 2xx means: the code that fits its status, and the text of its body (`{"msg":…}`, plain
/// text or an S3 error).
Error error_of_answer(unsigned status, std::string_view body);

/// The attachment key for `file`: a key that is empty or ends in `/` gets the file's name; then `//`, `.` and inner
/// `..` are resolved.
Result<std::string> attachment_key(std::string_view key, const std::filesystem::path& file);
/// The lexical cleaning alone, as for keys in task resources.
std::string clean_key(std::string_view key);

}  // namespace mito::client
