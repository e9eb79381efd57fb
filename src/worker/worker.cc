#include "worker/worker.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/logging.h"
#include "client/client.h"
#include "client/credentials.h"
#include "worker/cgroup.h"
#include "worker/memory_limit.h"
#include "worker/recovery.h"
#include "worker/registration.h"
#include "worker/slot.h"
#include "worker/supervised_runner.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};

Result<std::optional<std::string>> find_password(const Settings& settings) {
  if (settings.password || !settings.password_file) return settings.password;
  std::ifstream file(*settings.password_file);
  std::string line;
  if (!std::getline(file, line))
    return fail(ErrorCode::kUsage,
                fmt::format("the password file {} cannot be read or is empty", settings.password_file->native()));
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

/// Ends of slots, waited for by the main thread.
class Ends {
 public:
  void add(SlotEnd end) {
    const std::lock_guard lock(mutex_);
    ends_.push_back(end);
    changed_.notify_all();
  }
  /// Whether `count` slots had ended before `stop` or the deadline.
  bool wait(std::size_t count, const std::stop_token& stop, std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, stop, deadline, [&] { return ends_.size() >= count; });
  }
  [[nodiscard]] Outcome outcome() {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(ends_, SlotEnd::kTaskKilled) != ends_.end()) return Outcome::kTasksKilled;
    if (std::ranges::find(ends_, SlotEnd::kResultKept) != ends_.end()) return Outcome::kResultsKept;
    return std::ranges::find(ends_, SlotEnd::kStopped) != ends_.end() ? Outcome::kStopped : Outcome::kRemoved;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<SlotEnd> ends_;
};

std::size_t usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return static_cast<std::size_t>(CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());
}

/// A result that waits for company saves time of the cores where each has several slots to serve, and costs time on the
/// clock where a core would have nothing else to do meanwhile. With several times as many slots there is company enough
/// and always another slot with something to run, so that nothing is gained by holding further tasks.
constexpr std::size_t kSlotsThatReportTogether = 4;  // per core
constexpr std::size_t kSlotsThatHoldOne = 16;

constexpr auto kCleaningInterval = std::chrono::hours{6};

}  // namespace

int exit_code(Outcome outcome) {
  switch (outcome) {
    case Outcome::kStopped:
      return 0;
    case Outcome::kTasksKilled:
      return 3;
    case Outcome::kRemoved:
      return 4;
    case Outcome::kResultsKept:
      return 5;
  }
  return 1;
}

class Worker::Impl {
 public:
  Impl(Settings settings, Observer observer) : settings_(std::move(settings)), observer_(std::move(observer)) {}

  Result<Outcome> run(const std::stop_token& stop, const std::stop_token& kill) {
    signal(SIGPIPE, SIG_IGN);
    MITO_TRY(check_groups(settings_.groups));
    MITO_TRY_ASSIGN(auto address, client::Address::parse(settings_.coordinator_addr));
    MITO_TRY_ASSIGN(const auto password, find_password(settings_));
    MITO_TRY_ASSIGN(const auto directory,
                    settings_.work_dir ? std::filesystem::absolute(*settings_.work_dir) : default_work_directory());
    MITO_TRY_ASSIGN(const auto spool, Spool::open(directory, this_host(), address.text()));
    MITO_TRY_ASSIGN(const auto directory_settings, prepare_directories(directory));
    const RunnerSettings runners{.cgroup_parent = find_cgroup_parent(), .memory_limit = settings_.memory_limit};
    MITO_TRY(try_memory_limit(runners));
    http::ClientSettings connections;
    connections.user_agent = "mito-worker";
    connections.connections_per_host =
        (settings_.overlap ? 4 : 2) * settings_.slots + 8;  // a fetch and a heartbeat each, and some for transfers
    if (settings_.ca_file) connections.ca_file = settings_.ca_file->string();
    auto http = std::make_shared<http::Client>(connections);
    HttpTransport transport(http);
    CoordinatorLink link(transport, address, Timer::real());
    client::Client user(address, http);
    UserToken token([&](std::stop_token token_stop) -> Result<std::string> {
      client::TerminalPrompt prompt;
      const client::LoginSettings login{
          .credential_path = settings_.credential_path, .user = settings_.user, .password = password};
      MITO_TRY(client::connect(user, login, prompt, std::move(token_stop)));
      return user.token();
    });
    Registrar registrar(link, token, settings_, Timer::real());

    const EitherStop drain(stop, kill);
    Heartbeats heartbeats(link, {.interval = settings_.heartbeat_interval, .lease = settings_.lease});
    spool.clean_undelivered(Timer::real().now());
    take_up_registrations({link, heartbeats, spool, Timer::real(), settings_, directory}, drain.token());
    MITO_TRY_ASSIGN(auto first, registrar.register_first(drain.token()));
    if (auto groups = check_registered_groups(user, *first, drain.token()); !groups) {
      static_cast<void>(link.unregister(*first, {}));
      return std::unexpected(std::move(groups).error());
    }
    const auto environment = task_environment_of_worker(directory_settings.owner);
    RedisBoards boards;
    const auto cores = usable_cores();
    ReportCourier courier([&link](auto reports, auto courier_stop) { return link.report_all(reports, courier_stop); });
    const SlotShared shared{
        .link = link,
        .heartbeats = heartbeats,
        .registrar = registrar,
        .timer = Timer::real(),
        .settings = settings_,
        .inherited = environment,
        .boards = boards,
        .spool = spool,
        .courier = courier,
        .reports_together = settings_.slots >= kSlotsThatReportTogether * cores,
        .prefetch = settings_.slots >= kSlotsThatHoldOne * cores ? 1 : settings_.prefetch,
        .look_up = [&](const WorkerUuid& uuid, std::stop_token stop_token) -> Result<protocol::WorkerQueryResp> {
          MITO_TRY_ASSIGN(const auto used, token.get(stop_token));
          auto known = user.get_worker(uuid, std::move(stop_token));
          if (!known && known.error().code() == ErrorCode::kWrongCredentials) token.refused(used);
          return known;
        },
        .work_directory = directory,
        .directory_settings = directory_settings,
        .on_registered = observer_.on_registered};
    return serve(shared, runners, std::move(first), drain.token(), kill);
  }

