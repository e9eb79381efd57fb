#include "core/core.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <pthread.h>
#include <system_error>
#include <thread>
#include <utility>

#include "core/loop.h"

namespace mito::core {
namespace {

/// Roughly what a command holds in memory while it waits.
std::size_t size_of(const std::vector<SubmitTask>& tasks) {
  std::size_t bytes = 0;
  for (const auto& task : tasks) {
    bytes += sizeof(SubmitTask) + task.spec.size();
    for (const auto& tag : task.tags)
      bytes += sizeof(std::string) + tag.size();
    for (const auto& label : task.labels)
      bytes += sizeof(std::string) + label.size();
  }
  return bytes;
}

constexpr std::size_t kSmall = 512;

}  // namespace

/// The thread, and the bounded queue in front of it.
class Core::Impl {
 public:
  Impl(Settings settings, const Clock& clock, std::unique_ptr<storage::Writer> writer, Directory& directory)
      : settings_(settings),
        clock_(clock),
        writer_(std::move(writer)),
        loop_(settings, clock, *writer_, directory),
        load_(std::make_shared<Load>()) {}

  ~Impl() { stop(); }

  Result<void> start() {
    MITO_TRY(loop_.load());
    try {
      thread_ = std::thread([this] { serve(); });
    } catch (const std::system_error& error) {
      return fail(ErrorCode::kInternal, "The core's thread cannot be started.", error.what());
    }
    return {};
  }

  void stop() {
    incoming_.lock()->stopping = true;
    wake_.notify_one();
    if (thread_.joinable()) return thread_.join();
    end();  // It was never started.
  }

  void on_fenced(std::move_only_function<void()> handler) {
    post([handler = std::move(handler)](Loop& loop) mutable { loop.on_fenced(std::move(handler)); });
  }

  void on_events(std::move_only_function<void(std::span<const storage::TaskEvent>)> handler) {
    loop_.on_events(std::move(handler));
  }

  /// Puts a command into the queue; `bytes` count only for users.
  void accept(Request request, Caller caller, std::size_t members, std::size_t bytes) {
    const auto command = make_command(std::move(request), caller, members);
    if (caller == Caller::kUser) {
      command->slot = take_slot(bytes);
      if (!command->slot) return refuse(*command, "Too many requests wait. Try again later.");
    }
    if (!post([command](Loop& loop) { loop.accept(command); })) refuse(*command, "The coordinator is stopping.");
  }

  /// Of workers; the loop sees none before it sees all.
  void accept(std::vector<Request> requests) {
    std::vector<std::shared_ptr<Command>> commands;
    commands.reserve(requests.size());
    for (Request& request : requests)
      commands.push_back(make_command(std::move(request), Caller::kWorker, 1));
    if (!post([commands](Loop& loop) {
          for (const auto& command : commands)
            loop.accept(command);
        }))
      for (const auto& command : commands)
        refuse(*command, "The coordinator is stopping.");
  }

  using Message = std::move_only_function<void(Loop&)>;
  /// False: the core has stopped.
  bool post(Message message) {
    {
      const auto incoming = incoming_.lock();
      if (incoming->stopped) return false;
      incoming->messages.push_back(std::move(message));
    }
    wake_.notify_one();
    return true;
  }

  [[nodiscard]] Statistics statistics() const {
    Statistics statistics = loop_.statistics();
    statistics.refused_commands = refused_.load();
    statistics.queue_length += incoming_.lock()->messages.size();
    return statistics;
  }

  Ticket next_ticket() { return ++last_ticket_; }

 private:
  struct Incoming {
    std::deque<Message> messages;
    bool stopping = false;
    bool stopped = false;
  };
  struct Load {
    std::atomic<std::size_t> commands{0};
    std::atomic<std::size_t> bytes{0};
  };

  [[nodiscard]] std::shared_ptr<Command> make_command(Request request, Caller caller, std::size_t members) const {
    auto command = std::make_shared<Command>();
    command->request = std::move(request);
    command->caller = caller;
    command->members = members;
    command->accepted = clock_.monotonic();
    return command;
  }

