#include "worker/burst.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <semaphore>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/codec.h"
#include "unit/worker/fakes.h"
#include "unit/worker/temporary_directory.h"

namespace mito::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Ints = std::vector<std::int64_t>;

/// A coordinator with a queue of tasks, numbered from 1. Any thread.
class Coordinator : public Transport {
 public:
  Result<http::ClientResponse> exchange(http::ClientRequest request, std::stop_token stop) override {
    const auto line = FakeTransport::line_of(request);
    if (hanging && line.starts_with("POST /workers/tasks/report/list")) {
      hangs = true;
      hangs.notify_all();
      std::binary_semaphore never(0);
      const std::stop_callback release(stop, [&] { never.release(); });
      never.acquire();
    }
    const std::lock_guard lock(mutex_);
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "stopped");
    if (line.starts_with("GET /workers/tasks/")) return answer(R"({"msg":"no such task"})", 404);
    if (line.starts_with("GET /workers/tasks")) {
      auto next = next_of(token_of(request));
      if (losing_fetches > 0 && losing_fetches-- > 0) return fail(ErrorCode::kProtocol, "broken");
      return answer(std::move(next));
    }
    if (line.starts_with("POST /workers/tasks/report/list")) return answer_all(request.body);
    if (line.starts_with("POST /workers/tasks ")) return answer_one(token_of(request), request.body);
    if (line.starts_with("POST /workers {")) return answer(make_worker(request.body));
    if (line.starts_with("DELETE /workers")) {
      if (staying > 0 && staying-- > 0) return answer("", 503);
      return answer(remove_worker(token_of(request)));
    }
    return answer("null");
  }
  void send(http::ClientRequest request, std::stop_token stop, http::Client::Callback done) override {
    done(exchange(std::move(request), std::move(stop)));
  }

  /// Adds tasks; `more` becomes part of their specification.
  void submit(int count, const std::string& more = {}) {
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < count; ++i)
      queue_.emplace_back(++last_task_, more);
  }
  [[nodiscard]] Ints reported() const { return locked(reported_); }
  [[nodiscard]] Ints given_back() const { return locked(given_back_); }
  [[nodiscard]] std::size_t requests_of_several() const { return locked(requests_of_several_); }
  [[nodiscard]] std::size_t registered() const { return locked(registered_); }
  [[nodiscard]] std::vector<protocol::RegisterWorkerReq> registrations() const { return locked(registrations_); }
  [[nodiscard]] std::size_t present() const { return locked(holds_).size(); }
  /// Tasks that some worker holds.
  [[nodiscard]] std::size_t held() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(holds_, [](const auto& each) { return each.second != 0; }));
  }

  // Of the next requests of several.
  std::atomic<int> failing = 0;    ///< So many are answered with 503.
  std::atomic<int> removing = 0;   ///< From so many the first report is answered with 401, and its worker removed.
  std::atomic<int> losing = 0;     ///< So many are taken, and the answers lost.
  std::atomic<bool> away = false;  ///< No report is answered.
  std::atomic<int> losing_fetches = 0;
  std::atomic<bool> hanging = false;  ///< They are not answered before they are given up.
  std::atomic<bool> hangs = false;    ///< One does.
  std::atomic<int> staying = 0;       ///< So many of the next ends of registrations are answered with 503.

 private:
  static http::ClientResponse answer(std::string body, unsigned status = 200) {
    return FakeTransport::answer(status, std::move(body));
  }
  static std::string token_of(const http::ClientRequest& request) {
    return request.headers.find("Authorization")->substr(std::string_view("Bearer ").size());
  }
  template <class T>
  T locked(const T& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }

  std::string make_worker(const std::string& body) {
    registrations_.push_back(*protocol::decode<protocol::RegisterWorkerReq>(body));
    const auto token = fmt::format("worker-{}", ++registered_);
    holds_[token] = 0;
    return fmt::format(
        R"({{"worker_id":"{}","token":"{}","redis_url":null,"features":["complete","detail","reports"]}})",
        Uuid::make_v4().to_string(), token);
  }
  std::string remove_worker(const std::string& token) {
    const auto task = holds_[token];
    if (task != 0) given_back_.push_back(task);
    holds_.erase(token);
    return "null";
  }
  std::string next_of(const std::string& token) {
    EXPECT_EQ(holds_.at(token), 0) << "a worker holds one task";
    if (queue_.empty()) return "null";
    const auto [id, more] = queue_.front();
    queue_.pop_front();
    holds_[token] = id;
    return fmt::format(
        R"({{"id":{},"uuid":"{}","timeout":"1m","upstream_task_uuid":null,"spec":{{"args":["true"]{}}}}})", id,
        Uuid::make_v4().to_string(), more);
  }
  Result<http::ClientResponse> answer_one(const std::string& token, const std::string& body) {
    if (away) return fail(ErrorCode::kUnreachable, "nobody answers");
    if (!holds_.contains(token)) return answer(R"({"msg":"gone"})", 401);
    const auto request = protocol::decode<protocol::ReportTaskReq>(body);
    const auto* complete = std::get_if<protocol::CompleteOp>(&request->op);
    if (complete == nullptr || std::ranges::find(reported_, request->id) != reported_.end())
      return answer(R"({"url":null,"next":null})");
    EXPECT_EQ(holds_[token], request->id);
    reported_.push_back(request->id);
    holds_[token] = 0;
    return answer(fmt::format(R"({{"url":null,"next":{}}})", complete->next ? next_of(token) : "null"));
  }
  Result<http::ClientResponse> answer_all(const std::string& body) {
    if (away) return fail(ErrorCode::kUnreachable, "nobody answers");
    if (failing > 0) {
      --failing;
      return answer("", 503);
    }
    ++requests_of_several_;
    const auto request = protocol::decode<protocol::ReportTasksReq>(body);
    if (removing > 0) {
      --removing;
      holds_.erase(request->reports.front().token);
    }
    protocol::ReportTasksResp all;
    for (const auto& entry : request->reports) {
      auto one = answer_one(entry.token, entry.report.text);
      all.answers.push_back({static_cast<std::uint16_t>(one->status), {one->body}});
    }
    if (losing > 0 && losing-- > 0) return fail(ErrorCode::kProtocol, "broken");
    return answer(protocol::encode(all));
  }

  mutable std::mutex mutex_;
  std::deque<std::pair<std::int64_t, std::string>> queue_;
  std::int64_t last_task_ = 0;
  std::map<std::string, std::int64_t> holds_;  ///< By token; 0: none.
  Ints reported_;
  Ints given_back_;
  std::size_t requests_of_several_ = 0;
  std::size_t registered_ = 0;
  std::vector<protocol::RegisterWorkerReq> registrations_;
};

