#include "coordinator/coordinator.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/encoding.h"
#include "base/logging.h"
#include "base/random.h"
#include "base/sync.h"
#include "coordinator/data_directory.h"
#include "coordinator/engines.h"
#include "coordinator/foreign_states.h"
#include "coordinator/handlers.h"
#include "coordinator/housekeeping.h"
#include "coordinator/keys.h"
#include "coordinator/middleware.h"
#include "coordinator/object_records.h"
#include "coordinator/services.h"
#include "coordinator/standby.h"
#include "coordinator/startup.h"
#include "core/core.h"
#include "http/server.h"
#include "storage/database/open.h"
#include "storage/events/local_event_bus.h"
#include "storage/events/redis/redis_event_bus.h"
#include "storage/objects/open.h"

namespace mito::coordinator {

namespace fs = std::filesystem;

namespace {

constexpr log::Source kLog{"netmito::coordinator"};
constexpr std::chrono::seconds kRedisPatience{6};  ///< A start waits this long for the Redis to answer.

/// The secret of POST /admin/shutdown: the setting, else the one in the data directory, made anew when it is missing.
Result<std::string> shutdown_secret(const Settings& settings, const fs::path& data) {
  if (!settings.shutdown_secret.empty()) return settings.shutdown_secret;
  const fs::path path = data / "shutdown-secret";
  std::error_code ignored;
  if (fs::exists(path, ignored)) {
    MITO_TRY_ASSIGN(std::string secret, read_small_file(path));
    while (!secret.empty() && secret.back() == '\n')
      secret.pop_back();
    if (!secret.empty()) return secret;
  }
  std::string secret = base64url_encode(random_bytes(16));
  MITO_TRY(write_private_file(path, secret + "\n"));
  return secret;
}

unsigned half_the_cores() {
  return std::max(1U, std::thread::hardware_concurrency() / 2);
}

core::Settings core_settings(const Settings& settings) {
  core::Settings out;
  out.tag_matching = settings.tag_matching;
  out.max_worker_losses = settings.max_worker_losses;
  out.overrun_grace = settings.overrun_grace;
  out.heartbeat_timeout = settings.heartbeat_timeout;
  out.max_queued_commands = settings.max_queued_commands;
  out.max_waiting_fetches = settings.max_waiting_fetches;
  out.database_wait = settings.database_wait;
  return out;
}

http::ServerSettings server_settings(const Settings& settings, const BindAddress& bind) {
  http::ServerSettings out;
  out.address = bind.host;
  out.port = bind.port;
  out.threads = settings.io_threads;
  out.tls_certificate = settings.tls_cert.string();
  out.tls_key = settings.tls_key.string();
  out.max_connections = settings.max_connections;
  return out;
}

}  // namespace

Error taken_over() {
  return {ErrorCode::kFenced, "Another coordinator has taken over the database."};
}

/// The writer before us may be inside a transaction, which the database ends when it stays silent.
Result<std::unique_ptr<storage::Writer>> open_writer(storage::Database& database, std::chrono::milliseconds silence,
                                                     const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kPause{100};
  const auto deadline = std::chrono::steady_clock::now() + 2 * silence;
  std::mutex mutex;
  std::condition_variable_any wake;
  while (true) {
    auto writer = database.open_writer();
    if (writer || writer.error().code() != ErrorCode::kUnavailable || std::chrono::steady_clock::now() > deadline)
      return writer;
    std::unique_lock lock(mutex);
    if (wake.wait_for(lock, stop, kPause, [&] { return stop.stop_requested(); }))
      return fail(ErrorCode::kCancelled, "Stopped while starting.");
  }
}

/// Members in the order in which they are made; they end in reverse.
class Coordinator::Impl {
 public:
  Impl(Settings settings, std::stop_token stop_start)
      : settings_(std::move(settings)), stop_start_(std::move(stop_start)) {}
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> start() {
    MITO_TRY(check_supported(settings_));
    MITO_TRY_ASSIGN(bind_, BindAddress::parse(settings_.bind));
    MITO_TRY(open_directory());
    MITO_TRY(open_keys());
    MITO_TRY_ASSIGN(std::unique_ptr<storage::Writer> writer, open_database());
    MITO_TRY(open_objects(*writer));
    MITO_TRY_ASSIGN(shutdown_secret_, shutdown_secret(settings_, data_->path()));
    core_.emplace(core_settings(settings_), clock_, std::move(writer), directory_);
    core_->on_fenced([this] { end_with(taken_over()); });
    open_events();
    MITO_TRY(core_->start());
    MITO_TRY(start_threads());
    if (redis_events_ != nullptr) MITO_TRY(open_redis());
    return listen();
  }

