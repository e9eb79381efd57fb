#include "worker/report_pool.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/values.h"
#include "unit/worker/fakes.h"

namespace mito::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using Kind = CallError::Kind;
using Answer = Call<std::string>;
using namespace std::chrono_literals;

constexpr auto kDeadline = 20s;

Answer failed(Kind kind) {
  return std::unexpected(CallError{kind, "as the test wants", ErrorCode::kUnavailable});
}

/// A coordinator whose answers the test gives when it wants to. What a request holds is its name: bodies joined by '+'.
class Desk {
 public:
  ReportPool::Routes routes() {
    return {.one = [this](const auto& report, auto stop) -> Answer { return serve({&report}, stop, "")->front(); },
            .several = [this](auto reports, auto stop) { return serve({reports.begin(), reports.end()}, stop, "*"); }};
  }

  /// Waits until `count` requests have come, and names them all. Several at once begin with '*'.
  std::vector<std::string> requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDeadline, [&] { return names_.size() >= count; });
    return names_;
  }
  /// Answers the oldest request that waits. Each report of it is answered with its own body, or as `special` says.
  void answer(std::map<std::string, Answer> special = {}) {
    const std::lock_guard lock(mutex_);
    replies_.push_back([special = std::move(special)](const auto& reports) -> ReportPool::Answers {
      std::vector<Answer> all;
      for (const auto* report : reports)
        all.push_back(special.contains(report->body) ? special.at(report->body) : Answer("answer to " + report->body));
      return all;
    });
    changed_.notify_all();
  }
  /// The oldest request that waits is not answered.
  void lose(Kind kind) {
    const std::lock_guard lock(mutex_);
    replies_.push_back([kind](const auto&) -> ReportPool::Answers {
      return std::unexpected(CallError{kind, "lost", ErrorCode::kUnavailable});
    });
    changed_.notify_all();
  }

 private:
  using Reports = std::vector<const ReportPool::Report*>;

  ReportPool::Answers serve(const Reports& reports, const std::stop_token& stop, std::string name) {
    for (const auto* report : reports)
      name += (name.empty() || name == "*" ? "" : "+") + report->body;
    std::unique_lock lock(mutex_);
    names_.push_back(std::move(name));
    changed_.notify_all();
    const auto number = next_++;
    const auto is_answered = [&] { return replies_.size() > number; };
    ReportPool::Answers result = std::unexpected(CallError{Kind::kCancelled, "stopped", ErrorCode::kCancelled});
    if (changed_.wait_for(lock, stop, kDeadline, is_answered))
      result = replies_[number](reports);
    else  // a request that was given up takes no answer
      replies_.insert(replies_.begin() + static_cast<std::ptrdiff_t>(std::min(number, replies_.size())), nullptr);
    // That of a single report is within its answer.
    if (!result && reports.size() == 1) return std::vector<Answer>{std::unexpected(result.error())};
    return result;
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::string> names_;
  std::deque<std::function<ReportPool::Answers(const Reports&)>> replies_;
  std::size_t next_ = 0;
};

class ReportPoolTest : public ::testing::Test {
 protected:
  using Pending = std::future<Answer>;

