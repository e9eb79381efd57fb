#include "worker/coordinator_link.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/codec.h"
#include "unit/worker/fakes.h"

namespace mito::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using Kind = CallError::Kind;

constexpr std::string_view kList = "http://coordinator/workers/tasks/report/list";

class ReportsTest : public ::testing::Test {
 protected:
  static Report report_of(const char* token, std::chrono::milliseconds patience = {}) {
    const protocol::ReportTaskReq request{
        42,
        protocol::CompleteOp{.exit_status = 0, .msg = {}, .state = TaskState::kFinished, .next = true, .detail = {}}};
    return {token, protocol::encode(request), patience};
  }
  void answer(std::string body) {
    transport_.handler = [body = std::move(body)](const auto&) { return FakeTransport::answer(200, body); };
  }

  FakeTimer timer_;
  FakeTransport transport_;
  CoordinatorLink link_{transport_, *client::Address::parse("http://coordinator"), timer_};
  Session session_{WorkerUuid{}, "second", {.any = true, .complete = true, .reports = true}, timer_.now()};
  const Report second_ = report_of("second", std::chrono::seconds{2});
  const Report third_ = report_of("third", std::chrono::seconds{5});
};

TEST_F(ReportsTest, EachBearsItsTokenAndGetsItsAnswer) {
  answer(R"({"answers":[{"status":401,"body":{"msg":"gone"}},{"status":200,"body":{"url":null,"next":null}}]})");
  const auto answers = link_.report_all(std::array{&second_, &third_}, {});
  ASSERT_THAT(transport_.requests, SizeIs(1));
  const auto& request = transport_.requests.front();
  EXPECT_EQ(request.method + " " + request.url, "POST " + std::string(kList));
  EXPECT_EQ(request.headers.find("Authorization"), nullptr) << "the request as a whole is nobody's";
  EXPECT_EQ(request.stall_timeout, std::chrono::seconds{2}) << "the patience of the least patient";
  const auto sent = protocol::decode<protocol::ReportTasksReq>(request.body);
  ASSERT_TRUE(sent);
  std::vector<std::string> tokens;
  for (const auto& entry : sent->reports) {
    tokens.push_back(entry.token);
    EXPECT_EQ(protocol::decode<protocol::ReportTaskReq>(entry.report.text)->id, 42);
  }
  EXPECT_THAT(tokens, ElementsAre("second", "third"));
  ASSERT_TRUE(answers);
  ASSERT_THAT(*answers, SizeIs(2));
  ASSERT_FALSE((*answers)[0]);
  EXPECT_EQ((*answers)[0].error().kind, Kind::kRemoved);
  EXPECT_EQ((*answers)[0].error().text, "status 401: gone");
  EXPECT_TRUE(link_.read_report(session_, (*answers)[1]));
  EXPECT_FALSE(session_.removed.stop_requested());
  EXPECT_FALSE(link_.read_report(session_, (*answers)[0]));
  EXPECT_TRUE(session_.removed.stop_requested());
}

TEST_F(ReportsTest, OneGoesByItself) {
  answer(R"({"url":null,"next":null})");
  const auto answers = link_.report_all(std::array{&second_}, {});
  ASSERT_TRUE(answers);
  EXPECT_THAT(*answers, ElementsAre(Call<std::string>(R"({"url":null,"next":null})")));
  ASSERT_THAT(transport_.requests, SizeIs(1));
  EXPECT_EQ(transport_.requests.front().url, "http://coordinator/workers/tasks");
  EXPECT_EQ(*transport_.requests.front().headers.find("Authorization"), "Bearer second");
}

TEST_F(ReportsTest, AnswersInAnotherNumberAreNone) {
  answer(R"({"answers":[{"status":200,"body":{"url":null,"next":null}}]})");
  const auto answers = link_.report_all(std::array{&second_, &third_}, {});
  ASSERT_FALSE(answers);
  EXPECT_EQ(answers.error().kind, Kind::kAway);
  EXPECT_EQ(answers.error().cause, ErrorCode::kProtocol);
}

TEST_F(ReportsTest, AnAnswerThatIsNoneIsNoted) {
  EXPECT_FALSE(link_.read_report(session_, "{"));
  EXPECT_FALSE(link_.read_report(session_, std::unexpected(CallError{Kind::kAway, "nobody answers"})));
  EXPECT_EQ(session_.last_failure.load(), timer_.now());
}

}  // namespace
}  // namespace mito::worker
