#include "cli/task_follower.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/core.h>

namespace mito::cli {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kFirstPause(50);
constexpr milliseconds kLongestPause(1000);
constexpr auto kPatience = std::chrono::minutes(1);
/// Questions under way at once: with more tasks than that, none is held back.
constexpr std::size_t kSideBySide = 16;

bool worth_a_retry(ErrorCode code) {
  return code == ErrorCode::kUnreachable || code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout ||
         code == ErrorCode::kProtocol;
}

/// Many tasks, followed by a few threads.
class Followers {
 public:
  Followers(Session& session, const client::Client& client, std::span<const TaskUuid> uuids, const OnChange& on_change)
      : session_(session),
        client_(client),
        on_change_(on_change),
        hold_(uuids.size() <= kSideBySide ? TaskFollower::Hold::kYes : TaskFollower::Hold::kNo),
        last_(uuids.size()),
        left_(uuids.size()) {
    for (std::size_t i = 0; i < uuids.size(); ++i)
      due_.push_back({.at = steady_clock::now(), .index = i, .follower = TaskFollower(uuids[i])});
  }

  Result<std::vector<protocol::TaskQueryResp>> run() {
    const std::stop_callback on_interrupt(session_.stop(),
                                          [this] { give_up(Error(ErrorCode::kCancelled, "interrupted")); });
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 1; i < std::min(kSideBySide, last_.size()); ++i)
        threads.emplace_back([this] { work(); });
      work();
    }
    if (error_) return fail(*std::move(error_));
    return std::move(last_);
  }

 private:
  struct Due {
    steady_clock::time_point at;
    std::size_t index;
    TaskFollower follower;
  };

  void give_up(Error error) {
    {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::move(error);
    }
    stop_.request_stop();
    changed_.notify_all();
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (left_ > 0 && !error_) {
      if (due_.empty()) {
        changed_.wait(lock);
        continue;
      }
      const auto next = std::ranges::min_element(due_, {}, &Due::at);
      if (next->at > steady_clock::now()) {
        changed_.wait_until(lock, next->at);
        continue;
      }
      Due due = std::move(*next);
      due_.erase(next);
      lock.unlock();
      auto news = due.follower.ask(client_, hold_, stop_.get_token());
      if (!news) {
        give_up(std::move(news).error());
        return;
      }
      lock.lock();
      take(std::move(due), std::move(*news));
    }
    changed_.notify_all();
  }

  /// With the lock.
  void take(Due due, TaskFollower::News news) {
    if (!news.note.empty()) session_.out().note(news.note);
    if (news.task) {
      if (on_change_) on_change_(*news.task, news.over);
      last_[due.index] = std::move(*news.task);
    }
    if (news.over) {
      --left_;
    } else {
      due.at = steady_clock::now() + news.pause;
      due_.push_back(std::move(due));
    }
    changed_.notify_all();
  }

  Session& session_;
  const client::Client& client_;
  const OnChange& on_change_;
  TaskFollower::Hold hold_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Due> due_;
  std::vector<protocol::TaskQueryResp> last_;
  std::size_t left_;
  std::optional<Error> error_;
};

}  // namespace

TaskFollower::News TaskFollower::take(protocol::TaskQueryResp task, steady_clock::duration waited) {
  News news;
  if (std::exchange(away_, false)) news.note = "the coordinator is back";
  heard_ = steady_clock::now();
  news.over = task.info.result.has_value();
  const bool changed = task.info.state != state_ || task.exec_state != exec_state_;
  state_ = task.info.state;
  exec_state_ = task.exec_state;
  if (changed || waited > kLongestPause) rest_ = milliseconds(0);  // news, or the answer was held back
  news.pause = rest_;
  rest_ = std::clamp(rest_ * 2, kFirstPause, kLongestPause);
  if (changed || news.over) news.task = std::move(task);
  return news;
}

Result<TaskFollower::News> TaskFollower::ask(const client::Client& client, Hold hold, const std::stop_token& stop) {
  const auto asked = steady_clock::now();
  // A task that is over but has no result yet gets it within moments: nothing to be held back for. And that a
  // coordinator is back is known by its first answer.
  const bool waits = hold == Hold::kYes && !away_ &&
                     (state_ == TaskState::kReady || state_ == TaskState::kPending || state_ == TaskState::kRunning);
  auto answer =
      waits
          ? client.get_task_after(
                uuid_, state_ == TaskState::kRunning && exec_state_ ? to_string(*exec_state_) : to_string(state_), stop)
          : client.get_task(uuid_, stop);
  if (answer) return take(std::move(*answer), steady_clock::now() - asked);
  if (!worth_a_retry(answer.error().code()) || steady_clock::now() - heard_ > kPatience)
    return fail(std::move(answer).error());
  News news;
  if (!std::exchange(away_, true)) news.note = fmt::format("{}; trying on for a minute", answer.error().text());
  rest_ = std::clamp(rest_ * 2, kFirstPause, kLongestPause);
  news.pause = rest_;
  return news;
}

Result<std::vector<protocol::TaskQueryResp>> follow_tasks(Session& session, std::span<const TaskUuid> uuids,
                                                          const OnChange& on_change) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  return Followers(session, *client, uuids, on_change).run();
}

}  // namespace mito::cli