 private:
  /// A group that does not exist is left out by the coordinator without a word.
  Result<void> check_registered_groups(const client::Client& user, const Session& session, std::stop_token stop) {
    if (settings_.groups.empty()) return {};
    const auto known = user.get_worker(session.uuid, std::move(stop));
    if (!known) {
      kLog.debug("The groups of the worker could not be checked: {}", known.error().text());
      return {};
    }
    std::vector<std::string_view> missing;
    for (const auto& entry : settings_.groups) {
      const auto name = std::string_view(entry).substr(0, entry.find(':'));
      if (!known->groups.contains(std::string(name))) missing.push_back(name);
    }
    if (missing.empty()) return {};
    return fail(ErrorCode::kUsage,
                fmt::format("the coordinator has no group named {}: check --groups", fmt::join(missing, ", ")));
  }

  /// Makes the work directory, and sees whether --run-as can work.
  Result<WorkDirectorySettings> prepare_directories(const std::filesystem::path& directory) {
    WorkDirectorySettings result;
    if (settings_.isolate) result.working = WorkDirectorySettings::Working::kFresh;
    if (!settings_.run_as) return result;
    MITO_TRY_ASSIGN(result.owner, find_account(*settings_.run_as));
    MITO_TRY(check_account(*result.owner, directory));
    return result;
  }

  /// What all tasks inherit.
  [[nodiscard]] Environment task_environment_of_worker(const std::optional<Account>& account) const {
    auto environment = inherited_environment();
    if (settings_.isolate) environment = isolated_environment(environment, settings_.pass_env);
    if (account) {
      environment["HOME"] = account->home;
      environment["USER"] = account->name;
      environment["LOGNAME"] = account->name;
      environment["SHELL"] = account->shell;
    }
    return environment;
  }

  Result<Outcome> serve(const SlotShared& shared, const RunnerSettings& runners, std::unique_ptr<Session> first,
                        const std::stop_token& drain, const std::stop_token& kill) {
    Ends ends;
    std::stop_source end;
    const StopTokens stops{drain, end.get_token(), kill};
    std::vector<std::jthread> threads;
    const std::size_t lanes = settings_.overlap ? 2 : 1;
    std::deque<Turn> turns(settings_.slots);
    for (std::size_t i = 0; i < settings_.slots * lanes; ++i)
      threads.emplace_back([&, i, session = std::move(first)]() mutable {
        pthread_setname_np(pthread_self(), fmt::format("slot-{}", i / lanes).c_str());
        SupervisedRunner runner(runners);
        ends.add(run_slot(shared, runner, std::move(session), stops, lanes == 1 ? nullptr : &turns[i / lanes]));
      });
    const auto now = [] { return std::chrono::steady_clock::now(); };
    while (!ends.wait(threads.size(), drain, now() + kCleaningInterval) && !drain.stop_requested())
      shared.spool.clean_undelivered(shared.timer.now());
    if (drain.stop_requested()) {
      kLog.info("Worker exits due to terminate signal received. Wait for resource cleanup");
      ends.wait(threads.size(), kill, now() + settings_.grace);
      end.request_stop();
    }
    threads.clear();
    return ends.outcome();
  }

  Settings settings_;
  Observer observer_;
};

Worker::Worker(Settings settings, Observer observer)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(observer))) {}
Worker::~Worker() = default;
Result<Outcome> Worker::run(std::stop_token stop, std::stop_token kill) {
  return impl_->run(stop, kill);
}

}  // namespace mito::worker
