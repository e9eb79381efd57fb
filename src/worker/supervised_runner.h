#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "worker/process.h"

namespace mito::worker {

struct RunnerSettings {
  std::optional<std::filesystem::path> cgroup_parent;  ///< Where a cgroup for the slot is made (find_cgroup_parent()).
  std::optional<std::uint64_t> memory_limit;  ///< Bytes: of all processes where a cgroup can be limited, else of each.
};

/// Runs commands under a supervisor process of its own (supervisor.h), which is forked with the first command and again
/// when it was lost. Destroying it kills what runs. One thread.
class SupervisedRunner : public ProcessRunner {
 public:
  explicit SupervisedRunner(RunnerSettings settings = {});
  ~SupervisedRunner() override;
  std::expected<void, SpawnError> start(const Command& command) override;
  std::optional<ProcessEnd> wait(Clock::Monotonic deadline, std::stop_token stop) override;
  void terminate() override;
  void kill() override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mito::worker
