#include "worker/courier.h"

#include <algorithm>
#include <deque>
#include <future>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/values.h"

namespace mito::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = CallError::Kind;
using Answer = Call<std::string>;
using namespace std::chrono_literals;

constexpr auto kDeadline = 20s;

/// A coordinator whose answers the test gives when it wants to. A request is named by its bodies, joined by '+'.
class Desk {
 public:
  using Reports = std::span<const Report* const>;

  ReportCourier::Answers serve(Reports reports, const std::stop_token& stop) {
    std::string name;
    for (const auto* report : reports)
      name += (name.empty() ? "" : "+") + report->body;
    std::unique_lock lock(mutex_);
    names_.push_back(std::move(name));
    changed_.notify_all();
    if (!changed_.wait_for(lock, stop, kDeadline, [&] { return !replies_.empty(); }))
      return std::unexpected(CallError{Kind::kCancelled, "stopped", ErrorCode::kCancelled});
    const auto reply = std::move(replies_.front());
    replies_.pop_front();
    return reply(reports);
  }
  /// Waits until `count` requests have come, and names them all.
  std::vector<std::string> requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kDeadline, [&] { return names_.size() >= count; });
    return names_;
  }
  /// Answers one request. Each report of it is answered with its own body, or as `special` says.
  void answer(const std::map<std::string, Answer>& special = {}) {
    reply([special](Reports reports) -> ReportCourier::Answers {
      std::vector<Answer> all;
      for (const auto* report : reports)
        all.push_back(special.contains(report->body) ? special.at(report->body) : Answer("answer to " + report->body));
      return all;
    });
  }
  /// One request is not answered.
  void lose(Kind kind = Kind::kAway) {
    reply([kind](Reports) { return std::unexpected(CallError{kind, "lost", ErrorCode::kUnavailable}); });
  }

 private:
  using Reply = std::function<ReportCourier::Answers(Reports)>;

  void reply(Reply one) {
    const std::lock_guard lock(mutex_);
    replies_.push_back(std::move(one));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::string> names_;
  std::deque<Reply> replies_;
};

class CourierTest : public ::testing::Test {
 protected:
  using Pending = std::future<Answer>;

  Pending take(std::string body) {
    std::promise<Answer> promise;
    auto pending = promise.get_future();
    courier_->take({"token", std::move(body)},
                   [promise = std::move(promise)](Answer answer) mutable { promise.set_value(std::move(answer)); });
    return pending;
  }
  static std::string text(Pending& pending) {
    if (pending.wait_for(kDeadline) != std::future_status::ready) return "none";
    const auto answer = pending.get();
    return answer ? *answer : "error: " + answer.error().text;
  }

  Desk desk_;
  std::optional<ReportCourier> courier_{
      std::in_place, [this](Desk::Reports reports, const std::stop_token& stop) { return desk_.serve(reports, stop); }};
};

TEST_F(CourierTest, WhatLiesThereGoesTogetherWhenSomebodyIsInNeed) {
  auto first = take("a");
  auto second = take("b");
  courier_->send_off();
  EXPECT_THAT(desk_.requests(1), ElementsAre("a+b"));
  auto third = take("c");
  auto fourth = take("d");
  courier_->send_off();
  desk_.answer();
  EXPECT_EQ(text(first), "answer to a");
  EXPECT_EQ(text(second), "answer to b");
  EXPECT_THAT(desk_.requests(2), ElementsAre("a+b", "c+d"));
  desk_.answer();
  EXPECT_EQ(text(third), "answer to c");
  EXPECT_EQ(text(fourth), "answer to d");
}

TEST_F(CourierTest, NothingLeavesBeforeItsTime) {
  auto first = take("a");
  courier_->send_off(24h);
  auto second = take("b");
  courier_->send_off(48h);
  EXPECT_THAT(desk_.requests(0), IsEmpty());
  auto third = take("c");
  courier_->send_off(1ms);
  EXPECT_THAT(desk_.requests(1), ElementsAre("a+b+c"));
  desk_.answer();
  EXPECT_EQ(text(first), "answer to a");
  EXPECT_EQ(text(second), "answer to b");
  EXPECT_EQ(text(third), "answer to c");
}

