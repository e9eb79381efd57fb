#include "worker/coordinator_link.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "client/failover.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/query.h"

namespace mito::worker {
namespace {

constexpr std::chrono::seconds kAnswerTimeout{60};  ///< For an answer that is not waited for on purpose.
constexpr std::chrono::seconds kUnregisterTimeout{3};
constexpr std::size_t kMaxAnswerBytes = 64 << 20;

/// Garbage in a 2xx answer is as good as no answer: something on the way has spoken.
std::unexpected<CallError> garbage(const std::string& reason) {
  return std::unexpected(CallError{CallError::Kind::kAway,
                                   fmt::format("the answer is not what a coordinator sends ({})", reason),
                                   ErrorCode::kProtocol});
}

template <class T>
Call<T> read(Call<std::string> body) {
  if (!body) return std::unexpected(std::move(body).error());
  auto message = protocol::decode<T>(*body);
  if (!message) return garbage(message.error().text());
  return std::move(*message);
}

Call<void> drop(Call<std::string> body) {
  if (!body) return std::unexpected(std::move(body).error());
  return {};
}

bool wants_next(const protocol::ReportTaskOp& op) {
  if (const auto* complete = std::get_if<protocol::CompleteOp>(&op)) return complete->next;
  const auto* commit = std::get_if<protocol::CommitOp>(&op);
  return commit != nullptr && commit->next;
}

CallError::Kind kind_of(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kCancelled:
      return CallError::Kind::kCancelled;
    case ErrorCode::kIo:
      return CallError::Kind::kLocal;
    default:
      return CallError::Kind::kAway;
  }
}

CallError::Kind kind_of(unsigned status) {
  switch (status) {
    case 401:
      return CallError::Kind::kRemoved;
    case 403:
      return CallError::Kind::kForbidden;
    case 404:
      return CallError::Kind::kNotFound;
    case 408:
    case 425:
    case 429:
      return CallError::Kind::kAway;
    default:
      return status >= 400 && status < 500 ? CallError::Kind::kRefused : CallError::Kind::kAway;
  }
}

}  // namespace

Features features_of(const std::optional<std::vector<std::string>>& names) {
  if (!names) return {};
  const auto has = [&](std::string_view name) { return std::ranges::find(*names, name) != names->end(); };
  return {.any = true,
          .wait = has(protocol::kFeatureWait),
          .complete = has(protocol::kFeatureComplete),
          .detail = has(protocol::kFeatureDetail),
          .state = has(protocol::kFeatureState),
          .watch = has(protocol::kFeatureWatch),
          .reports = has(protocol::kFeatureReports)};
}