  /// Nothing: the queue is full. The place is free again when what is answered goes away.
  std::shared_ptr<void> take_slot(std::size_t bytes) {
    const auto commands = load_->commands.fetch_add(1) + 1;
    const auto waiting = load_->bytes.fetch_add(bytes) + bytes;
    std::shared_ptr<void> slot(load_.get(), [load = load_, bytes](void*) {
      load->commands.fetch_sub(1);
      load->bytes.fetch_sub(bytes);
    });
    if (commands <= settings_.max_queued_commands && waiting <= settings_.max_queued_bytes) return slot;
    return nullptr;
  }

  void refuse(Command& command, std::string_view reason) {
    ++refused_;
    std::visit(
        [&]<class Asked>(Asked& request) {
          if constexpr (std::is_same_v<Asked, FetchRequest>)
            request.reply(std::nullopt);
          else if constexpr (requires { request.reply; })
            request.reply(fail(ErrorCode::kUnavailable, std::string(reason)));
        },
        command.request);
  }

  void serve() {
    pthread_setname_np(pthread_self(), "core");
    for (bool stopping = false; !stopping;) {
      stopping = wait();
      take_messages();
      loop_.run();
    }
    loop_.finish();
    end();
  }

  /// Nothing is accepted from now on; answers what came while the last batches ran.
  void end() {
    incoming_.lock()->stopped = true;
    take_messages();
    loop_.finish();
  }

  /// Until there is something to do. True: stop.
  bool wait() {
    const bool has_work = loop_.has_work();
    const auto wake_at = loop_.wake_at();
    auto incoming = incoming_.lock();
    const auto is_ready = [&] { return !incoming->messages.empty() || incoming->stopping; };
    if (!has_work) {
      if (wake_at)
        wake_.wait_until(incoming.guard(), *wake_at, is_ready);
      else
        wake_.wait(incoming.guard(), is_ready);
    }
    return incoming->stopping;
  }

  void take_messages() {
    std::deque<Message> messages;
    std::swap(messages, incoming_.lock()->messages);
    for (auto& message : messages)
      message(loop_);
  }