TEST_F(CourierTest, AFullRequestIsNotWaitedFor) {
  std::vector<Pending> all;
  for (std::size_t i = 0; i < protocol::kMaxReports; ++i)
    all.push_back(take("x"));
  EXPECT_EQ(desk_.requests(1).size(), 1U);
  courier_->send_off();  // what came too late for it
  desk_.answer();
  desk_.answer();
  for (auto& each : all)
    EXPECT_EQ(text(each), "answer to x");
}

TEST_F(CourierTest, ARequestHoldsNoMoreThanACoordinatorTakes) {
  const std::string large(400 << 10, 'x');
  std::vector<Pending> all;
  for (const auto* end : {"1", "2", "3"})
    all.push_back(take(large + end));
  courier_->send_off();
  for (int i = 0; i < 2; ++i)
    desk_.answer();
  for (auto& each : all)
    EXPECT_THAT(text(each), ::testing::StartsWith("answer to "));
  const auto requests = desk_.requests(2);
  EXPECT_THAT(requests, ElementsAre(large + "1+" + large + "2", large + "3"));
}

TEST_F(CourierTest, ARefusalConcernsItsReportAlone) {
  auto first = take("a");
  auto second = take("b");
  courier_->send_off();
  desk_.answer({{"a", std::unexpected(CallError{Kind::kNotFound, "as the test wants"})}});
  EXPECT_EQ(text(first), "error: as the test wants");
  EXPECT_EQ(text(second), "answer to b");
}

TEST_F(CourierTest, ALostRequestIsLostForEachOfIt) {
  auto first = take("a");
  auto second = take("b");
  courier_->send_off();
  desk_.lose();
  EXPECT_EQ(text(first), "error: lost");
  EXPECT_EQ(text(second), "error: lost");
  auto third = take("c");
  courier_->send_off();
  desk_.answer();
  EXPECT_EQ(text(third), "answer to c") << "who comes later has lost nothing";
}

class Refusals : public CourierTest, public ::testing::WithParamInterface<Kind> {};
INSTANTIATE_TEST_SUITE_P(All, Refusals,
                         ::testing::Values(Kind::kNotFound, Kind::kRefused, Kind::kForbidden, Kind::kRemoved));

TEST_P(Refusals, AnOlderCoordinatorIsNotAskedAgain) {
  const auto registered = Clock::system().now();
  const auto lose = [&](const std::vector<const char*>& bodies, Kind kind) {
    std::vector<Pending> all;
    for (const auto* body : bodies)
      all.push_back(take(body));
    courier_->send_off();
    desk_.lose(kind);
    for (auto& each : all)
      EXPECT_EQ(text(each), "error: lost");
  };
  lose({"a", "b"}, Kind::kAway);
  lose({"c"}, GetParam());
  EXPECT_TRUE(courier_->serves(registered)) << "one report was refused, not such requests";
  lose({"d", "e"}, GetParam());
  EXPECT_FALSE(courier_->serves(registered));
  EXPECT_TRUE(courier_->serves(Clock::system().now() + 1s)) << "a later registration names what its coordinator takes";
}

TEST_F(CourierTest, BringsOneAtOnceWithWhatLiesThere) {
  auto first = take("a");
  desk_.answer();
  EXPECT_EQ(*courier_->bring({"token", "b"}, {}), "answer to b");
  EXPECT_EQ(text(first), "answer to a");
  EXPECT_THAT(desk_.requests(1), ElementsAre("a+b"));
}

TEST_F(CourierTest, WhoStopsWaitsNoLonger) {
  std::stop_source stop;
  auto waiting = std::async(std::launch::async, [&] { return courier_->bring({"token", "a"}, stop.get_token()); });
  desk_.requests(1);
  stop.request_stop();
  EXPECT_EQ(waiting.get().error().kind, Kind::kCancelled);
  desk_.answer();
  auto next = take("b");
  courier_->send_off();
  desk_.answer();
  EXPECT_EQ(text(next), "answer to b") << "the others are not held up";
}

TEST_F(CourierTest, GivesUpWhatIsNotAnsweredAtItsEnd) {
  auto first = take("a");
  courier_->send_off();
  desk_.requests(1);
  auto second = take("b");
  courier_.reset();
  EXPECT_EQ(text(first), "error: stopped");
  EXPECT_EQ(text(second), "error: the worker stops");
}

}  // namespace
}  // namespace mito::worker
