#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "coordinator/answer_budget.h"
#include "coordinator/await.h"
#include "coordinator/event_feed.h"
#include "coordinator/fair_threads.h"
#include "coordinator/job_threads.h"
#include "coordinator/login_throttle.h"
#include "coordinator/object_probe.h"
#include "coordinator/settings.h"
#include "coordinator/token_cache.h"
#include "core/core.h"
#include "core/directory.h"
#include "http/server.h"
#include "security/object_url.h"
#include "security/token.h"
#include "storage/database/database.h"
#include "storage/objects/object_store.h"

namespace mito::coordinator {

class ObjectRemovals;

/// The threads `read-<n>`, each with a session of its own on the database.
class ReadThreads {
 public:
  /// One thread for each of `sessions`.
  ReadThreads(std::vector<std::unique_ptr<storage::Queries>> sessions, std::size_t max_queued)
      : sessions_(std::move(sessions)), threads_("read", static_cast<unsigned>(sessions_.size()), max_queued) {}

  JobThreads& threads() { return threads_; }
  storage::Queries& session(unsigned thread) { return *sessions_[thread]; }

 private:
  std::vector<std::unique_ptr<storage::Queries>> sessions_;
  JobThreads threads_;
};

/// What handlers refuse and count, for /metrics.
struct RequestCounters {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> failed{0};    ///< Answered 5xx.
  std::atomic<std::uint64_t> refused{0};   ///< Answered 4xx.
  std::atomic<std::uint64_t> bytes_in{0};  ///< Object bytes received and sent.
  std::atomic<std::uint64_t> bytes_out{0};
};

/// What was removed since the start.
struct HousekeepingCounters {
  std::atomic<std::uint64_t> tasks_removed{0};
  std::atomic<std::uint64_t> orphans_removed{0};
};

/// Everything the use cases work with; made by the composition root, outlives every request. Any thread.
struct Services {
  const Settings& settings;
  const Clock& clock;
  core::Core& core;
  const core::Directory& directory;
  /// For AfterCommit closures only, which run on the core thread.
  core::Directory& directory_changes;
  ReadThreads& readers;
  FairThreads& password_threads;
  LoginThrottle& logins;
  JobThreads& disk_threads;
  const security::TokenKeys& keys;
  TokenCache& tokens;
  storage::ObjectStore& objects;
  storage::LocalObjectStore* local_objects;    ///< The same store when its bytes go through us, else null.
  storage::RemoteObjectStore* remote_objects;  ///< The same store when they do not, else null.
  std::string database_id;                     ///< Made once for each database.
  const security::ObjectUrlSigner& object_urls;
  std::function<std::string()> bind_url;  ///< `http://host:port` of the bound address.
  std::string shutdown_secret;
  std::function<void()> request_stop;
  std::function<http::ServerStatistics()> server_statistics;
  RequestCounters& counters;
  ObjectCounters& object_counters;
  std::filesystem::path data_directory;
  ObjectRemovals& removals;
  /// Set when the coordinator begins to stop: every answer from then on closes its connection.
  const std::atomic<bool>& stopping;
  storage::EventBus& events;
  /// Handed to workers and to users; nothing without a Redis.
  std::optional<std::string> redis_worker_url{};
  std::optional<std::string> redis_client_url{};
  EventFeeds& feeds;
  HousekeepingCounters& housekeeping;
  AnswerBudget& answers;
};

// The closures handed to read(), write() and ask_core() within a co_await expression capture references only: the
// coroutine that waits keeps what they refer to, and g++ 12 destroys other captures of such a temporary twice.

/// Asks the database on a read thread: `question(storage::Queries&)` answers a Result. Sees what was committed.
template <class Question>
auto read(Services& services, Question question, Admission admission = Admission::kBounded)
    -> http::Awaitable<std::invoke_result_t<Question&, storage::Queries&>> {
  return run_on(
      services.readers.threads(), ErrorCode::kUnavailable,
      [&services, question = std::move(question)](unsigned thread) mutable {
        return question(services.readers.session(thread));
      },
      admission);
}

/// What a write leaves behind: the value for the caller, and what is to happen on the core thread once it is durable.
template <class T>
struct Written {
  T value;
  core::AfterCommit after = [] {};
};

/// Runs `work(storage::Writer&) -> Result<Written<T>>` inside the core's next transaction and waits until that is
/// durable. `work` may be run several times (a batch that fails is taken apart), so it must not consume its captures.
/// Users are refused when the database is away for long or too much waits, workers never.
template <class T, class Work>
http::Awaitable<Result<T>> write(Services& services, Work work, core::Caller caller = core::Caller::kUser) {
  return await_callback<Result<T>>(
      [&services, caller, work = std::move(work)](std::move_only_function<void(Result<T>)> done) mutable {
        auto value = std::make_shared<std::optional<T>>();
        services.core.write(
            [value, work = std::move(work)](storage::Writer& writer) mutable -> Result<core::AfterCommit> {
              Result<Written<T>> written = work(writer);
              if (!written) return std::unexpected(std::move(written).error());
              *value = std::move(written->value);
              return std::move(written->after);
            },
            [value, done = std::move(done)](Result<void> written) mutable {
              if (written)
                done(std::move(**value));
              else
                done(std::unexpected(std::move(written).error()));
            },
            caller);
      });
}

/// Asks the core and waits for its reply: `ask(core::Core&, core::Reply<T>)`.
template <class T, class Ask>
http::Awaitable<Result<T>> ask_core(Services& services, Ask ask) {
  return await_callback<Result<T>>(
      [&services, ask = std::move(ask)](core::Reply<T> reply) mutable { ask(services.core, std::move(reply)); });
}

}  // namespace mito::coordinator
