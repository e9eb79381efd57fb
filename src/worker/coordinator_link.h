#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "client/address.h"
#include "protocol/messages.h"
#include "worker/call.h"
#include "worker/timer.h"
#include "worker/transport.h"

namespace mito::worker {

/// What a coordinator named in its answer to the registration: only that is used.
struct Features {
  bool any = false;  ///< One of ours: it keeps leases.
  bool wait = false;
  bool complete = false;
  bool detail = false;
  bool state = false;
  bool watch = false;
  bool reports = false;  ///< Several reports in one request.
};
/// Those of an answer to a registration.
Features features_of(const std::optional<std::vector<std::string>>& names);
/// When a bearer token ends: its claim `exp` (reference/server.md 2.1). Not verified. Nothing when it cannot be read.
std::optional<Timestamp> end_of_token(std::string_view token);

/// One registration with a coordinator. Shared by the slot's thread and the heartbeats.
struct Session {
  WorkerUuid uuid;
  std::string token;
  Features features;
  Timestamp registered_at;
  std::optional<Timestamp> token_end;      ///< When the token stops working, if it says so.
  std::optional<std::string> redis_url;    ///< Where the coordinator wants execution states announced.
  std::vector<std::string> feature_names;  ///< As the coordinator named them.
  std::stop_source removed;                ///< Requested when an answer was 401.
  /// When the last heartbeat that was answered (or the registration) was sent: the coordinator's lease runs from then
  /// or later. And the last time a call got no answer. Wall clock: time the machine was suspended counts.
  std::atomic<Timestamp> last_heartbeat;
  std::atomic<Timestamp> last_failure{Timestamp{}};
  /// The coordinator had reason to take the task away without being asked: an original's with long inputs, any with a
  /// command that did not end at its timeout.
  bool overdue = false;

  Session(WorkerUuid id, std::string bearer, Features known, Timestamp now)
      : uuid(id), token(std::move(bearer)), features(known), registered_at(now), last_heartbeat(now) {}
  /// From the answer to a registration that was made at `at`.
  Session(const protocol::RegisterWorkerResp& answer, Timestamp at);
};

/// Limits of a transfer.
struct TransferLimits {
  std::chrono::milliseconds stall{120'000};  ///< Without any byte.
  std::chrono::milliseconds total{0};        ///< 0: none.
};

/// The calls of a worker to its coordinator, each once: repeating is the caller's choice. Any thread.
class CoordinatorLink {
 public:
  CoordinatorLink(Transport& transport, client::Address address, const Timer& timer)
      : transport_(transport), address_(std::move(address)), timer_(timer) {}

  Call<protocol::RegisterWorkerResp> register_worker(const protocol::RegisterWorkerReq& request,
                                                     const std::string& user_token, std::stop_token stop);
  /// `wait` only where the coordinator offers it; zero: an answer at once.
  Call<std::optional<protocol::WorkerTaskResp>> fetch(Session& session, std::chrono::milliseconds wait,
                                                      std::stop_token stop);
  /// `patience`: how long an answer may take; zero: as long as any.
  Call<protocol::ReportTaskNextResp> report(Session& session, const protocol::ReportTaskReq& request,
                                            std::stop_token stop, std::chrono::milliseconds patience = {});
  /// Reports of several registrations (Features::reports) in one request. One answer for each, in order, to be read
  /// with read_report(); or why the whole was not answered.
  Call<std::vector<Call<std::string>>> report_all(std::span<const Report* const> reports, std::stop_token stop);
  /// What the answer to a report of `session` that asked for the next task says.
  Call<protocol::ReportTaskNextResp> read_report(Session& session, Call<std::string> answer);
  Call<protocol::RemoteResourceDownloadResp> locate(Session& session, TaskUuid task, const Resource& resource,
                                                    std::stop_token stop);
  Call<protocol::TaskQueryResp> get_task(Session& session, TaskUuid task, std::stop_token stop);
  /// At most three seconds.
  Call<void> unregister(Session& session, std::stop_token stop);

  using Done = std::move_only_function<void(Call<void>)>;
  // `done` is called once, on the transport's thread.
  /// unregister(), without waiting for it; the session need not outlive the call.
  void send_unregister(const Session& session, Done done);
  void heartbeat(Session& session, std::chrono::milliseconds timeout, std::stop_token stop, Done done);
  void send_state(Session& session, TaskUuid task, TaskExecState state, std::chrono::milliseconds timeout,
                  std::stop_token stop, Done done);

  /// The progress of a transfer: bytes done and in all.
  using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;
  // With presigned URLs: without our token, and what they answer says nothing about the registration.
  Call<void> put_file(const std::string& url, const std::filesystem::path& file, std::uint64_t length,
                      const std::string& md5, TransferLimits limits, Progress progress, std::stop_token stop);
  Call<std::uint64_t> get_file(const std::string& url, const std::filesystem::path& file, TransferLimits limits,
                               std::stop_token stop);

 private:
  Call<std::string> exchange(Session& session, http::ClientRequest request, std::stop_token stop);
  /// To the coordinator, wherever it answers.
  Result<http::ClientResponse> ask(http::ClientRequest request, const std::stop_token& stop);
  /// Likewise, but where nobody answers only the next call goes elsewhere.
  void send(http::ClientRequest request, std::stop_token stop, http::Client::Callback done);
  [[nodiscard]] http::ClientRequest make_request(const Session& session, std::string method,
                                                 const std::string& path) const;
  Call<std::string> note(Session& session, Call<std::string> answer);
  Call<std::string> send_report(const Report& report, std::stop_token stop);

  Transport& transport_;
  client::Address address_;
  const Timer& timer_;
};

/// What an answer means. Pure.
Call<std::string> judge(Result<http::ClientResponse> response);

}  // namespace mito::worker
