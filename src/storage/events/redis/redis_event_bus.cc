#include "storage/events/redis/redis_event_bus.h"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "redis/task_states.h"

namespace mito::storage {

namespace {

/// For tasks of which nothing is known; no row has it.
constexpr GroupId kNoGroup{-1};
/// A Redis that tells nothing back must not make us remember for ever.
constexpr std::size_t kMostEchoes = 65'536;
/// Events do not say how long a task may run; its last states end the key anyway.
constexpr std::chrono::seconds kPendingLife{86'400};

}  // namespace

void RedisEventBus::Echoes::add(const TaskUuid& task, TaskExecState state) {
  if (count_ >= kMostEchoes) {
    told_.clear();
    count_ = 0;
  }
  told_[task].push_back(state);
  ++count_;
}

bool RedisEventBus::Echoes::take(const TaskUuid& task, TaskExecState state) {
  const auto found = told_.find(task);
  if (found == told_.end()) return false;
  auto& states = found->second;
  const auto place = std::ranges::find(states, state);
  if (place == states.end()) return false;
  // Messages come in the order in which they were sent: what stands before it was lost.
  count_ -= static_cast<std::size_t>(std::distance(states.begin(), place)) + 1;
  states.erase(states.begin(), std::next(place));
  if (states.empty()) told_.erase(found);
  return true;
}

RedisEventBus::RedisEventBus(Settings settings, const Clock& clock, Observer observer)
    : clock_(clock),
      observer_(std::move(observer)),
      local_(settings.local, clock),
      client_(std::move(settings.redis)) {}

RedisEventBus::~RedisEventBus() {
  stop();
}

void RedisEventBus::stop() {
  listening_ = redis::Listening();
  client_.stop();
}

Result<void> RedisEventBus::start() {
  MITO_TRY_ASSIGN(listening_,
                  client_.listen({redis::Topic::Kind::kPattern, std::string(redis::kAllTasks)},
                                 {.message = [this](std::string_view channel,
                                                    std::string_view payload) { on_message(channel, payload); },
                                  .joined = [this] { begin_survey(); },
                                  .lost = [this] { survey_.running = false; }}));
  return {};
}

void RedisEventBus::publish(const TaskEvent& event) {
  local_.publish(event);
  const auto* state = std::get_if<TaskExecState>(&event.state);
  if (state == nullptr) return;
  echoes_.lock()->add(event.task, *state);
  client_.send(redis::announcement(event.task, *state, redis::state_life(*state, kPendingLife)));
}

void RedisEventBus::archived(const TaskUuid& task) {
  const auto latest = local_.latest_exec_state(task);
  local_.archived(task);
  // Other states end by themselves.
  if (latest && !redis::state_life(*latest, kPendingLife)) client_.send(redis::farewell(task));
}

Result<Subscription> RedisEventBus::subscribe(const TaskUuid& task, Callback callback) {
  return local_.subscribe(task, std::move(callback));
}

Result<Subscription> RedisEventBus::subscribe(GroupId group, Callback callback) {
  return local_.subscribe(group, std::move(callback));
}

std::optional<TaskExecState> RedisEventBus::latest_exec_state(const TaskUuid& task) const {
  return local_.latest_exec_state(task);
}

EventBus::Statistics RedisEventBus::statistics() const {
  return local_.statistics();
}

// -- what others tell ----------------------------------------------------------------------------

void RedisEventBus::on_message(std::string_view channel, std::string_view payload) {
  const auto task = redis::task_of_key(channel);
  const auto state = redis::parse_state(payload);
  if (!task || !state || *state == TaskExecState::kUnknown) return;
  if (survey_.running) survey_.newer.insert(*task);
  if (echoes_.lock()->take(*task, *state)) return;
  observe(*task, *state);
}

void RedisEventBus::observe(const TaskUuid& task, TaskExecState state) {
  observer_(task, state, [this, task, state](std::optional<Place> place) { deliver(task, state, place); });
}

void RedisEventBus::deliver(const TaskUuid& task, TaskExecState state, std::optional<Place> place) {
  local_.publish({.task = task, .group = place ? place->group : kNoGroup, .state = state, .time = clock_.now()});
  // Whoever tells of a task that is over will say nothing more of it.
  if (place && place->life == Life::kOver) local_.archived(task);
}

// While we did not listen, states have gone by; the keys tell the latest of each task.
void RedisEventBus::begin_survey() {
  survey_ = {.number = survey_.number + 1, .running = true, .newer = {}};
  survey_page(survey_.number, "0");
}

void RedisEventBus::survey_page(std::uint64_t number, const std::string& cursor) {
  client_.ask({"SCAN", cursor, "MATCH", std::string(redis::kAllTasks), "COUNT", "512"},
              [this, number](const Result<redis::Reply>& page) {
                if (page && page->list.size() == 2)
                  survey_values(number, *page);
                else if (number == survey_.number)
                  survey_.running = false;
              });
}

void RedisEventBus::survey_values(std::uint64_t number, const redis::Reply& page) {
  if (number != survey_.number || !survey_.running) return;
  const std::string cursor = page.list[0].text;
  std::vector<std::string> keys;
  for (const auto& key : page.list[1].list)
    if (redis::task_of_key(key.text)) keys.push_back(key.text);
  const auto next = [this, number, cursor] {
    if (cursor != "0")
      survey_page(number, cursor);
    else
      survey_ = {.number = number, .running = false, .newer = {}};
  };
  if (keys.empty()) return next();
  redis::Command command{"MGET"};
  command.insert(command.end(), keys.begin(), keys.end());
  client_.ask(std::move(command), [this, number, keys, next](const Result<redis::Reply>& values) {
    if (number != survey_.number || !survey_.running) return;
    if (values) take_values(keys, *values);
    next();
  });
}

void RedisEventBus::take_values(const std::vector<std::string>& keys, const redis::Reply& values) {
  for (std::size_t i = 0; i < std::min(keys.size(), values.list.size()); ++i) {
    const auto task = redis::task_of_key(keys[i]);
    const auto state = redis::parse_state(values.list[i].text);
    if (!task || !state || *state == TaskExecState::kUnknown || survey_.newer.contains(*task)) continue;
    if (local_.latest_exec_state(*task) == *state) continue;
    observer_(*task, *state, [this, task = *task, state = *state](std::optional<Place> place) {
      // Of tasks that are over there is nothing new to tell.
      if (place && place->life == Life::kActive) deliver(task, state, place);
    });
  }
}

}  // namespace mito::storage
