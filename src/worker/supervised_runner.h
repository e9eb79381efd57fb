#pragma once

#include <memory>

#include "worker/process.h"

namespace mito::worker {

/// Runs commands under a supervisor process of its own (supervisor.h), which is forked with the first command and again
/// when it was lost. Destroying it kills what runs. One thread.
class SupervisedRunner : public ProcessRunner {
 public:
  SupervisedRunner();
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
