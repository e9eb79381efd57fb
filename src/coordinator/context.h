#pragma once

#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "coordinator/services.h"
#include "core/directory.h"
#include "domain/states.h"
#include "http/server.h"
#include "protocol/routes.h"

namespace mito::coordinator {

/// What a use case knows of the request it serves. Lives as long as the request, on the connection's thread.
struct Context {
  Services& services;
  http::Request& request;
  protocol::PathArguments path{};
  /// Who asks, where the endpoint is for users or admins.
  core::Directory::UserEntry user{};
  /// Who asks, where the endpoint is for workers.
  core::Directory::WorkerEntry worker{};
  /// How long to wait, where the answer is 429 for a known time.
  std::chrono::seconds retry_after{0};

  [[nodiscard]] const core::Directory& directory() const { return services.directory; }
  [[nodiscard]] Timestamp now() const { return services.clock.now(); }
};

// -- permissions ---------------------------------------------------------------------------------

/// A group by name together with the caller's role in it.
struct GroupRole {
  GroupId group;
  std::optional<Role> role;  ///< Nothing: not a member.
};
/// Nothing: no such group.
std::optional<GroupRole> group_role(const Context& context, std::string_view group_name);
/// Whether the role is there and at least `needed`.
bool at_least(std::optional<Role> role, Role needed);
/// Members of the group (Read) and admins.
bool may_read(const Context& context, GroupId group);

// -- values --------------------------------------------------------------------------------------

/// kInternal when a text cannot be stored (U+0000: the original's database refuses it).
Result<void> check_storable(std::string_view text);
template <class Texts>
  requires(!std::convertible_to<Texts, std::string_view>)
Result<void> check_storable(const Texts& texts) {
  for (const auto& text : texts)
    MITO_TRY(check_storable(std::string_view(text)));
  return {};
}

/// The address of the client: the peer, or what a trusted proxy says it speaks for.
std::string client_address(const Context& context);

/// `http://host:port` under which the peer knows us, for object URLs: public_url, else the request's Host (behind a
/// trusted proxy X-Forwarded-Proto and X-Forwarded-Host), else the bound address.
std::string base_url(const Context& context);

}  // namespace mito::coordinator
