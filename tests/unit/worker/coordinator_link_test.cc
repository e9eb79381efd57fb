#include "worker/coordinator_link.h"

#include <future>
#include <latch>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/codec.h"
#include "unit/worker/fakes.h"

namespace mito::worker {
namespace {

using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Kind = CallError::Kind;
using Answer = Call<protocol::ReportTaskNextResp>;

constexpr std::string_view kList = "http://coordinator/workers/tasks/report/list";

/// Holds a single report back until release(); requests of several are answered by `several`.
class HoldingTransport : public Transport {
 public:
  using Several = std::function<std::string(const protocol::ReportTasksReq&)>;

  Result<http::ClientResponse> exchange(http::ClientRequest request, std::stop_token) override {
    if (request.url != kList) {
      arrived_.count_down();
      released_.wait();
      return FakeTransport::answer(200, R"({"url":null,"next":null})");
    }
    const std::lock_guard lock(mutex_);
    lists.push_back(request);
    return FakeTransport::answer(200, several(*protocol::decode<protocol::ReportTasksReq>(request.body)));
  }
  void send(http::ClientRequest request, std::stop_token stop, http::Client::Callback done) override {
    done(exchange(std::move(request), std::move(stop)));
  }
  void wait_for_first() { arrived_.wait(); }
  void release() { released_.count_down(); }

  Several several;
  std::vector<http::ClientRequest> lists;

 private:
  std::latch arrived_{1};
  std::latch released_{1};
  std::mutex mutex_;
};

/// Three slots report, the first of which is not answered before the others are: these go together.
class ReportsTest : public ::testing::Test {
 protected:
  static Features features() { return {.any = true, .complete = true, .reports = true}; }

  /// Answers of the second and the third.
  std::pair<Answer, Answer> report_all() {
    const protocol::ReportTaskReq request{
        42,
        protocol::CompleteOp{.exit_status = 0, .msg = {}, .state = TaskState::kFinished, .next = true, .detail = {}}};
    const auto report = [&](Session& session) {
      return std::async(std::launch::async, [&] {
        return link_.report(session, request, {}, std::chrono::seconds{2}, CoordinatorLink::Travel::kTogether);
      });
    };
    auto one = report(first_);
    transport_.wait_for_first();
    auto two = report(second_);
    auto three = report(third_);
    std::pair answers(two.get(), three.get());
    transport_.release();
    EXPECT_TRUE(one.get());
    return answers;
  }

  FakeTimer timer_;
  HoldingTransport transport_;
  /// One may wait beside the first; the next takes it along.
  CoordinatorLink link_{transport_,
                        *client::Address::parse("http://coordinator"),
                        timer_,
                        {.reports = 2, .longest_wait = std::chrono::minutes{1}}};
  Session first_{WorkerUuid{}, "first", features(), timer_.now()};
  Session second_{WorkerUuid{}, "second", features(), timer_.now()};
  Session third_{WorkerUuid{}, "third", features(), timer_.now()};
};

TEST_F(ReportsTest, EachBearsItsTokenAndGetsItsAnswer) {
  std::vector<std::string> tokens;
  transport_.several = [&](const auto& request) {
    protocol::ReportTasksResp answer;
    for (const auto& entry : request.reports) {
      tokens.push_back(entry.token);
      EXPECT_EQ(protocol::decode<protocol::ReportTaskReq>(entry.report.text)->id, 42);
      if (entry.token == "second")
        answer.answers.push_back({401, {R"({"msg":"gone"})"}});
      else
        answer.answers.push_back({200, {R"({"url":null,"next":null})"}});
    }
    return protocol::encode(answer);
  };
  const auto [second, third] = report_all();
  EXPECT_THAT(tokens, UnorderedElementsAre("second", "third"));
  ASSERT_THAT(transport_.lists, SizeIs(1));
  EXPECT_EQ(transport_.lists.front().method, "POST");
  EXPECT_EQ(transport_.lists.front().headers.find("Authorization"), nullptr) << "the request as a whole is nobody's";
  EXPECT_EQ(transport_.lists.front().stall_timeout, std::chrono::seconds{2}) << "the patience of the least patient";
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, Kind::kRemoved);
  EXPECT_EQ(second.error().text, "status 401: gone");
  EXPECT_TRUE(second_.removed.stop_requested());
  EXPECT_TRUE(third);
  EXPECT_FALSE(third_.removed.stop_requested());
  EXPECT_FALSE(first_.removed.stop_requested());
}

TEST_F(ReportsTest, AnswersInAnotherNumberAreNone) {
  transport_.several = [](const auto&) { return R"({"answers":[{"status":200,"body":{"url":null,"next":null}}]})"; };
  const auto [second, third] = report_all();
  for (const auto* answer : {&second, &third}) {
    ASSERT_FALSE(*answer);
    EXPECT_EQ(answer->error().kind, Kind::kAway);
    EXPECT_EQ(answer->error().cause, ErrorCode::kProtocol);
  }
  EXPECT_EQ(second_.last_failure.load(), timer_.now());
  EXPECT_EQ(third_.last_failure.load(), timer_.now());
}

}  // namespace
}  // namespace mito::worker