/// Commands that take a millisecond, or for as long as `is_running` says.
class TimedRunner : public FakeRunner {
 public:
  explicit TimedRunner(FakeTimer& timer) : timer_(timer) {}
  std::optional<ProcessEnd> wait(Clock::Monotonic deadline, std::stop_token stop) override {
    const auto left = std::chrono::ceil<milliseconds>(deadline - timer_.monotonic());
    if (is_running && !stop.stop_requested() && left < seconds{50} && is_running()) {
      if (left.count() > 0) timer_.pause(left, {});
      std::this_thread::yield();
      if (is_running()) return std::nullopt;
    }
    is_running = nullptr;
    if (stop.stop_requested() && !std::exchange(stopped_, true)) return std::nullopt;
    return ProcessEnd{};
  }
  std::function<bool()> is_running;

 private:
  FakeTimer& timer_;
  bool stopped_ = false;
};

/// A slot in the middle of a burst. Each command takes a millisecond.
class BurstTest : public ::testing::Test {
 protected:
  BurstTest() {
    runner_.on_start = [this](const Command&) {
      timer_.pause(milliseconds{1}, {});
      if (on_command) on_command(static_cast<int>(runner_.commands.size()));
    };
  }

  Burst::End run() { return burst_->run(); }
  static Ints numbers(std::int64_t first, std::int64_t last) {
    Ints all;
    for (auto i = first; i <= last; ++i)
      all.push_back(i);
    return all;
  }
  Ints reported_in_order() const {
    auto all = coordinator_.reported();
    std::ranges::sort(all);
    return all;
  }
  /// This command runs until `is_done`; at most for some seconds of real time.
  void run_until(std::function<bool()> is_done) {
    runner_.is_running = [is_done = std::move(is_done), end = std::chrono::steady_clock::now() + seconds{20}] {
      return !is_done() && std::chrono::steady_clock::now() < end;
    };
  }
  /// Waits until a seat beside the one whose command begins has a task.
  void wait_for_another() const {
    const auto end = std::chrono::steady_clock::now() + seconds{20};
    while (coordinator_.held() < 2 && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
  }
  /// Results that the next worker would find.
  [[nodiscard]] std::size_t left_in_spool() const {
    const auto found = spool_.take_over();
    return static_cast<std::size_t>(
        std::ranges::count_if(found, [](const auto& each) { return each.result.has_value(); }));
  }
  void note(int count, bool plain = true, bool followed = true) {
    TaskOutcome outcome;
    outcome.plain = plain;
    for (int i = 0; i < count; ++i)
      burst_->note(outcome, followed);
  }

  std::function<void(int count)> on_command;
  TemporaryDirectory place_;
  FakeTimer timer_;
  Coordinator coordinator_;
  TimedRunner runner_{timer_};
  Settings settings_;
  Environment inherited_{{"PATH", "/bin"}};
  CoordinatorLink link_{coordinator_, *client::Address::parse("http://coordinator"), timer_};
  UserToken user_{[](std::stop_token) { return Result<std::string>("user"); }};
  Registrar registrar_{link_, user_, settings_, timer_};
  Heartbeats heartbeats_{link_, {}};
  RedisBoards boards_;
  Spool spool_{*Spool::open(place_.path(), {"host", "boot"}, "http://coordinator")};
  WorkDirectory directory_{*WorkDirectory::create(place_.path() / "worker")};
  ReportCourier courier_{[this](auto reports, auto stop) { return link_.report_all(reports, stop); }};
  Result<protocol::WorkerQueryResp> known_{protocol::WorkerQueryResp{.info = {}, .groups = {{"lab", Role::kWrite}}}};
  const SlotShared shared_{.link = link_,
                           .heartbeats = heartbeats_,
                           .registrar = registrar_,
                           .timer = timer_,
                           .settings = settings_,
                           .inherited = inherited_,
                           .boards = boards_,
                           .spool = spool_,
                           .courier = courier_,
                           .reports_together = false,
                           .prefetch = 8,
                           .look_up = [this](const WorkerUuid&, const std::stop_token&) { return known_; },
                           .work_directory = {},
                           .directory_settings = {},
                           .on_registered = nullptr};
  Session first_{WorkerUuid{}, "first", {}, timer_.now()};
  std::stop_source drain_, end_, kill_;
  const StopTokens stops_{drain_.get_token(), end_.get_token(), kill_.get_token()};
  bool wants_more_ = true;
  std::optional<Burst> burst_{
      std::in_place, shared_, first_, runner_, directory_, stops_, [this] { return wants_more_; }};
};

TEST_F(BurstTest, IsDueAfterSeveralShortTasksInARow) {
  note(7);
  EXPECT_FALSE(burst_->is_due());
  note(1, false);
  note(7);
  EXPECT_FALSE(burst_->is_due()) << "one came with files";
  note(1, true, false);
  note(7);
  EXPECT_FALSE(burst_->is_due()) << "for one the queue was empty";
  note(1);
  EXPECT_TRUE(burst_->is_due());
}

TEST_F(BurstTest, RunsEachTaskOnceAndReportsManyTogether) {
  coordinator_.submit(200);
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(reported_in_order(), numbers(1, 200));
  EXPECT_THAT(runner_.commands, SizeIs(200));
  EXPECT_LT(coordinator_.requests_of_several(), 150U);
  EXPECT_GT(coordinator_.registered(), 2U);
  EXPECT_LE(coordinator_.registered(), 8U);
  EXPECT_EQ(coordinator_.held(), 0U);
  const auto seats = coordinator_.registered();
  coordinator_.submit(20);
  EXPECT_EQ(run(), Burst::End::kOver) << "the seats are still there";
  EXPECT_EQ(reported_in_order(), numbers(1, 220));
  EXPECT_EQ(coordinator_.registered(), seats);
  burst_.reset();
  EXPECT_EQ(coordinator_.present(), 0U) << "none outlives the slot";
  EXPECT_EQ(left_in_spool(), 0U);
  EXPECT_TRUE(std::filesystem::is_empty(place_.path() / "spool"));
}

TEST_F(BurstTest, SeatsThatNobodyNeedsAreGivenUp) {
  coordinator_.submit(50);
  run();
  burst_->rest();
  EXPECT_EQ(coordinator_.present(), coordinator_.registered());
  timer_.pause(std::chrono::minutes{6}, {});
  burst_->rest();
  EXPECT_EQ(coordinator_.present(), 0U);
}

TEST_F(BurstTest, SeatsAreWhatTheFirstRegistrationIs) {
  coordinator_.submit(50);
  known_->info.tags = {"fast"};
  known_->info.labels = {"here"};
  run();
  const auto before = coordinator_.registered();
  coordinator_.submit(400);
  on_command = [this](int count) {
    if (count == 150) known_->groups = {{"other", Role::kRead}};
    timer_.pause(milliseconds{50}, {});
  };
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_LT(coordinator_.reported().size(), 450U) << "the burst ends when it is seen";
  EXPECT_EQ(coordinator_.held(), 0U);
  run();
  const auto all = coordinator_.registrations();
  ASSERT_GT(all.size(), before);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_THAT(all[i].tags, ElementsAre("fast"));
    EXPECT_THAT(all[i].labels, ElementsAre("here"));
    EXPECT_THAT(all[i].groups, ElementsAre(i < before ? "lab:Write" : "other:Read"));
  }
  burst_.reset();
  EXPECT_EQ(coordinator_.present(), 0U);
}