  Pending bring(std::string body, std::stop_token stop = {}) {
    return std::async(std::launch::async, [this, body = std::move(body), stop = std::move(stop)] {
      return pool_.bring({.token = "token", .body = body}, stop);
    });
  }
  /// Brings one that has to wait: each is in the queue before the next comes.
  Pending queue(std::string body, std::stop_token stop = {}) {
    const auto before = pool_.waiting();
    auto pending = bring(std::move(body), std::move(stop));
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    while (pool_.waiting() == before && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(pool_.waiting(), before + 1);
    return pending;
  }
  static std::string text(Pending& pending) {
    const auto answer = pending.get();
    return answer ? *answer : "error: " + answer.error().text;
  }

  FakeTimer timer_;
  Desk desk_;
  ReportPool pool_{desk_.routes(), timer_, {.reports = 1'000, .longest_wait = kDeadline}};
};

TEST_F(ReportPoolTest, AloneAReportGoesByItself) {
  desk_.answer();
  desk_.answer();
  EXPECT_EQ(*pool_.bring({.token = "t", .body = "a"}, {}), "answer to a");
  EXPECT_EQ(*pool_.bring({.token = "t", .body = "b"}, {}), "answer to b");
  EXPECT_THAT(desk_.requests(2), ElementsAre("a", "b"));
}

TEST_F(ReportPoolTest, WhatComesMeanwhileGoesTogether) {
  auto first = bring("a");
  desk_.requests(1);
  auto second = queue("b");
  auto third = queue("c");
  auto fourth = queue("d");
  desk_.answer();
  EXPECT_EQ(text(first), "answer to a");
  EXPECT_THAT(desk_.requests(2), ElementsAre("a", "*b+c+d"));
  auto fifth = queue("e");
  desk_.answer();
  EXPECT_EQ(text(second), "answer to b");
  EXPECT_EQ(text(third), "answer to c");
  EXPECT_EQ(text(fourth), "answer to d");
  EXPECT_THAT(desk_.requests(3), ElementsAre("a", "*b+c+d", "e"));
  desk_.answer();
  EXPECT_EQ(text(fifth), "answer to e");
}

TEST_F(ReportPoolTest, ARefusalConcernsItsReportAlone) {
  auto first = bring("a");
  desk_.requests(1);
  auto second = queue("b");
  auto third = queue("c");
  auto fourth = queue("d");
  desk_.answer();
  desk_.answer({{"b", failed(Kind::kRemoved)}, {"c", failed(Kind::kNotFound)}});
  EXPECT_TRUE(first.get());
  EXPECT_EQ(second.get().error().kind, Kind::kRemoved);
  EXPECT_EQ(third.get().error().kind, Kind::kNotFound);
  EXPECT_EQ(text(fourth), "answer to d");
  EXPECT_TRUE(pool_.serves(timer_.now())) << "one report was refused, not the request";
}

TEST_F(ReportPoolTest, ALostRequestIsLostForEachOfIt) {
  auto first = bring("a");
  desk_.requests(1);
  auto second = queue("b");
  auto third = queue("c");
  desk_.answer();
  desk_.requests(2);
  auto fourth = queue("d");
  desk_.lose(Kind::kAway);
  for (auto* each : {&second, &third}) {
    const auto answer = each->get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::kAway);
    EXPECT_EQ(answer.error().cause, ErrorCode::kUnavailable);
  }
  desk_.answer();
  EXPECT_EQ(text(fourth), "answer to d") << "who waited meanwhile has lost nothing";
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(pool_.serves(timer_.now()));
}

class Refusals : public ReportPoolTest, public ::testing::WithParamInterface<Kind> {};
INSTANTIATE_TEST_SUITE_P(All, Refusals,
                         ::testing::Values(Kind::kNotFound, Kind::kRefused, Kind::kForbidden, Kind::kRemoved));

TEST_P(Refusals, AnOlderCoordinatorGetsEachReportByItself) {
  const auto registered = timer_.now();
  auto first = bring("a");
  desk_.requests(1);
  auto second = queue("b");
  auto third = queue("c");
  desk_.answer();
  EXPECT_TRUE(first.get());
  desk_.requests(2);
  auto fourth = queue("d");
  auto fifth = queue("e");
  desk_.lose(GetParam());
  for (int i = 0; i < 4; ++i)
    desk_.answer();
  EXPECT_EQ(text(second), "answer to b");
  EXPECT_EQ(text(third), "answer to c");
  EXPECT_EQ(text(fourth), "answer to d");
  EXPECT_EQ(text(fifth), "answer to e");
  EXPECT_THAT(desk_.requests(6), UnorderedElementsAre("a", "*b+c", "b", "c", "d", "e"));
  EXPECT_FALSE(pool_.serves(registered));
  timer_.pause(1s, {});
  EXPECT_TRUE(pool_.serves(timer_.now())) << "a later registration names what its coordinator takes";
}

TEST_F(ReportPoolTest, AFollowerThatIsStoppedLeavesAtOnce) {
  std::stop_source waiting, taken;
  auto first = bring("a");
  desk_.requests(1);
  auto second = queue("b");
  auto third = queue("c", taken.get_token());
  auto fourth = queue("d", waiting.get_token());
  waiting.request_stop();
  EXPECT_EQ(fourth.get().error().kind, Kind::kCancelled);
  desk_.answer();
  EXPECT_THAT(desk_.requests(2), ElementsAre("a", "*b+c"));
  taken.request_stop();
  EXPECT_EQ(third.get().error().kind, Kind::kCancelled);
  desk_.answer();
  EXPECT_EQ(text(second), "answer to b");
  EXPECT_TRUE(first.get());
}

TEST_F(ReportPoolTest, ALeaderThatIsStoppedLeavesTheOthersToTheNext) {
  std::stop_source leader, follower;
  auto first = bring("a");
  desk_.requests(1);
  auto second = queue("b", leader.get_token());
  auto third = queue("c", follower.get_token());
  auto fourth = queue("d");
  auto fifth = queue("e");
  desk_.answer();
  EXPECT_THAT(desk_.requests(2), ElementsAre("a", "*b+c+d+e"));
  auto sixth = queue("f");
  follower.request_stop();
  EXPECT_EQ(third.get().error().kind, Kind::kCancelled);
  leader.request_stop();
  EXPECT_EQ(second.get().error().kind, Kind::kCancelled);
  EXPECT_THAT(desk_.requests(3), ElementsAre("a", "*b+c+d+e", "*d+e+f"));
  desk_.answer();
  EXPECT_EQ(text(fourth), "answer to d");
  EXPECT_EQ(text(fifth), "answer to e");
  EXPECT_EQ(text(sixth), "answer to f");
  EXPECT_TRUE(first.get());
}

TEST_F(ReportPoolTest, AStopOfTheOnlyOneLeavesThePoolAsItWas) {
  std::stop_source stop;
  auto first = bring("a", stop.get_token());
  desk_.requests(1);
  auto second = queue("b");
  stop.request_stop();
  EXPECT_EQ(first.get().error().kind, Kind::kCancelled);
  desk_.answer();
  EXPECT_EQ(text(second), "answer to b");
  EXPECT_THAT(desk_.requests(2), ElementsAre("a", "b"));
}

TEST_F(ReportPoolTest, WhoeverWaitsTooLongGoesByItself) {
  ReportPool hasty(desk_.routes(), timer_, {.reports = 1'000, .longest_wait = 1ms});
  auto first = std::async(std::launch::async, [&] { return hasty.bring({.token = "t", .body = "a"}, {}); });
  desk_.requests(1);
  auto second = std::async(std::launch::async, [&] { return hasty.bring({.token = "t", .body = "b"}, {}); });
  EXPECT_THAT(desk_.requests(2), ElementsAre("a", "b")) << "although nothing is answered yet";
  EXPECT_EQ(hasty.waiting(), 0U);
  desk_.answer();
  desk_.answer();
  EXPECT_EQ(text(first), "answer to a");
  EXPECT_EQ(text(second), "answer to b");
}

TEST_F(ReportPoolTest, WhereNoMoreMayWaitTheNextTakesThemAlong) {
  ReportPool narrow(desk_.routes(), timer_, {.reports = 3, .longest_wait = kDeadline});
  const auto enter = [&](std::string body) {
    return std::async(std::launch::async,
                      [&narrow, body = std::move(body)] { return narrow.bring({.token = "t", .body = body}, {}); });
  };
  auto first = enter("a");
  desk_.requests(1);
  std::vector<Pending> others;
  for (const std::size_t waiting : {1U, 2U}) {
    others.push_back(enter("b"));
    while (narrow.waiting() < waiting)
      std::this_thread::yield();
  }
  others.push_back(enter("c"));
  EXPECT_THAT(desk_.requests(2), ElementsAre("a", "*c+b+b")) << "while the first is under way";
  others.push_back(enter("d"));
  EXPECT_THAT(desk_.requests(3), ElementsAre("a", "*c+b+b", "d"));
  for (int i = 0; i < 3; ++i)
    desk_.answer();
  EXPECT_TRUE(first.get());
  for (auto& each : others)
    EXPECT_TRUE(each.get());
}

TEST_F(ReportPoolTest, ARequestHoldsSoManyReportsAndBytes) {
  std::vector<Pending> all;
  all.push_back(bring("first"));
  desk_.requests(1);
  for (std::size_t i = 0; i <= protocol::kMaxReports; ++i)
    all.push_back(queue("x"));
  for (int i = 0; i < 3; ++i)
    all.push_back(queue(std::string(400 << 10, 'y')));
  for (int i = 0; i < 4; ++i)
    desk_.answer();
  for (auto& each : all)
    EXPECT_TRUE(each.get());
  std::vector<std::size_t> counts;
  for (const auto& name : desk_.requests(4))
    counts.push_back(static_cast<std::size_t>(std::ranges::count(name, '+')) + 1);
  EXPECT_THAT(counts, ElementsAre(1U, protocol::kMaxReports, 3U, 1U)) << "65 small ones, then three of 400 KiB";
}

}  // namespace
}  // namespace mito::worker
