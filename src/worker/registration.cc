#include "worker/registration.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/logging.h"
#include "domain/rules.h"
#include "protocol/codec.h"
#include "worker/backoff.h"
#include "worker/host.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
/// The coordinator is taken to have been away when a call failed within this time.
constexpr std::chrono::seconds kRecentFailure{60};
/// A silent worker is lost after this long to a coordinator that knows no leases, unless it is set otherwise there.
constexpr std::chrono::seconds kOriginalsLease{600};
/// How long a task may go on at most after the lifetime of its worker: as long as tokens live where nobody asks.
constexpr std::chrono::seconds kDrainReserve = std::chrono::days{7};

Error error_of(const CallError& error) {
  switch (error.kind) {
    case CallError::Kind::kAway:
      return {error.cause, error.text};
    case CallError::Kind::kRemoved:
      return {ErrorCode::kWrongCredentials, error.text};
    case CallError::Kind::kForbidden:
      return {ErrorCode::kPermissionDenied, error.text};
    case CallError::Kind::kCancelled:
      return {ErrorCode::kCancelled, error.text};
    default:
      return {ErrorCode::kInvalidRequest, error.text};
  }
}

/// Whether the coordinator, or what stands before it, has answered that it cannot serve for now.
bool will_pass(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kInternal || code == ErrorCode::kTooManyRequests;
}

}  // namespace

Result<std::string> UserToken::get(std::stop_token stop) {
  auto token = token_.lock();
  if (token->empty()) {
    MITO_TRY_ASSIGN(*token, obtain_(std::move(stop)));
  }
  return *token;
}

void UserToken::refused(const std::string& token) {
  if (auto current = token_.lock(); *current == token) current->clear();
}

Registrar::Registrar(CoordinatorLink& link, UserToken& user, const Settings& settings, const Timer& timer)
    : link_(link), user_(user), timer_(timer) {
  request_.tags = normalise_set(settings.tags);
  request_.labels = normalise_set(settings.labels);
  request_.groups = normalise_set(settings.groups);
  // The worker itself takes no task after its lifetime. Its token has to outlive the last one, which is not killed.
  if (settings.lifetime) request_.lifetime = Duration{settings.lifetime->seconds + kDrainReserve.count()};
  request_.features = {std::string(protocol::kFeatureWait),   std::string(protocol::kFeatureComplete),
                       std::string(protocol::kFeatureDetail), std::string(protocol::kFeatureState),
                       std::string(protocol::kFeatureWatch),  std::string(protocol::kFeatureReports)};
  request_.lease = Duration::from(settings.lease);
  request_.info = protocol::RawObject{protocol::encode(describe_host(settings.name))};
}

Result<std::unique_ptr<Session>> Registrar::register_once(std::stop_token stop) {
  return send(request_, std::move(stop));
}

Result<std::unique_ptr<Session>> Registrar::register_like(const protocol::WorkerQueryResp& other,
                                                          std::stop_token stop) {
  auto request = request_;
  request.tags = other.info.tags;
  request.labels = other.info.labels;
  request.groups.clear();
  for (const auto& [name, role] : other.groups)
    request.groups.push_back(fmt::format("{}:{}", name, to_string(role)));
  return send(request, std::move(stop));
}

Result<std::unique_ptr<Session>> Registrar::send(const protocol::RegisterWorkerReq& request, std::stop_token stop) {
  for (const bool last : {false, true}) {
    MITO_TRY_ASSIGN(const auto token, user_.get(stop));
    const auto sent = timer_.now();
    auto answer = link_.register_worker(request, token, stop);
    if (answer) return std::make_unique<Session>(*answer, sent);
    if (answer.error().kind != CallError::Kind::kRemoved || last) return std::unexpected(error_of(answer.error()));
    user_.refused(token);
  }
  return fail(ErrorCode::kWrongCredentials);
}

Result<std::unique_ptr<Session>> Registrar::register_first(std::stop_token stop) {
  Backoff backoff;
  for (;;) {
    auto session = register_once(stop);
    if (session || !will_pass(session.error().code())) return session;
    kLog.warn("Registration failed: {}; it is tried again", describe(session.error()));
    if (!timer_.pause(backoff.next(), stop)) return session;
  }
}

std::unique_ptr<Session> Registrar::register_again(std::stop_token stop) {
  Backoff quick;
  Backoff slow(std::chrono::seconds{2}, std::chrono::seconds{60});  // for refusals, which seldom change
  while (!stop.stop_requested()) {
    auto session = register_once(stop);
    if (session) return std::move(*session);
    if (session.error().code() == ErrorCode::kCancelled) break;
    kLog.warn("Registration failed: {}; it is tried again", describe(session.error()));
    const auto code = session.error().code();
    const bool away = code == ErrorCode::kUnreachable || code == ErrorCode::kUnavailable ||
                      code == ErrorCode::kTimeout || code == ErrorCode::kProtocol || code == ErrorCode::kInternal;
    timer_.pause((away ? quick : slow).next(), stop);
  }
  return nullptr;
}

Result<void> check_groups(const std::vector<std::string>& groups) {
  for (const auto& entry : groups) {
    const auto colon = entry.find(':');
    const auto name = std::string_view(entry).substr(0, colon);
    if (!is_valid_name(name))
      return fail(
          ErrorCode::kUsage,
          fmt::format("'{}' in groups is not the name of a group: letters, digits, '-' and '_' are allowed", entry));
    if (colon == std::string::npos) continue;
    const auto role = std::string_view(entry).substr(colon + 1);
    if (!parse_enum<Role>(role))
      return fail(ErrorCode::kUsage,
                  fmt::format("'{}' in groups has the role '{}': read, write and admin are allowed", entry, role));
  }
  return {};
}

bool should_reconnect(const Settings& settings, const Session& session, Timestamp now) {
  if (settings.reconnect != Reconnect::kLost) return settings.reconnect == Reconnect::kAlways;
  const std::chrono::milliseconds lease = session.features.any ? settings.lease : kOriginalsLease;
  if (now - session.last_failure.load() < kRecentFailure || now - session.last_heartbeat.load() > lease) return true;
  return session.overdue || (session.token_end && now >= *session.token_end);
}

std::optional<Timestamp> end_of_service(const Settings& settings, const Session& session) {
  using std::chrono::microseconds;
  if (settings.lifetime) {
    constexpr auto kLongest = std::chrono::days{36'500};
    const auto length = std::min<std::chrono::nanoseconds>(settings.lifetime->to_chrono(), kLongest);
    return session.registered_at + std::chrono::duration_cast<microseconds>(length);
  }
  if (!session.token_end) return std::nullopt;
  return session.registered_at + (*session.token_end - session.registered_at) / 2;
}

}  // namespace mito::worker