  void stop() {
    if (stopped_.exchange(true)) return;
    if (core_) core_->drain();
    if (feeds_) feeds_->end();
    if (server_) server_->stop(settings_.shutdown_grace);
    object_probe_.reset();
    housekeeping_.reset();  // Before the core, whose answers it waits for.
    if (core_) core_->stop();
    if (redis_events_ != nullptr) redis_events_->stop();
    if (database_) database_->stop_waiting();
    if (readers_) readers_->threads().stop();
    if (password_threads_) password_threads_->stop();
    if (disk_threads_) disk_threads_->stop();
    if (server_) kLog.info("Coordinator has stopped");
  }

  void request_stop() {
    ending_.lock()->asked = true;
    ended_.notify_all();
  }

  void reload() {
    core_->reload_directory();
    if (const auto loaded = server_->reload_tls(); !loaded)
      kLog.error("The certificate of before stays in use: {}", describe(loaded.error()));
  }

  Result<void> wait() {
    {
      auto ending = ending_.lock();
      ended_.wait(ending.guard(), [&] { return ending->asked; });
    }
    kLog.info("Coordinator is stopping");
    stop();
    const auto ending = ending_.lock();
    if (ending->cause) return std::unexpected(*ending->cause);
    return {};
  }

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] std::string url() const {
    return (settings_.tls_cert.empty() ? "http://" : "https://") +
           BindAddress{.host = bind_.host, .port = port()}.to_string();
  }

 private:
  Result<void> open_directory() {
    fs::path path = settings_.data_dir;
    if (path.empty()) {
      MITO_TRY_ASSIGN(path, default_data_directory());
    }
    MITO_TRY_ASSIGN(DataDirectory data, DataDirectory::open(path));
    data_.emplace(std::move(data));
    return {};
  }

  Result<void> open_keys() {
    MITO_TRY_ASSIGN(LoadedKeys loaded,
                    load_keys(settings_.access_token_private_path, settings_.access_token_public_path,
                              key_folders(settings_.config_files), data_->path()));
    keys_.emplace(std::move(loaded.keys));
    key_path_ = loaded.private_path.string();
    kLog.info("Keys: {}{}", key_path_, loaded.generated ? " (made just now)" : "");
    tokens_.emplace(*keys_, settings_.token_cache);
    return {};
  }

  Result<std::unique_ptr<storage::Writer>> open_database() {
    std::string url = settings_.db_url;
    if (url.empty()) {
      url = "sqlite:" + (data_->path() / "mitosis.db").string();
    } else if (url.starts_with("sqlite:")) {
      MITO_TRY(lock_database(fs::path(url.substr(std::string_view("sqlite:").size()))));
    }
    MITO_TRY_ASSIGN(database_, storage::open_database(url, {.writer_timeout = settings_.takeover_after,
                                                            .read_patience = settings_.database_wait}));
    kLog.info("Database: {}", database_->describe());
    const auto check = [this]() -> Result<void> {
      MITO_TRY(check_key_pair(*database_, keys_->fingerprint(), key_path_));
      return check_object_store(*database_, settings_);
    };
    MITO_TRY_ASSIGN(turn_,
                    wait_for_turn(*database_, settings_, stop_start_, check, [this] { end_with(taken_over()); }));
    return open_writer(*database_, settings_.takeover_after, stop_start_);
  }

  /// What is not set depends on whose database it is: the original's users find it as they left it.
  void apply_defaults(bool of_original) {
    settings_.tag_matching =
        settings_.chosen_tag_matching.value_or(of_original ? TagMatching::kStrict : TagMatching::kDocumented);
    settings_.open_groups = settings_.chosen_open_groups.value_or(of_original);
    if (of_original && (!settings_.chosen_tag_matching || !settings_.chosen_open_groups))
      kLog.info(
          "The original made this database, so its rules hold where nothing else is set: tag_matching = {}, "
          "open_groups = {}",
          settings_.tag_matching == TagMatching::kStrict ? "strict" : "as set", settings_.open_groups);
  }

  /// A database outside of the data directory is guarded like one inside.
  Result<void> lock_database(const fs::path& file) {
    const std::string what = fmt::format("The database {}", file.string());
    const std::string remedy = "Or name another file with --db or db_url.";
    std::error_code ignored;
    MITO_TRY(require_local(fs::absolute(file, ignored).parent_path(), what, remedy));
    fs::path lock = file;
    lock += ".lock";
    MITO_TRY_ASSIGN(FileLock held, FileLock::acquire(lock, what, remedy));
    database_lock_.emplace(std::move(held));
    return {};
  }

