#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "coordinator/handlers.h"
#include "domain/states.h"
#include "protocol/values.h"
#include "protocol/worker_messages.h"

// POST /workers (reference/server.md 1.4; architecture section 9).
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

constexpr log::Source kLog{"netmito::coordinator"};

/// `name` or `name:role`; nothing for more than one colon. An unknown role counts as Write.
std::optional<std::pair<std::string, Role>> parse_group(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return std::pair(text, Role::kWrite);
  if (text.find(':', colon + 1) != std::string::npos) return std::nullopt;
  return std::pair(text.substr(0, colon), parse_enum<Role>(text.substr(colon + 1)).value_or(Role::kWrite));
}

/// Who may give the new worker tasks: the asked-for groups that exist, and the caller's own as Admin.
Result<std::map<GroupId, Role>> requested_access(const Context& context, const std::vector<std::string>& groups) {
  std::map<GroupId, Role> access;
  for (const std::string& text : groups) {
    const auto asked = parse_group(text);
    if (!asked) continue;
    MITO_TRY(check_storable(asked->first));
    const auto found = group_role(context, asked->first);
    if (!found) continue;
    if (!found->role && !context.user.admin && !context.services.settings.open_groups) {
      static std::atomic<bool> said{false};
      if (!said.exchange(true))
        kLog.warn(
            "{} was not allowed to register a worker for {} without being a member; open_groups = true allows it to "
            "everybody, as "
            "the original does",
            context.user.username, asked->first);
      return fail(ErrorCode::kPermissionDenied);
    }
    access[found->group] = asked->second;
  }
  if (const auto own = context.directory().group(context.user.username)) access[*own] = Role::kAdmin;
  return access;
}

/// When the worker's token ends, in Unix seconds. The years up to 9999 are allowed.
Result<std::int64_t> token_end(const Context& context, const std::optional<Duration>& lifetime) {
  constexpr std::int64_t kEndOf9999 = 253'402'300'799;
  const std::int64_t now = std::chrono::floor<std::chrono::seconds>(context.now()).time_since_epoch().count();
  if (!lifetime)
    return now +
           std::chrono::duration_cast<std::chrono::seconds>(context.services.settings.access_token_expires_in).count();
  if (lifetime->seconds > static_cast<std::uint64_t>(kEndOf9999 - now))
    return fail(ErrorCode::kInvalidRequest, "Invalid lifetime " + lifetime->to_string());
  return now + static_cast<std::int64_t>(lifetime->seconds);
}

Result<std::optional<std::chrono::milliseconds>> checked_lease(const std::optional<Duration>& lease) {
  if (!lease) return std::nullopt;
  const auto length = std::chrono::duration_cast<std::chrono::milliseconds>(lease->to_chrono());
  if (length < std::chrono::seconds(1) || length > std::chrono::hours(24))
    return fail(ErrorCode::kInvalidRequest, "lease is " + lease->to_string() + ": it must be between 1s and 1day");
  return length;
}

bool contains(const std::vector<std::string>& features, std::string_view feature) {
  return std::ranges::find(features, feature) != features.end();
}

/// What this coordinator can do for a worker that knows about it.
std::vector<std::string> own_features() {
  return {std::string(protocol::kFeatureWait),   std::string(protocol::kFeatureComplete),
          std::string(protocol::kFeatureDetail), std::string(protocol::kFeatureState),
          std::string(protocol::kFeatureWatch),  std::string(protocol::kFeatureUuid),
          std::string(protocol::kFeatureReports)};
}

Result<core::RegisterWorker> to_command(const Context& context, protocol::RegisterWorkerReq request) {
  constexpr std::size_t kInfoLimit = 16 << 10;
  MITO_TRY(check_storable(request.tags));
  MITO_TRY(check_storable(request.labels));
  MITO_TRY_ASSIGN(const auto access, requested_access(context, request.groups));
  MITO_TRY_ASSIGN(const auto lease, checked_lease(request.lease));
  if (request.info && request.info->text.size() > kInfoLimit)
    return fail(ErrorCode::kInvalidRequest, "info is larger than 16 KiB");
  if (request.info && !protocol::decode<protocol::WorkerHostInfo>(request.info->text))
    return fail(ErrorCode::kInvalidRequest, "info is not what a worker says about its machine, see WorkerHostInfo");
  const Timestamp now = context.now();
  const std::vector<std::string> features = request.features.value_or(std::vector<std::string>());
  return core::RegisterWorker{.worker = {.uuid = {Uuid::make_ordered(now)},
                                         .creator = context.user.id,
                                         .tags = std::move(request.tags),
                                         .labels = std::move(request.labels),
                                         .access = {access.begin(), access.end()},
                                         .lease = lease,
                                         .features = features,
                                         .info = request.info ? request.info->text : std::string(),
                                         .now = now},
                              .heartbeat_timeout = lease,
                              .holds_watches = contains(features, protocol::kFeatureWatch),
                              .sends_states = contains(features, protocol::kFeatureState)};
}

Awaitable<Result<protocol::RegisterWorkerResp>> register_worker(Context& context, protocol::RegisterWorkerReq request) {
  MITO_CO_TRY_ASSIGN(const std::int64_t expires, token_end(context, request.lifetime));
  const bool speaks_ours = request.features.has_value();
  MITO_CO_TRY_ASSIGN(core::RegisterWorker command, to_command(context, std::move(request)));
  const WorkerUuid uuid = command.worker.uuid;
  MITO_CO_TRY(co_await ask_core<WorkerId>(context.services, [&](core::Core& core, core::Reply<WorkerId> reply) {
    core.register_worker(std::move(command), std::move(reply));
  }));
  protocol::RegisterWorkerResp answer{
      .worker_id = uuid,
      .token = context.services.keys.sign({.sub = uuid.to_string(), .exp = expires, .sign = 0}),
      .redis_url = context.services.redis_worker_url,
      .features = std::nullopt};
  if (speaks_ours) answer.features = own_features();
  co_return answer;
}

}  // namespace

void add_worker_registration(Handlers& handlers) {
  handlers.add(Endpoint::kRegisterWorker, handler(register_worker));
}

}  // namespace mito::coordinator