TEST_F(BurstTest, WithoutGroupsNothingIsFetchedAhead) {
  coordinator_.submit(50);
  known_->groups.clear();
  EXPECT_EQ(run(), Burst::End::kOver);
  known_ = fail(ErrorCode::kUnreachable, "nobody answers");
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(coordinator_.registered(), 0U);
  note(20);
  EXPECT_FALSE(burst_->is_due());
}

TEST_F(BurstTest, WhatWaitsForALongCommandIsGivenBack) {
  coordinator_.submit(100);
  on_command = [this](int count) {
    if (count != 60) return;
    wait_for_another();
    run_until([this] { return !coordinator_.given_back().empty(); });
  };
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_THAT(coordinator_.given_back(), Not(IsEmpty()));
  EXPECT_EQ(coordinator_.held(), 0U);
  EXPECT_EQ(coordinator_.reported().size(), runner_.commands.size());
  EXPECT_LT(runner_.commands.size(), 100U) << "the burst is over";
  for (const auto task : coordinator_.given_back())
    EXPECT_THAT(coordinator_.reported(), Not(Contains(task)));
  note(20);
  EXPECT_FALSE(burst_->is_due()) << "such a queue is not for bursts";
  timer_.pause(seconds{61}, {});
  EXPECT_TRUE(burst_->is_due());
}

