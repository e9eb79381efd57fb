#pragma once

#include <vector>

#include "bench/figures.h"
#include "bench/setup.h"

// The scenarios. Each takes a fresh coordinator where it may, and leaves the one behind --url as it found it.
namespace mito::bench {

/// How fast tasks are taken in: one a request over `connections` connections, and `batch` a request.
std::vector<Measurement> submit(const Options& options, std::size_t tasks, std::size_t connections, std::size_t batch);
/// The second half of it alone.
Measurement submit_in_batches(const Options& options, std::size_t tasks, std::size_t batch);

/// How fast `workers` simulated workers get through `tasks` queued tasks.
std::vector<Measurement> drain(const Options& options, Dialect dialect, std::size_t tasks, std::size_t workers);

/// From the submission of a task to its arrival at an idle waiting worker: at idle, and while other workers run at 80%
/// of what the coordinator can do.
std::vector<Measurement> latency(const Options& options, std::size_t probes, std::size_t workers);

/// Rates, memory and restart with `queued` tasks waiting that nobody may run yet.
std::vector<Measurement> backlog(const Options& options, std::size_t queued, std::size_t tasks);

/// Lists and counts of tasks with each filter alone, half of `tasks` waiting, the other half over.
std::vector<Measurement> reads(const Options& options, std::size_t tasks);

/// Tags of the waiting workers.
enum class Profiles { kAlike, kEachItsOwn };
/// Memory, submission and dispatch with `workers` workers waiting; `idle_classes` queued tasks with tags that fit none
/// of them.
std::vector<Measurement> waiting_workers(const Options& options, std::size_t workers, Profiles profiles,
                                         std::size_t idle_classes);

/// `tasks` runs of `true` through one real worker with `slots` slots, against a bare posix_spawn loop with the same
/// parallelism.
std::vector<Measurement> exec(const Options& options, std::size_t tasks, std::size_t slots);

}  // namespace mito::bench