  const Settings settings_;
  const Clock& clock_;
  std::unique_ptr<storage::Writer> writer_;
  Loop loop_;
  std::shared_ptr<Load> load_;
  Sync<Incoming> incoming_;
  std::condition_variable wake_;
  std::atomic<Ticket> last_ticket_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::thread thread_;
};

Core::Core(Settings settings, const Clock& clock, std::unique_ptr<storage::Writer> writer, Directory& directory)
    : impl_(std::make_unique<Impl>(settings, clock, std::move(writer), directory)) {}

Core::~Core() = default;

Result<void> Core::start() {
  return impl_->start();
}

void Core::stop() {
  impl_->stop();
}

void Core::drain() {
  impl_->post([](Loop& loop) { loop.drain(); });
}

void Core::reload_directory() {
  impl_->post([](Loop& loop) { loop.reload_directory(); });
}

void Core::on_fenced(std::move_only_function<void()> handler) {
  impl_->on_fenced(std::move(handler));
}

void Core::on_events(std::move_only_function<void(std::span<const storage::TaskEvent>)> handler) {
  impl_->on_events(std::move(handler));
}

void Core::submit(std::vector<SubmitTask> tasks, Reply<std::vector<Result<Submitted>>> reply) {
  if (tasks.empty()) return reply(std::vector<Result<Submitted>>{});
  const std::size_t members = tasks.size();
  const std::size_t bytes = size_of(tasks);
  SubmitRequest request{.tasks = std::move(tasks), .reply = std::move(reply), .results = {}};
  request.results.assign(members, fail(ErrorCode::kUnavailable, "The database is away. Try again later."));
  impl_->accept(std::move(request), Caller::kUser, members, bytes);
}

Core::Ticket Core::fetch(Fetch fetch, Reply<std::optional<AssignedTask>> reply) {
  const Ticket ticket = impl_->next_ticket();
  impl_->accept(FetchRequest{.fetch = fetch, .ticket = ticket, .reply = std::move(reply), .withdrawn = false},
                Caller::kWorker, 1, kSmall);
  return ticket;
}

void Core::withdraw(Ticket ticket) {
  impl_->post([ticket](Loop& loop) { loop.withdraw(ticket); });
}

void Core::report(WorkerId worker, TaskId task, ReportOp op, Reply<ReportAnswer> reply) {
  impl_->accept(ReportRequest{.worker = worker, .task = task, .op = std::move(op), .reply = std::move(reply)},
                Caller::kWorker, 1, kSmall);
}

void Core::report(std::vector<Report> reports) {
  std::vector<Request> requests;
  requests.reserve(reports.size());
  for (Report& one : reports)
    requests.emplace_back(
        ReportRequest{.worker = one.worker, .task = one.task, .op = std::move(one.op), .reply = std::move(one.reply)});
  impl_->accept(std::move(requests));
}

void Core::register_worker(RegisterWorker worker, Reply<WorkerId> reply) {
  impl_->accept(RegisterRequest{.worker = std::move(worker), .reply = std::move(reply)}, Caller::kUser, 1, kSmall);
}

void Core::remove_worker(WorkerId worker, Removal removal, Reply<bool> reply) {
  const Caller caller = removal == Removal::kUnregister ? Caller::kWorker : Caller::kUser;
  impl_->accept(RemoveRequest{.worker = worker, .removal = removal, .reply = std::move(reply)}, caller, 1, kSmall);
}

void Core::heartbeat(WorkerId worker, Reply<void> reply) {
  auto shared = std::make_shared<Reply<void>>(std::move(reply));
  if (!impl_->post([worker, shared](Loop& loop) { loop.heartbeat(worker, std::move(*shared)); }))
    (*shared)(fail(ErrorCode::kUnavailable, "The coordinator is stopping."));
}

void Core::set_exec_state(WorkerId worker, TaskUuid task, TaskExecState state, Reply<bool> reply, Telling telling) {
  impl_->accept(
      ExecStateRequest{.worker = worker, .task = task, .state = state, .telling = telling, .reply = std::move(reply)},
      Caller::kWorker, 1, kSmall);
}

void Core::set_worker_tags(WorkerId worker, std::vector<std::string> tags, Reply<void> reply) {
  ChangeWorkerRequest request;
  request.worker = worker;
  request.tags = std::move(tags);
  request.reply = std::move(reply);
  impl_->accept(std::move(request), Caller::kUser, 1, kSmall);
}

void Core::set_worker_labels(WorkerId worker, std::vector<std::string> labels, Reply<void> reply) {
  ChangeWorkerRequest request;
  request.worker = worker;
  request.labels = std::move(labels);
  request.reply = std::move(reply);
  impl_->accept(std::move(request), Caller::kUser, 1, kSmall);
}

void Core::upsert_worker_access(WorkerId worker, std::vector<std::pair<GroupId, Role>> access, Reply<void> reply) {
  ChangeWorkerRequest request;
  request.worker = worker;
  request.new_access = std::move(access);
  request.reply = std::move(reply);
  impl_->accept(std::move(request), Caller::kUser, 1, kSmall);
}

void Core::remove_worker_access(WorkerId worker, std::vector<GroupId> groups, Reply<void> reply) {
  ChangeWorkerRequest request;
  request.worker = worker;
  request.lost_access = std::move(groups);
  request.reply = std::move(reply);
  impl_->accept(std::move(request), Caller::kUser, 1, kSmall);
}

void Core::cancel(std::vector<TaskUuid> tasks, bool also_pending, Reply<std::vector<bool>> reply) {
  if (tasks.empty()) return reply(std::vector<bool>{});
  CancelRequest request;
  request.also_pending = also_pending;
  request.reply = std::move(reply);
  std::unordered_map<TaskUuid, std::size_t> places;
  for (const TaskUuid task : tasks) {
    const auto [place, is_new] = places.emplace(task, request.tasks.size());
    if (is_new) request.tasks.push_back(task);
    request.positions.push_back(place->second);
  }
  const std::size_t members = request.tasks.size();
  request.results.assign(members, false);
  impl_->accept(std::move(request), Caller::kUser, members, members * sizeof(TaskUuid));
}

void Core::change(ChangeTask change, Reply<bool> reply) {
  const std::size_t bytes = kSmall + (change.spec ? change.spec->size() : 0);
  impl_->accept(ChangeRequest{.change = std::move(change), .reply = std::move(reply)}, Caller::kUser, 1, bytes);
}

void Core::write(Write work, Reply<void> reply, Caller caller) {
  impl_->accept(WriteRequest{.work = std::move(work), .reply = std::move(reply)}, caller, 1, kSmall);
}

Statistics Core::statistics() const {
  return impl_->statistics();
}

}  // namespace mito::core