  Result<void> open_objects(storage::Writer& writer) {
    MITO_TRY_ASSIGN(const DatabaseFacts facts,
                    prepare_database(writer, settings_, bind_, keys_->fingerprint(), key_path_, clock_.now()));
    if (facts.new_admin_password) {
      fmt::print("Made the admin {} with the password {}\nKeep it: it is not shown again.\n", settings_.admin_user,
                 *facts.new_admin_password);
      std::fflush(stdout);
    }
    apply_defaults(facts.of_original);
    object_urls_.emplace(facts.object_url_secret);
    database_id_ = facts.id;
    if (settings_.s3_url.empty()) {
      MITO_TRY_ASSIGN(auto on_disk,
                      storage::open_disk_objects(data_->path() / "objects", *object_urls_, settings_.min_free, clock_));
      local_objects_ = on_disk.get();
      objects_ = std::move(on_disk);
    } else {
      MITO_TRY_ASSIGN(auto on_s3, storage::open_s3_objects(s3_settings(settings_), clock_));
      remote_objects_ = on_s3.get();
      objects_ = std::move(on_s3);
    }
    kLog.info("Objects: {}", objects_->describe());
    if (!settings_.redis_url.empty()) {
      MITO_TRY_ASSIGN(redis_, redis_access(settings_, facts.redis_passwords));
    }
    for (const std::string& text : unreachable_addresses(settings_, bind_))
      kLog.warn("{}", text);
    return {};
  }

  /// A Redis that does not answer is waited for while we serve; one that refuses us would do so for ever.
  Result<void> open_redis() {
    foreign_states_.emplace(*readers_, *core_, settings_.max_queued_commands);
    MITO_TRY(redis_events_->start());
    const auto connected = redis_events_->wait_until_connected(kRedisPatience);
    if (connected) {
      kLog.info("Redis: {}", redis_->own.address.describe());
    } else if (connected.error().code() == ErrorCode::kPermissionDenied) {
      return fail(redis_error(connected.error()));
    } else {
      kLog.warn("{} It is tried again.", redis_error(connected.error()).text());
    }
    return {};
  }

  std::unique_ptr<storage::EventBus> make_event_bus() {
    if (!redis_) return std::make_unique<storage::LocalEventBus>(storage::LocalEventBus::Settings{}, clock_);
    auto bus = std::make_unique<storage::RedisEventBus>(
        storage::RedisEventBus::Settings{.redis = redis_->own}, clock_,
        [this](const TaskUuid& task, TaskExecState state, storage::RedisEventBus::Found found) {
          foreign_states_->observe(task, state, std::move(found));
        });
    redis_events_ = bus.get();
    return bus;
  }

  void open_events() {
    events_ = make_event_bus();
    feeds_.emplace(*events_, EventFeeds::Limits{.max_streams = settings_.max_event_streams});
    core_->on_events([bus = events_.get()](std::span<const storage::TaskEvent> events) {
      for (const storage::TaskEvent& event : events) {
        bus->publish(event);
        const auto* state = std::get_if<TaskState>(&event.state);
        if (state != nullptr && (*state == TaskState::kFinished || *state == TaskState::kCancelled))
          bus->archived(event.task);
      }
    });
  }

  Result<void> start_threads() {
    std::vector<std::unique_ptr<storage::Queries>> sessions;
    for (unsigned i = 0; i < settings_.read_threads; ++i) {
      MITO_TRY_ASSIGN(auto session, database_->open_reader());
      sessions.push_back(std::move(session));
    }
    readers_.emplace(std::move(sessions), settings_.max_queued_reads);
    password_threads_.emplace("password",
                              settings_.password_threads != 0 ? settings_.password_threads : half_the_cores(),
                              settings_.max_queued_passwords);
    logins_.emplace(LoginThrottle::Limits{.attempts = settings_.login_attempts, .window = settings_.login_window});
    // Every upload and download has at most one job here, so connections bound the queue.
    disk_threads_.emplace("disk", settings_.disk_threads, std::numeric_limits<std::size_t>::max());
    return {};
  }