TEST_F(BurstTest, ACommandThatIsSlowForAMomentEndsNothing) {
  coordinator_.submit(100);
  on_command = [this](int count) {
    const auto begin = timer_.monotonic();
    if (count % 10 == 0) run_until([this, begin] { return timer_.monotonic() - begin > milliseconds{100}; });
  };
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(reported_in_order(), numbers(1, 100));
  EXPECT_THAT(coordinator_.given_back(), IsEmpty());
}

TEST_F(BurstTest, BeforeInputsAreFetchedOthersAreGivenBack) {
  coordinator_.submit(60);
  coordinator_.submit(1, R"(,"watch":["550e8400-e29b-41d4-a716-446655440000","ExecFinished"])");
  coordinator_.submit(60);
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(coordinator_.held(), 0U);
  EXPECT_THAT(coordinator_.given_back(), Not(Contains(61)));
  EXPECT_LT(coordinator_.reported().size(), 121U);
  EXPECT_THAT(coordinator_.reported(), Contains(61));
}

TEST_F(BurstTest, NothingElseIsDoneBesideACommandWhoseOutputIsKept) {
  coordinator_.submit(60);
  coordinator_.submit(1, R"(,"terminal_output":true)");
  coordinator_.submit(60);
  on_command = [this](int) {
    if (runner_.commands.back().capture) {
      EXPECT_EQ(coordinator_.held(), 1U);
    }
  };
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(coordinator_.held(), 0U);
  EXPECT_EQ(coordinator_.reported().size(), runner_.commands.size());
  EXPECT_THAT(coordinator_.reported(), Contains(61));
  EXPECT_LT(runner_.commands.size(), 121U) << "the burst is over";
}

TEST_F(BurstTest, ResultsWithFilesAreBroughtInTheOrdinaryWay) {
  coordinator_.submit(60);
  on_command = [this](int count) {
    if (count == 40) write_file(directory_.result() / "file", "x");
  };
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(coordinator_.held(), 0U);
  EXPECT_EQ(coordinator_.reported().size(), runner_.commands.size());
  EXPECT_LT(runner_.commands.size(), 60U) << "the burst is over";
}