std::optional<Timestamp> end_of_token(std::string_view token) {
  const auto compact = base64_decode(token);
  if (!compact) return std::nullopt;
  const auto begin = compact->find('.');
  const auto end = begin == std::string::npos ? begin : compact->find('.', begin + 1);
  if (end == std::string::npos) return std::nullopt;
  const auto claims = base64url_decode(std::string_view(*compact).substr(begin + 1, end - begin - 1));
  if (!claims) return std::nullopt;
  boost::system::error_code error;
  const auto value = boost::json::parse(*claims, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto* expires = value.as_object().if_contains("exp");
  constexpr std::int64_t kEndOf9999 = 253'402'300'799;
  if (expires == nullptr || !expires->is_int64() || expires->as_int64() < 0 || expires->as_int64() > kEndOf9999)
    return std::nullopt;
  return Timestamp{std::chrono::seconds{expires->as_int64()}};
}

Session::Session(const protocol::RegisterWorkerResp& answer, Timestamp at)
    : uuid(answer.worker_id),
      token(answer.token),
      features(features_of(answer.features)),
      registered_at(at),
      token_end(end_of_token(answer.token)),
      redis_url(answer.redis_url),
      feature_names(answer.features.value_or(std::vector<std::string>{})),
      last_heartbeat(at) {}

Call<std::string> judge(Result<http::ClientResponse> response) {
  if (!response)
    return std::unexpected(CallError{kind_of(response.error()), response.error().text(), response.error().code()});
  if (response->status / 100 == 2) return std::move(response->body);
  const auto message = protocol::peer_message(response->body);
  return std::unexpected(
      CallError{kind_of(response->status), message.empty() ? fmt::format("status {}", response->status)
                                                           : fmt::format("status {}: {}", response->status, message)});
}

http::ClientRequest CoordinatorLink::make_request(const Session& session, std::string method,
                                                  const std::string& path) const {
  http::ClientRequest request;
  request.method = std::move(method);
  request.url = address_.url(path);
  request.headers.add("Authorization", "Bearer " + session.token);
  request.max_response_bytes = kMaxAnswerBytes;
  request.stall_timeout = kAnswerTimeout;
  return request;
}

Call<std::string> CoordinatorLink::note(Session& session, Call<std::string> answer) {
  if (answer) return answer;
  if (answer.error().kind == CallError::Kind::kAway) session.last_failure = timer_.now();
  if (answer.error().kind == CallError::Kind::kRemoved) session.removed.request_stop();
  return answer;
}

Call<std::string> CoordinatorLink::exchange(Session& session, http::ClientRequest request, std::stop_token stop) {
  return note(session, judge(ask(std::move(request), stop)));
}

Result<http::ClientResponse> CoordinatorLink::ask(http::ClientRequest request, const std::stop_token& stop) {
  return client::send_to_any(address_, std::move(request),
                             [&](http::ClientRequest each) { return transport_.exchange(std::move(each), stop); });
}

void CoordinatorLink::send(http::ClientRequest request, std::stop_token stop, http::Client::Callback done) {
  if (address_.count() == 1) return transport_.send(std::move(request), std::move(stop), std::move(done));
  std::string url = request.url;
  transport_.send(std::move(request), std::move(stop),
                  [this, url = std::move(url), done = std::move(done)](Result<http::ClientResponse> answer) mutable {
                    if (!answer && client::nobody_answered(answer.error())) address_.leave(url);
                    done(std::move(answer));
                  });
}

Call<protocol::RegisterWorkerResp> CoordinatorLink::register_worker(const protocol::RegisterWorkerReq& request,
                                                                    const std::string& user_token,
                                                                    std::stop_token stop) {
  http::ClientRequest call;
  call.method = "POST";
  call.url = address_.url("/workers");
  call.headers.add("Authorization", "Bearer " + user_token);
  call.headers.add("Content-Type", "application/json");
  call.body = protocol::encode(request);
  call.max_response_bytes = kMaxAnswerBytes;
  call.stall_timeout = kAnswerTimeout;
  return read<protocol::RegisterWorkerResp>(judge(ask(std::move(call), stop)));
}

Call<std::optional<protocol::WorkerTaskResp>> CoordinatorLink::fetch(Session& session, std::chrono::milliseconds wait,
                                                                     std::stop_token stop) {
  std::string path = "/workers/tasks";
  if (wait.count() > 0) path += "?" + protocol::encode_query(protocol::WaitQuery{.wait = Duration::from(wait)});
  auto request = make_request(session, "GET", path);
  request.stall_timeout = wait + kAnswerTimeout;
  return read<std::optional<protocol::WorkerTaskResp>>(exchange(session, std::move(request), std::move(stop)));
}

Call<protocol::ReportTaskNextResp> CoordinatorLink::report(Session& session, const protocol::ReportTaskReq& report,
                                                           std::stop_token stop, std::chrono::milliseconds patience) {
  auto answer = send_report({session.token, protocol::encode(report), patience}, std::move(stop));
  if (wants_next(report.op)) return read_report(session, std::move(answer));
  auto read_answer = read<protocol::ReportTaskResp>(note(session, std::move(answer)));
  if (!read_answer) return std::unexpected(std::move(read_answer).error());
  return protocol::ReportTaskNextResp{.url = std::move(read_answer->url), .next = std::nullopt};
}

Call<protocol::ReportTaskNextResp> CoordinatorLink::read_report(Session& session, Call<std::string> answer) {
  return read<protocol::ReportTaskNextResp>(note(session, std::move(answer)));
}

Call<std::string> CoordinatorLink::send_report(const Report& report, std::stop_token stop) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = address_.url("/workers/tasks");
  request.headers.add("Authorization", "Bearer " + report.token);
  request.headers.add("Content-Type", "application/json");
  request.body = report.body;
  request.max_response_bytes = kMaxAnswerBytes;
  request.stall_timeout = report.patience.count() > 0 ? report.patience : kAnswerTimeout;
  return judge(ask(std::move(request), stop));
}

Call<std::vector<Call<std::string>>> CoordinatorLink::report_all(std::span<const Report* const> reports,
                                                                 std::stop_token stop) {
  if (reports.size() == 1) {
    std::vector<Call<std::string>> one;
    one.push_back(send_report(*reports.front(), std::move(stop)));
    return one;
  }
  http::ClientRequest request;
  request.method = "POST";
  request.url = address_.url("/workers/tasks/report/list");
  request.headers.add("Content-Type", "application/json");
  request.max_response_bytes = kMaxAnswerBytes;
  request.stall_timeout = kAnswerTimeout;
  protocol::ReportTasksReq message;
  message.reports.reserve(reports.size());
  for (const auto* report : reports) {
    message.reports.push_back({.token = report->token, .report = {report->body}});
    if (report->patience.count() > 0) request.stall_timeout = std::min(request.stall_timeout, report->patience);
  }
  request.body = protocol::encode(message);
  auto answer = read<protocol::ReportTasksResp>(judge(ask(std::move(request), stop)));
  if (!answer) return std::unexpected(std::move(answer).error());
  if (answer->answers.size() != reports.size())
    return garbage(fmt::format("{} answers to {} reports", answer->answers.size(), reports.size()));
  std::vector<Call<std::string>> answers;
  answers.reserve(reports.size());
  for (auto& [status, body] : answer->answers) {
    http::ClientResponse response;
    response.status = status;
    response.body = std::move(body.text);
    answers.push_back(judge(std::move(response)));
  }
  return answers;
}

