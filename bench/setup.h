#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "bench/coordinator_process.h"
#include "bench/figures.h"
#include "bench/session.h"

namespace mito::bench {

/// Which requests simulated workers use.
enum class Dialect {
  kOurs,      ///< Long polls and Complete with the next task in its answer.
  kOriginal,  ///< Only what the original has: fetch, Finish, Commit.
};

struct Options {
  std::string url;   ///< An already running coordinator; empty: a new one for each measurement.
  std::string mito;  ///< The program, for new coordinators and for `exec`.
  std::vector<std::string> coordinator_arguments;
  std::string directory;  ///< Where new coordinators keep their data; empty: the system's temporary directory.
  std::string database;   ///< URL of the database of new coordinators, which they all share; empty: a fresh file each.
  int pid = 0;            ///< Of the coordinator behind `url`, for its CPU time and memory; 0: unknown.
  std::string user = "mitosis_admin";
  std::string password = "mitosis_admin";
};

struct SimulatedWorker;

/// A coordinator under load: where it is, who we are, and what it has cost. Everything runs on the thread that calls
/// run().
class Bench {
 public:
  explicit Bench(const Options& options);

  [[nodiscard]] boost::asio::io_context& context() { return context_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Session session() { return {context_.get_executor(), endpoint_}; }
  [[nodiscard]] const std::string& token() const { return token_; }
  [[nodiscard]] std::string url() const;
  /// 0 when it is not known.
  [[nodiscard]] int coordinator_pid() const;

  /// Takes back what this measurement left where the next one finds it again, behind `url` or in a shared database:
  /// workers and queued tasks. What was started and has not ended goes on meanwhile.
  void clean_up();
  /// A worker that is there until clean_up().
  void remember(const SimulatedWorker& worker);

  /// Runs `work` to its end; its exceptions come out here. Other coroutines of the context run meanwhile and are
  /// dropped afterwards.
  void run(Awaitable<void> work);
  /// Kills the coordinator we started and starts it again on the same data; how long until it answered.
  Seconds restart();

 private:
  void start();
  void login();

  Options options_;
  std::shared_ptr<TemporaryDirectory> directory_;
  std::unique_ptr<ChildProcess> coordinator_;
  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::endpoint endpoint_;
  std::string token_;
  std::vector<std::string> departures_;  ///< Requests that end the workers.
};

/// A registered worker without a process.
struct SimulatedWorker {
  std::string token;
  std::string fetch;          ///< The request that asks for a task at once.
  std::string waiting_fetch;  ///< The request that waits for one.
};
Awaitable<SimulatedWorker> register_worker(Session& session, Bench& bench, Dialect dialect,
                                           std::string tags_json = "[]");
Awaitable<void> unregister_worker(Session& session, const SimulatedWorker& worker);

/// A submission of one task in the user's own group.
std::string submission(const Bench& bench, const std::string& tags_json = "[]");
/// Submits `count` tasks, `size` a request.
Awaitable<void> submit_batches(Bench& bench, std::size_t count, std::size_t size, std::string tags_json = "[]");
/// Cancels everything that waits in the user's own group.
Awaitable<void> cancel_all(Bench& bench);

/// Runs `worker` fetches and reports until `remaining` reaches zero; each finished task takes one from it.
Awaitable<void> work(Session& session, SimulatedWorker worker, Dialect dialect, std::int64_t& remaining);

/// CPU time of coordinator and load over a stretch of work.
class CpuMeter {
 public:
  explicit CpuMeter(const Bench& bench);
  /// Adds "CPU a task" figures in microseconds for `tasks` tasks since construction; `of` stands in front of their
  /// names.
  void report(Measurement& measurement, std::size_t tasks, const std::string& of = "") const;

 private:
  int pid_;
  Seconds coordinator_;
  Seconds load_;
};

}  // namespace mito::bench
