#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "base/sync.h"
#include "worker/coordinator_link.h"
#include "worker/settings.h"

namespace mito::worker {

/// Gives a token of the user the worker runs for. Shared by all slots; any thread.
class UserToken {
 public:
  /// `obtain` logs in, or finds a token that works; it is called by one thread at a time.
  using Obtain = std::function<Result<std::string>(std::stop_token)>;
  explicit UserToken(Obtain obtain) : obtain_(std::move(obtain)) {}

  Result<std::string> get(std::stop_token stop);
  /// The token was refused: the next get() obtains a new one, unless another thread has done so since.
  void refused(const std::string& token);

 private:
  Obtain obtain_;
  Sync<std::string> token_;
};

/// Makes registrations. Any thread.
class Registrar {
 public:
  Registrar(CoordinatorLink& link, UserToken& user, const Settings& settings, const Timer& timer);

  /// One attempt (two where the user's token was refused).
  Result<std::unique_ptr<Session>> register_once(std::stop_token stop);
  /// One attempt at a registration with tags, labels and groups of another.
  Result<std::unique_ptr<Session>> register_like(const protocol::WorkerQueryResp& other, std::stop_token stop);
  /// Until it is answered otherwise than by a 5xx or 429. What a person can mend (an address at which nobody answers,
  /// a refusal) ends it at once.
  Result<std::unique_ptr<Session>> register_first(std::stop_token stop);
  /// Until it succeeds; nothing after a stop.
  std::unique_ptr<Session> register_again(std::stop_token stop);

 private:
  Result<std::unique_ptr<Session>> send(const protocol::RegisterWorkerReq& request, std::stop_token stop);

  CoordinatorLink& link_;
  UserToken& user_;
  const Timer& timer_;
  protocol::RegisterWorkerReq request_;
};

/// Checks `name` or `name:role` of Settings::groups. kUsage names the first that is wrong.
Result<void> check_groups(const std::vector<std::string>& groups);

/// Whether a slot that got a 401 answer at `now` registers again (Reconnect).
bool should_reconnect(const Settings& settings, const Session& session, Timestamp now);

/// When a registration takes no further task: an asked-for lifetime is over, or half of the token's life is, and it has
/// to be renewed. Nothing: never.
std::optional<Timestamp> end_of_service(const Settings& settings, const Session& session);

}  // namespace mito::worker