Call<protocol::RemoteResourceDownloadResp> CoordinatorLink::locate(Session& session, TaskUuid task,
                                                                   const Resource& resource, std::stop_token stop) {
  std::string path;
  if (const auto* artifact = std::get_if<ArtifactReference>(&resource.remote_file))
    path = fmt::format("/workers/tasks/{}/artifacts/{}", artifact->uuid.to_string(), to_string(artifact->content_type));
  else
    path = fmt::format("/workers/tasks/{}/attachments/{}", task.to_string(),
                       percent_encode(std::get<AttachmentReference>(resource.remote_file).key, "/"));
  return read<protocol::RemoteResourceDownloadResp>(
      exchange(session, make_request(session, "GET", path), std::move(stop)));
}

Call<protocol::TaskQueryResp> CoordinatorLink::get_task(Session& session, TaskUuid task, std::stop_token stop) {
  return read<protocol::TaskQueryResp>(
      exchange(session, make_request(session, "GET", "/workers/tasks/" + task.to_string()), std::move(stop)));
}

Call<void> CoordinatorLink::unregister(Session& session, std::stop_token stop) {
  auto request = make_request(session, "DELETE", "/workers");
  request.connect_timeout = kUnregisterTimeout;
  request.total_timeout = kUnregisterTimeout;
  return drop(exchange(session, std::move(request), std::move(stop)));
}

void CoordinatorLink::send_unregister(const Session& session, Done done) {
  auto request = make_request(session, "DELETE", "/workers");
  request.connect_timeout = kUnregisterTimeout;
  request.total_timeout = kUnregisterTimeout;
  send(std::move(request), {}, [done = std::move(done)](Result<http::ClientResponse> response) mutable {
    done(drop(judge(std::move(response))));
  });
}

void CoordinatorLink::heartbeat(Session& session, std::chrono::milliseconds timeout, std::stop_token stop, Done done) {
  auto request = make_request(session, "POST", "/workers/heartbeat");
  request.total_timeout = timeout;
  send(std::move(request), std::move(stop),
       [this, &session, sent = timer_.now(), done = std::move(done)](Result<http::ClientResponse> response) mutable {
         auto answer = note(session, judge(std::move(response)));
         if (answer) session.last_heartbeat = sent;
         done(drop(std::move(answer)));
       });
}

void CoordinatorLink::send_state(Session& session, TaskUuid task, TaskExecState state,
                                 std::chrono::milliseconds timeout, std::stop_token stop, Done done) {
  auto request = make_request(session, "POST", fmt::format("/workers/tasks/{}/state", task.to_string()));
  request.headers.add("Content-Type", "application/json");
  request.body = protocol::encode(protocol::TaskStateReq{state});
  request.total_timeout = timeout;
  send(std::move(request), std::move(stop),
       [this, &session, done = std::move(done)](Result<http::ClientResponse> response) mutable {
         done(drop(note(session, judge(std::move(response)))));
       });
}

Call<void> CoordinatorLink::put_file(const std::string& url, const std::filesystem::path& file, std::uint64_t length,
                                     const std::string& md5, TransferLimits limits, Progress progress,
                                     std::stop_token stop) {
  http::ClientRequest request;
  request.method = "PUT";
  if (!md5.empty()) request.headers.add("Content-MD5", md5);
  request.progress = std::move(progress);
  request.url = url;
  request.upload_file = file.native();
  request.upload_length = length;
  request.stall_timeout = limits.stall;
  request.total_timeout = limits.total;
  return drop(judge(transport_.exchange(std::move(request), std::move(stop))));
}

Call<std::uint64_t> CoordinatorLink::get_file(const std::string& url, const std::filesystem::path& file,
                                              TransferLimits limits, std::stop_token stop) {
  http::ClientRequest request;
  request.url = url;
  request.download_file = file.native();
  request.stall_timeout = limits.stall;
  request.total_timeout = limits.total;
  auto response = transport_.exchange(std::move(request), std::move(stop));
  const std::uint64_t received = response ? response->bytes_received : 0;
  if (auto answer = judge(std::move(response)); !answer) return std::unexpected(std::move(answer).error());
  return received;
}

}  // namespace mito::worker