  Result<void> listen() {
    services_.emplace(Services{.settings = settings_,
                               .clock = clock_,
                               .core = *core_,
                               .directory = directory_,
                               .directory_changes = directory_,
                               .readers = *readers_,
                               .password_threads = *password_threads_,
                               .logins = *logins_,
                               .disk_threads = *disk_threads_,
                               .keys = *keys_,
                               .tokens = *tokens_,
                               .objects = *objects_,
                               .local_objects = local_objects_,
                               .remote_objects = remote_objects_,
                               .database_id = database_id_,
                               .object_urls = *object_urls_,
                               .bind_url = [this] { return url(); },
                               .shutdown_secret = shutdown_secret_,
                               .request_stop = [this] { request_stop(); },
                               .server_statistics = [this] { return server_->statistics(); },
                               .counters = counters_,
                               .object_counters = object_counters_,
                               .data_directory = data_->path(),
                               .removals = removals_,
                               .stopping = stopped_,
                               .events = *events_,
                               .redis_worker_url = redis_ ? std::optional(redis_->worker_url) : std::nullopt,
                               .redis_client_url = redis_ ? std::optional(redis_->client_url) : std::nullopt,
                               .feeds = *feeds_,
                               .housekeeping = housekeeping_counters_,
                               .answers = answers_});
    server_.emplace(server_settings(settings_, bind_),
                    [this](http::Request& request) { return serve(*services_, handlers_, request); });
    MITO_TRY(server_->start());
    MITO_TRY_ASSIGN(auto session, database_->open_reader());
    housekeeping_.emplace(*services_, std::move(session));
    if (!settings_.s3_url.empty()) object_probe_.emplace(settings_.s3_url, object_counters_);
    kLog.info("Coordinator is listening on: {}", BindAddress{.host = bind_.host, .port = port()}.to_string());
    return {};
  }

  void end_with(Error cause) {
    {
      auto ending = ending_.lock();
      ending->asked = true;
      ending->cause = std::move(cause);
    }
    ended_.notify_all();
  }

  struct Ending {
    bool asked = false;
    std::optional<Error> cause;
  };

  Settings settings_;  ///< Constant once the database is known.
  const std::stop_token stop_start_;
  const Clock& clock_ = Clock::system();
  BindAddress bind_;
  Sync<Ending> ending_;
  std::condition_variable ended_;
  std::atomic<bool> stopped_{false};
  RequestCounters counters_;
  ObjectCounters object_counters_;
  HousekeepingCounters housekeeping_counters_;
  AnswerBudget answers_{settings_.max_answer_bytes};
  ObjectRemovals removals_;
  const Handlers handlers_ = make_handlers();
  std::string shutdown_secret_;
  std::string key_path_;

  std::optional<DataDirectory> data_;
  std::optional<FileLock> database_lock_;
  std::optional<security::TokenKeys> keys_;
  std::optional<TokenCache> tokens_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::Turn> turn_;
  std::optional<security::ObjectUrlSigner> object_urls_;
  std::unique_ptr<storage::ObjectStore> objects_;
  storage::LocalObjectStore* local_objects_ = nullptr;    ///< `objects_`, when its bytes go through us.
  storage::RemoteObjectStore* remote_objects_ = nullptr;  ///< `objects_`, when they do not.
  std::string database_id_;
  std::optional<RedisAccess> redis_;
  core::Directory directory_;
  std::unique_ptr<storage::EventBus> events_;
  storage::RedisEventBus* redis_events_ = nullptr;  ///< `events_`, when a Redis is used.
  std::optional<EventFeeds> feeds_;
  std::optional<core::Core> core_;
  std::optional<ReadThreads> readers_;
  std::optional<ForeignStates> foreign_states_;
  std::optional<FairThreads> password_threads_;
  std::optional<LoginThrottle> logins_;
  std::optional<JobThreads> disk_threads_;
  std::optional<Services> services_;
  std::optional<http::Server> server_;
  std::optional<Housekeeping> housekeeping_;
  std::optional<ObjectProbe> object_probe_;
};

Coordinator::Coordinator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Coordinator::~Coordinator() = default;

Result<std::unique_ptr<Coordinator>> Coordinator::start(Settings settings, std::stop_token stop) {
  auto impl = std::make_unique<Impl>(std::move(settings), std::move(stop));
  MITO_TRY(impl->start());
  return std::unique_ptr<Coordinator>(new Coordinator(std::move(impl)));
}

std::uint16_t Coordinator::port() const {
  return impl_->port();
}
std::string Coordinator::url() const {
  return impl_->url();
}
void Coordinator::reload() {
  impl_->reload();
}
void Coordinator::request_stop() {
  impl_->request_stop();
}
Result<void> Coordinator::wait() {
  return impl_->wait();
}
void Coordinator::stop() {
  impl_->stop();
}

}  // namespace mito::coordinator
