#include "simulation/world.h"

#include <algorithm>

#include <fmt/core.h>

#include "simulation/actors.h"
#include "simulation/world_network.h"

namespace mito::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::string_view in_words(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "succeeds";
    case Fault::kError:
      return "fails";
    case Fault::kNoRoom:
      return "finds no room";
    case Fault::kLost:
      return "loses the connection";
    case Fault::kCrash:
      return "crashes";
    case Fault::kDoneAndCrash:
      return "is done and crashes";
    case Fault::kDoneButLost:
      return "is done but lost";
  }
  return "ends in a way of its own";
}

}  // namespace

World::World(std::uint64_t seed, Roughness roughness, core::Settings settings, std::unique_ptr<Place> place)
    : random_(seed),
      roughness_(roughness),
      settings_(settings),
      place_(std::move(place)),
      commits_with_rounds_(seed % 2 == 0) {
  set_up();
  start();
  copy_log();

  const auto count = between(2, 6);
  for (int number = 1; number <= count; ++number) {
    FakeWorker::Nature nature;
    nature.tags = any_tags(*this);
    for (const GroupId group : groups_)
      if (chance(0.7)) nature.groups.push_back(group);
    nature.ours = chance(0.6);
    nature.holds_watches = nature.ours && chance(0.7);
    nature.sends_states = nature.ours && chance(0.7);
    workers_.push_back(std::make_unique<FakeWorker>(*this, number, std::move(nature)));
    workers_.back()->start();
  }
  client_ = std::make_unique<FakeClient>(*this);
  client_->start();
}

World::~World() = default;

void World::set_up() {
  place_->open().value();
  auto setup = place_->database()->open_writer().value();
  setup->begin().value();
  const auto user = setup->insert_user({.username = "home", .encrypted_password = "x", .admin = false, .now = {}});
  user_ = user->first;
  groups_ = {user->second, setup->insert_group("lab", user_, {}).value()};
  group_names_ = {"home", "lab"};
  setup->commit().value();
}

bool World::chance(double probability) {
  return static_cast<double>(random_() >> 11U) * 0x1.0p-53 < probability;
}

std::int64_t World::between(std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
}

void World::after(milliseconds delay, Event event) {
  events_.emplace(clock_.monotonic() + delay, std::move(event));
}

void World::tell(std::string line) {
  const auto time = std::chrono::duration_cast<milliseconds>(clock_.monotonic().time_since_epoch());
  story_.push_back(fmt::format("{:>12.3f}  {}", static_cast<double>(time.count()) / 1000.0, line));
}

