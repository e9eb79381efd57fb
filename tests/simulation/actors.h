#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/commands.h"
#include "simulation/world.h"

namespace mito::simulation {

/// A worker as it behaves towards the coordinator: registers, heartbeats, fetches, reports; dies, stalls, repeats.
class FakeWorker {
 public:
  struct Nature {
    std::vector<std::string> tags;
    std::vector<GroupId> groups;
    bool ours = true;  ///< Uses Complete and long polls; else the original's requests.
    bool holds_watches = false;
    bool sends_states = false;
  };
  FakeWorker(World& world, int number, Nature nature) : world_(world), number_(number), nature_(std::move(nature)) {}

  /// Registers; what it did before is forgotten.
  void start();
  void heal() { stalled_until_ = {}; }
  [[nodiscard]] std::optional<WorkerId> id() const { return id_; }

 private:
  void later(std::chrono::milliseconds delay, std::function<void()> event);
  bool mishap();
  void beat();
  void fetch();
  void run(core::AssignedTask task);
  void complete();
  void finish();
  void spawn();
  void commit();
  void ended(std::optional<core::AssignedTask> next);
  /// What every answer may say. True: go on with it.
  template <class T>
  bool go_on(const std::optional<Result<T>>& answer, void (FakeWorker::*again)());
  void report(core::ReportOp op, std::function<void(std::optional<Result<core::ReportAnswer>>)> take);
  void announce(TaskExecState state);

  World& world_;
  int number_;
  Nature nature_;
  std::uint64_t generation_ = 0;
  Clock::Monotonic stalled_until_{};
  std::optional<WorkerId> id_;
  WorkerUuid uuid_;
  std::optional<core::AssignedTask> task_;
  TaskState outcome_ = TaskState::kFinished;
};

/// All users at once: submit, cancel, change tasks, stop and change workers.
class FakeClient {
 public:
  explicit FakeClient(World& world) : world_(world) {}
  void start();
  void stop() { stopped_ = true; }

 private:
  void act();
  void submit();
  void send_tasks(std::shared_ptr<std::vector<core::SubmitTask>> tasks);
  void cancel();
  void change();
  void remove_worker();
  void change_worker();
  core::SubmitTask make_task();
  std::optional<Watch> any_watch();
  std::optional<TaskUuid> any_task();

  World& world_;
  std::vector<TaskUuid> tasks_;
  bool stopped_ = false;
};

std::vector<std::string> any_tags(World& world);

}  // namespace mito::simulation
