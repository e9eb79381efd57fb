#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/loop.h"
#include "simulation/auditor.h"
#include "simulation/fake_clock.h"
#include "simulation/faulty_writer.h"
#include "simulation/places.h"

namespace mito::simulation {

/// How rough the world is.
struct Roughness {
  double statement_error = 0.004;
  double connection_lost = 0.004;
  double done_but_lost = 0.004;
  double crash = 0.002;
  double power_cut = 0.003;   ///< Where there is a disk: in the middle of something.
  double disk_error = 0.003;  ///< As above.
  double answer_lost = 0.04;
  double request_repeated = 0.04;
  double worker_dies = 0.01;
  double worker_stalls = 0.01;
};

/// Coordinator, network, clients and workers on one turned clock; the same seed gives the same story.
class World {
 public:
  World(std::uint64_t seed, Roughness roughness, core::Settings settings, std::unique_ptr<Place> place);
  ~World();

  /// Lets `steps` events happen, then calms down and waits for every task to end. Throws Broken.
  void run(int steps);
  /// What happened, one line per event, the latest last.
  [[nodiscard]] const std::vector<std::string>& story() const { return story_; }

 private:
  friend class FakeWorker;
  friend class FakeClient;
  friend std::vector<std::string> any_tags(World& world);
  using Event = std::function<void()>;

  bool chance(double probability);
  std::int64_t between(std::int64_t low, std::int64_t high);
  template <class T>
  const T& any(const std::vector<T>& items) {
    return items[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(items.size()) - 1))];
  }
  void after(std::chrono::milliseconds delay, Event event);
  void tell(std::string line);

  /// Sends a request over the network: it comes late, perhaps twice, and its answer perhaps never. `make` builds the
  /// request with the reply it is given; `take` gets the answer, or nothing when it was lost (after a time).
  template <class T>
  void send(std::function<void(core::Reply<T>)> deliver, std::function<void(std::optional<Result<T>>)> take);
  template <class Asked>
  void accept(Asked request, core::Caller caller, std::size_t members = 1);

  Fault choose_fault(std::string_view operation);
  void set_up();
  void start();
  Result<void> open_all();
  void crash();
  void copy_log();
  void observe(std::string_view operation);
  void step_loop();
  void advance();
  void calm_down();
  void audit();

  std::mt19937_64 random_;
  Roughness roughness_;
  core::Settings settings_;
  FakeClock clock_;
  std::unique_ptr<Place> place_;
  bool commits_with_rounds_;  ///< As a back end across a network does.
  Auditor auditor_;
  std::unique_ptr<FaultyWriter> writer_;
  core::Directory directory_;
  std::unique_ptr<core::Loop> loop_;
  std::uint64_t life_ = 0;  ///< Of the coordinator; an answer of an earlier one never comes.
  bool calm_ = false;
  int committed_ = 0;
  int audited_ = -1;
  std::uint64_t promised_batch_ = 0;  ///< Of the last transaction that was taken for committed.
  core::Core::Ticket last_ticket_ = 0;

  std::multimap<Clock::Monotonic, Event> events_;
  std::vector<std::unique_ptr<class FakeWorker>> workers_;
  std::unique_ptr<class FakeClient> client_;
  UserId user_;
  std::vector<GroupId> groups_;
  std::vector<std::string> group_names_;
  std::vector<std::string> story_;
};

enum class Storage { kMemory, kSqlite };

/// The first promise broken with this seed, with the story that led to it; nothing: all were kept.
std::optional<std::string> simulate(std::uint64_t seed, int steps, Storage storage);

}  // namespace mito::simulation