TEST_F(BurstTest, AReportThatIsNotAnsweredIsRepeated) {
  coordinator_.submit(100);
  coordinator_.failing = 1;
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(coordinator_.held(), 0U);
  EXPECT_EQ(reported_in_order().size(), runner_.commands.size());
  EXPECT_EQ(left_in_spool(), 0U);
  note(20);
  EXPECT_FALSE(burst_->is_due());
}

TEST_F(BurstTest, ATaskWhoseWayHereWasLostIsGivenBack) {
  coordinator_.submit(100);
  coordinator_.losing = 1;
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(coordinator_.held(), 0U);
  EXPECT_EQ(coordinator_.reported().size(), runner_.commands.size());
}

TEST_F(BurstTest, AFetchThatIsLostLeavesNoTaskWithASeat) {
  coordinator_.submit(100);
  coordinator_.losing_fetches = 1;
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(coordinator_.held(), 0U);
}

TEST_F(BurstTest, AnEndThatIsNotAnsweredIsRepeated) {
  coordinator_.submit(100);
  on_command = [this](int count) {
    if (count != 60) return;
    wait_for_another();
    coordinator_.staying = 3;
    run_until([this] { return coordinator_.staying == 0 && coordinator_.held() == 1; });
  };
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(coordinator_.held(), 0U);
  timer_.pause(std::chrono::minutes{6}, {});
  coordinator_.staying = 2;
  burst_->rest();
  EXPECT_GT(coordinator_.present(), 0U);
  burst_->rest();
  burst_->rest();
  EXPECT_EQ(coordinator_.present(), 0U);
}

TEST_F(BurstTest, WhileACommandRunsAReportIsRepeated) {
  coordinator_.submit(60);
  on_command = [this](int count) {
    if (count != 30) return;
    wait_for_another();
    coordinator_.failing = 1;
    run_until([this] { return coordinator_.failing == 0 && coordinator_.held() == 1; });
  };
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(coordinator_.held(), 0U);
  EXPECT_EQ(reported_in_order().size(), runner_.commands.size());
}

TEST_F(BurstTest, ARemovedSeatIsNotUsedAgain) {
  coordinator_.submit(100);
  coordinator_.removing = 1;
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_EQ(coordinator_.held(), 0U);
  EXPECT_EQ(coordinator_.reported().size() + 1, runner_.commands.size()) << "the result of the removed one is refused";
  EXPECT_FALSE(std::filesystem::is_empty(place_.path() / "undelivered"));
}

TEST_F(BurstTest, GivesBackWhatItHoldsWhenNoMoreIsWanted) {
  coordinator_.submit(100);
  on_command = [this](int count) { wants_more_ = count < 50; };
  EXPECT_EQ(run(), Burst::End::kOver);
  EXPECT_THAT(runner_.commands, SizeIs(50));
  EXPECT_EQ(coordinator_.reported().size(), 50U);
  EXPECT_EQ(coordinator_.held(), 0U);
}

TEST_F(BurstTest, KeepsWhatCouldNotBeDeliveredBeforeItStops) {
  coordinator_.submit(100);
  on_command = [this](int count) {
    if (count == 50) coordinator_.away = true;
  };
  timer_.on_pause = [this](int) {
    if (coordinator_.away && timer_.lengths.back() > milliseconds{20}) end_.request_stop();
  };
  EXPECT_EQ(run(), Burst::End::kUndelivered);
  burst_.reset();
  const auto missing = runner_.commands.size() - coordinator_.reported().size();
  EXPECT_GT(missing, 0U);
  EXPECT_EQ(left_in_spool(), missing);
}

TEST_F(BurstTest, KeepsWhatIsUnderWayWhenItStops) {
  coordinator_.submit(100);
  on_command = [this](int count) { coordinator_.hanging = count >= 50; };
  const std::jthread stopping([this] {
    coordinator_.hangs.wait(false);
    end_.request_stop();
  });
  EXPECT_NE(run(), Burst::End::kOver);
  burst_.reset();
  const auto missing = runner_.commands.size() - coordinator_.reported().size();
  EXPECT_GT(left_in_spool(), 0U);
  EXPECT_GE(left_in_spool() + 1, missing) << "one may have been ended";
}

TEST_F(BurstTest, LeavesATaskUnfinishedWhenItIsKilled) {
  coordinator_.submit(100);
  on_command = [this](int count) {
    if (count != 50) return;
    run_until([] { return false; });
    kill_.request_stop();
  };
  EXPECT_EQ(run(), Burst::End::kInterrupted);
  burst_.reset();
  EXPECT_EQ(runner_.commands.size(), 50U);
}

}  // namespace
}  // namespace mito::worker