Fault World::choose_fault(std::string_view operation) {
  Fault fault = Fault::kNone;
  if (chance(roughness_.statement_error)) fault = Fault::kError;
  if (chance(roughness_.connection_lost)) fault = Fault::kLost;
  if (chance(roughness_.done_but_lost)) fault = Fault::kDoneButLost;
  if (chance(roughness_.crash)) fault = chance(0.5) ? Fault::kCrash : Fault::kDoneAndCrash;
  if (operation == "commit") ++committed_;
  for (const bool power : {true, false}) {
    if (!chance(power ? roughness_.power_cut : roughness_.disk_error)) continue;
    if (const auto misfortune = place_->choose_misfortune(random_(), power)) tell(*misfortune);
  }
  if (fault == Fault::kNone) return fault;
  tell(fmt::format("the database call {} {}", operation, in_words(fault)));
  if ((fault == Fault::kLost || fault == Fault::kDoneButLost) && chance(0.5)) {
    writer_->stay_away(true);
    after(milliseconds(between(0, 45'000)), [this] {
      if (writer_) writer_->stay_away(false);
    });
  }
  return fault;
}

void World::observe(std::string_view) {
  promised_batch_ = std::max(promised_batch_, writer_->known_committed);
  if (place_->power_is_out()) throw Crash{};
}

Result<void> World::open_all() {
  MITO_TRY(place_->open());
  MITO_TRY_ASSIGN(auto writer, place_->database()->open_writer());
  if (writer->batch() < promised_batch_)
    throw Broken{
        fmt::format("transaction {} was committed, after the crash {} is the last", promised_batch_, writer->batch())};
  writer_ = std::make_unique<FaultyWriter>(std::move(writer));
  writer_->commits_with_rounds = commits_with_rounds_;
  loop_ = std::make_unique<core::Loop>(settings_, clock_, *writer_, directory_);
  return loop_->load();
}

void World::start() {
  ++life_;
  if (const auto opened = open_all(); !opened) {
    if (!place_->power_is_out()) throw Broken{"the start failed: " + opened.error().internal()};
    return crash();
  }
  auditor_.attach(*place_->database());
  writer_->choose_faults([this](std::string_view operation) { return choose_fault(operation); });
  writer_->observe([this](std::string_view operation, bool) { observe(operation); });
  tell("the coordinator starts");
  auditor_.check(loop_.get());
}

void World::crash() {
  tell(place_->crash());
  loop_.reset();
  writer_.reset();
  auditor_.detach();
  if (!place_->close()) auditor_.attach(*place_->database());
  ++life_;
  after(milliseconds(between(100, 20'000)), [this] {
    if (!loop_) start();
  });
}

void World::copy_log() {
  after(milliseconds(between(0, 20'000)), [this] {
    if (loop_) place_->checkpoint(random_());
    if (loop_ && place_->power_is_out()) crash();
    if (!calm_) copy_log();
  });
}

void World::step_loop() {
  try {
    // A wake-up that is due, then everything that can be done at once.
    for (bool more = true; more && loop_;) {
      loop_->run();
      audit();
      more = loop_->has_work();
    }
  } catch (const Crash&) {
    crash();
  }
}

void World::audit() {
  const int interval = calm_ ? 40 : place_->audit_interval();
  if (committed_ - audited_ < interval) return;
  audited_ = committed_;
  auditor_.check(loop_.get());
}

void World::advance() {
  auto next = events_.empty() ? std::optional<Clock::Monotonic>() : events_.begin()->first;
  if (loop_) {
    const auto wake = loop_->wake_at();
    if (wake && (!next || *wake < *next)) next = wake;
  }
  if (!next) throw Broken{"nothing will ever happen again"};
  clock_.advance_to(*next);
  while (!events_.empty() && events_.begin()->first <= clock_.monotonic()) {
    auto event = std::move(events_.extract(events_.begin()).mapped());
    event();
  }
  if (loop_) step_loop();
}

void World::calm_down() {
  tell("all is calm from here");
  calm_ = true;
  client_->stop();
  roughness_ = Roughness{.statement_error = 0,
                         .connection_lost = 0,
                         .done_but_lost = 0,
                         .crash = 0,
                         .power_cut = 0,
                         .disk_error = 0,
                         .answer_lost = 0,
                         .request_repeated = 0,
                         .worker_dies = 0,
                         .worker_stalls = 0};
  place_->calm_down();
  if (writer_) writer_->stay_away(false);
  for (const auto& worker : workers_)
    worker->heal();
  FakeWorker::Nature helper;
  if (settings_.tag_matching == TagMatching::kStrict) helper.tags = {"a", "b"};
  helper.groups = groups_;
  helper.ours = helper.holds_watches = helper.sends_states = true;
  workers_.push_back(std::make_unique<FakeWorker>(*this, 100, std::move(helper)));
  workers_.back()->start();
}

void World::run(int steps) {
  for (int step = 0; step < steps; ++step)
    advance();
  calm_down();
  // Long enough for every lease, every hanging task and every watch that cannot be reached.
  const auto end = clock_.monotonic() + std::chrono::hours(4);
  while (clock_.monotonic() < end) {
    advance();
    if (loop_ && !loop_->has_work() && loop_->state().scheduler.tasks() == 0 && !loop_->database_away()) break;
  }
  if (!loop_) throw Broken{"the coordinator did not come back"};
  auditor_.check(loop_.get());
  auditor_.check_all_over();
  if (const std::string damage = place_->examine(); !damage.empty()) throw Broken{"the files are damaged: " + damage};
}

std::optional<std::string> simulate(std::uint64_t seed, int steps, Storage storage) {
  Roughness roughness;
  core::Settings settings;
  settings.heartbeat_timeout = seconds(60);
  settings.stateless_grace = seconds(120);
  // Some worlds are bare of faults of one kind, so that the others get further.
  if (seed % 4 == 1) roughness.crash = 0;
  if (seed % 4 == 2) roughness.statement_error = 0;
  if (seed % 5 == 3) settings.max_batch_rows = 3;
  const TagMatching rules[] = {TagMatching::kDocumented, TagMatching::kStrict, TagMatching::kSubset};
  settings.tag_matching = rules[seed % 3];
  settings.max_worker_losses = seed % 7 == 0 ? 1 : 3;
  std::unique_ptr<World> world;
  try {
    auto place = storage == Storage::kMemory ? memory_place() : std::make_unique<SqlitePlace>(seed);
    world = std::make_unique<World>(seed, roughness, settings, std::move(place));
    world->run(steps);
    return std::nullopt;
  } catch (const Broken& broken) {
    std::string report = fmt::format("seed {}: {}\n", seed, broken.what);
    if (!world) return report;
    const auto& story = world->story();
    const std::size_t shown = std::min<std::size_t>(story.size(), 60);
    for (std::size_t i = story.size() - shown; i < story.size(); ++i)
      report += story[i] + "\n";
    return report;
  }
}

}  // namespace mito::simulation
