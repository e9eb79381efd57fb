#include "coordinator/coordinator.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <limits>
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
#include "coordinator/handlers.h"
#include "coordinator/keys.h"
#include "coordinator/middleware.h"
#include "coordinator/object_records.h"
#include "coordinator/services.h"
#include "coordinator/startup.h"
#include "core/core.h"
#include "http/server.h"
#include "storage/database/open.h"
#include "storage/events/local_event_bus.h"
#include "storage/objects/open.h"

namespace mito::coordinator {

namespace fs = std::filesystem;

namespace {

constexpr log::Source kLog{"netmito::coordinator"};

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
  out.max_connections = settings.max_connections;
  return out;
}

}  // namespace

/// Members in the order in which they are made; they end in reverse.
class Coordinator::Impl {
 public:
  explicit Impl(Settings settings) : settings_(std::move(settings)) {}
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
    core_->on_fenced([this] { end_with({ErrorCode::kFenced, "Another coordinator has taken over the database."}); });
    open_events();
    MITO_TRY(core_->start());
    MITO_TRY(start_threads());
    return listen();
  }

  void stop() {
    if (stopped_.exchange(true)) return;
    if (core_) core_->drain();
    if (feeds_) feeds_->end();
    if (server_) server_->stop(settings_.shutdown_grace);
    if (core_) core_->stop();
    if (readers_) readers_->threads().stop();
    if (password_threads_) password_threads_->stop();
    if (disk_threads_) disk_threads_->stop();
    if (server_) kLog.info("Coordinator has stopped");
  }

  void request_stop() {
    ending_.lock()->asked = true;
    ended_.notify_all();
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
    return "http://" + BindAddress{.host = bind_.host, .port = port()}.to_string();
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
    std::error_code ignored;
    std::vector<fs::path> folders{fs::current_path(ignored)};
    for (const fs::path& file : settings_.config_files)
      folders.push_back(file.parent_path());
    MITO_TRY_ASSIGN(LoadedKeys loaded, load_keys(settings_.access_token_private_path,
                                                 settings_.access_token_public_path, folders, data_->path()));
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
    } else {
      MITO_TRY(lock_database(fs::path(url.substr(std::string_view("sqlite:").size()))));
    }
    MITO_TRY_ASSIGN(database_, storage::open_database(url));
    kLog.info("Database: {}", database_->describe());
    return database_->open_writer();
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
    object_urls_.emplace(facts.object_url_secret);
    MITO_TRY_ASSIGN(objects_,
                    storage::open_disk_objects(data_->path() / "objects", *object_urls_, settings_.min_free, clock_));
    kLog.info("Objects: {}", objects_->describe());
    return {};
  }

  void open_events() {
    events_ = std::make_unique<storage::LocalEventBus>(storage::LocalEventBus::Settings{}, clock_);
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
                               .disk_threads = *disk_threads_,
                               .keys = *keys_,
                               .tokens = *tokens_,
                               .objects = *objects_,
                               .local_objects = objects_.get(),
                               .object_urls = *object_urls_,
                               .bind_url = [this] { return url(); },
                               .shutdown_secret = shutdown_secret_,
                               .request_stop = [this] { request_stop(); },
                               .server_statistics = [this] { return server_->statistics(); },
                               .counters = counters_,
                               .removals = removals_,
                               .stopping = stopped_,
                               .events = *events_,
                               .feeds = *feeds_});
    server_.emplace(server_settings(settings_, bind_),
                    [this](http::Request& request) { return serve(*services_, handlers_, request); });
    MITO_TRY(server_->start());
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

  const Settings settings_;
  const Clock& clock_ = Clock::system();
  BindAddress bind_;
  Sync<Ending> ending_;
  std::condition_variable ended_;
  std::atomic<bool> stopped_{false};
  RequestCounters counters_;
  ObjectRemovals removals_;
  const Handlers handlers_ = make_handlers();
  std::string shutdown_secret_;
  std::string key_path_;

  std::optional<DataDirectory> data_;
  std::optional<FileLock> database_lock_;
  std::optional<security::TokenKeys> keys_;
  std::optional<TokenCache> tokens_;
  std::unique_ptr<storage::Database> database_;
  std::optional<security::ObjectUrlSigner> object_urls_;
  std::unique_ptr<storage::LocalObjectStore> objects_;
  core::Directory directory_;
  std::unique_ptr<storage::EventBus> events_;
  std::optional<EventFeeds> feeds_;
  std::optional<core::Core> core_;
  std::optional<ReadThreads> readers_;
  std::optional<JobThreads> password_threads_;
  std::optional<JobThreads> disk_threads_;
  std::optional<Services> services_;
  std::optional<http::Server> server_;
};

Coordinator::Coordinator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Coordinator::~Coordinator() = default;

Result<std::unique_ptr<Coordinator>> Coordinator::start(Settings settings) {
  auto impl = std::make_unique<Impl>(std::move(settings));
  MITO_TRY(impl->start());
  return std::unique_ptr<Coordinator>(new Coordinator(std::move(impl)));
}

std::uint16_t Coordinator::port() const {
  return impl_->port();
}
std::string Coordinator::url() const {
  return impl_->url();
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
