#include "worker/task_run.h"

#include <set>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/logging.h"
#include "protocol/codec.h"
#include "unit/worker/fakes.h"
#include "unit/worker/recorded_syncs.h"
#include "unit/worker/temporary_directory.h"

namespace mito::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
using Kind = TaskOutcome::Kind;

constexpr auto kFeaturesOfOurs = Features{.any = true, .wait = true, .complete = true, .detail = true, .state = true};

class TaskRunTest : public ::testing::Test {
 protected:
  explicit TaskRunTest(Features features = kFeaturesOfOurs)
      : directory_(*WorkDirectory::create(place_.path() / "worker")),
        session_(WorkerUuid{Uuid::make_v4()}, "token", features, timer_.now()),
        spool_(*Spool::open(place_.path(), {"host", "boot"}, "http://coordinator")->create(session_)) {
    task_.id = 42;
    task_.uuid = TaskUuid{Uuid::make_v4()};
    task_.timeout = Duration{60};
    task_.spec.args = {"true"};
    transport_.handler = [this](const auto& request) { return coordinator(request); };
  }

  /// Answers what a coordinator answers when all goes well.
  Result<http::ClientResponse> coordinator(const http::ClientRequest& request) const {
    if (request.url.ends_with("/workers/tasks")) {
      if (request.body.contains("\"Upload\"")) return FakeTransport::answer(200, R"({"url":"http://store/put"})");
      return FakeTransport::answer(200, R"({"url":null,"next":null})");
    }
    if (request.url.contains("/workers/tasks/"))
      return FakeTransport::answer(200, R"({"url":"http://store/get","size":3})");
    if (!request.download_file.empty()) write_file(request.download_file, "abc");
    return FakeTransport::answer(200, "");
  }

  TaskOutcome run() {
    const SlotParts parts{.link = link_,
                          .runner = runner_,
                          .timer = timer_,
                          .settings = settings_,
                          .inherited = inherited_,
                          .directory = directory_,
                          .states = states_,
                          .spool = *spool_,
                          .courier = courier_};
    return run_task(parts, session_, task_, {drain_.get_token(), end_.get_token(), kill_.get_token()});
  }

  static FakeTransport::Handler status(unsigned code, std::string body = {}) {
    return [=](const auto&) { return FakeTransport::answer(code, body); };
  }
  static FakeTransport::Handler unreachable() {
    return [](const auto&) { return fail(ErrorCode::kUnreachable, "nobody answers"); };
  }

  TemporaryDirectory place_;
  FakeTimer timer_;
  FakeTransport transport_;
  FakeRunner runner_;
  FakeStates states_;
  Settings settings_;
  Environment inherited_{{"PATH", "/bin"}};
  CoordinatorLink link_{transport_, *client::Address::parse("http://coordinator"), timer_};
  WorkDirectory directory_;
  Session session_;
  std::unique_ptr<SpoolEntry> spool_;
  ReportCourier* courier_ = nullptr;
  protocol::WorkerTaskResp task_;
  std::stop_source drain_, end_, kill_;
};

class TaskRunAtOriginalTest : public TaskRunTest {
 protected:
  TaskRunAtOriginalTest() : TaskRunTest(Features{}) {}
};

TEST_F(TaskRunTest, ATaskWithoutFilesIsOneRequestThatBringsTheNext) {
  transport_.script = {
      status(200, R"({"url":null,"next":{"id":43,"uuid":"550e8400-e29b-41d4-a716-446655440000","timeout":"1m",)"
                  R"("upstream_task_uuid":null,"spec":{"args":["next"]}}})")};
  const auto outcome = run();
  EXPECT_EQ(outcome.kind, Kind::kDelivered);
  ASSERT_TRUE(outcome.next);
  EXPECT_EQ(outcome.next->id, 43);
  EXPECT_THAT(
      transport_.log,
      ElementsAre(StartsWith(
          R"(POST /workers/tasks {"id":42,"op":{"Complete":{"exit_status":0,"msg":null,"state":"Finished","next":true)")));
  EXPECT_EQ(*transport_.requests.front().headers.find("Authorization"), "Bearer token");
  EXPECT_THAT(states_.states, ElementsAre("FetchResource", "ExecPending", "ExecSpawned", "ExecFinished", "UploadResult",
                                          "UploadFinishedResult", "UploadResultFinished", "TaskCommitted", "clear"));
}

TEST_F(TaskRunTest, AsksForNoFurtherTaskWhenItDrains) {
  drain_.request_stop();
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(transport_.log, ElementsAre(Not(HasSubstr(R"("next":true)"))));
}

TEST_F(TaskRunTest, UploadsFilesBeforeItCompletes) {
  task_.spec.terminal_output = true;
  runner_.on_start = [&](const Command& command) {
    ASSERT_TRUE(command.capture);
    write_file(command.capture->stdout_file, "out");
    write_file(command.capture->stderr_file, "");
    write_file(directory_.result() / "r", "x");
    write_file(directory_.exec() / "e", "x");
  };
  ProcessEnd end;
  end.wait_status = 256;
  end.out = CapturedStream{spool_->stdout_file(), 3, 100, false};
  end.err = CapturedStream{spool_->stderr_file(), 0, 100, false};
  runner_.ends = {end};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(transport_.log, ElementsAre(HasSubstr(R"("Upload":{"content_type":"result")"), "PUT http://store/put",
                                          HasSubstr(R"("Upload":{"content_type":"exec-log")"), "PUT http://store/put",
                                          HasSubstr(R"("Upload":{"content_type":"std-log")"), "PUT http://store/put",
                                          HasSubstr(R"("Complete":{"exit_status":256,"msg":null,"state":"Finished")")));
  EXPECT_EQ(transport_.requests[1].headers.find("Authorization"), nullptr);
  EXPECT_GT(transport_.requests[1].upload_length, 0U);
  EXPECT_THAT(states_.states, Contains("UploadFinishedResult"));
}

TEST_F(TaskRunAtOriginalTest, ReportsInTheOriginalsOrder) {
  runner_.on_start = [&](const Command&) { std::filesystem::create_directory(directory_.result() / "empty"); };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(transport_.log,
              ElementsAre(R"(POST /workers/tasks {"id":42,"op":"Finish"})",
                          HasSubstr(R"("Upload":{"content_type":"result")"), "PUT http://store/put",
                          R"(POST /workers/tasks {"id":42,"op":{"Commit":{"exit_status":0,"msg":null}}})"));
}

TEST_F(TaskRunAtOriginalTest, WritesWhatIsToSayAmongTheLogs) {
  runner_.failure = SpawnError{E2BIG, "Argument list too long"};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(transport_.log, ElementsAre(HasSubstr("Finish"), HasSubstr("exec-log"), "PUT http://store/put",
                                          HasSubstr(R"("Commit":{"exit_status":32256)")));
  EXPECT_THAT(read_file(directory_.exec() / "mitosis.json"), HasSubstr("Argument list too long"));
}

TEST_F(TaskRunTest, ACommandThatCannotBeStartedEndsTheTaskWithTheReason) {
  runner_.failure = SpawnError{ENOENT, "No such file or directory"};
  task_.spec.terminal_output = true;
  std::string message;
  transport_.handler = [&](const http::ClientRequest& request) {
    if (request.method == "PUT") message = read_file(spool_->stderr_file());
    return coordinator(request);
  };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_EQ(message, "env: 'true': No such file or directory\n");
  EXPECT_THAT(transport_.log.back(), HasSubstr(R"("exit_status":32512,"msg":null,"state":"Finished")"));
  EXPECT_THAT(transport_.log.back(), HasSubstr("could not be started"));
}

TEST_F(TaskRunTest, EndsTheCommandAtItsTimeout) {
  ProcessEnd end;
  end.wait_status = 15;
  runner_.ends = {std::nullopt, end};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(runner_.calls, ElementsAre("wait", "terminate", "wait"));
  EXPECT_EQ(runner_.deadlines[0], timer_.monotonic() + seconds{60});
  EXPECT_EQ(runner_.deadlines[1], timer_.monotonic() + seconds{10});
  EXPECT_THAT(transport_.log.back(), HasSubstr(R"("exit_status":15,"msg":"ExecTimeout","state":"Cancelled")"));
  EXPECT_THAT(states_.states, Contains("ExecTimeout"));
}

TEST_F(TaskRunTest, KillsWhatIgnoresSigterm) {
  ProcessEnd end;
  end.wait_status = 9;
  runner_.ends = {std::nullopt, std::nullopt, end};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(runner_.calls, ElementsAre("wait", "terminate", "wait", "kill", "wait"));
  EXPECT_THAT(transport_.log.back(), HasSubstr(R"("exit_status":9,"msg":"ExecTimeout")"));
}

TEST_F(TaskRunTest, AnEndedWorkerReportsNothing) {
  runner_.on_start = [&](const Command&) { end_.request_stop(); };
  runner_.ends = {std::nullopt, std::nullopt};
  EXPECT_EQ(run().kind, Kind::kInterrupted);
  EXPECT_THAT(runner_.calls, ElementsAre("wait", "terminate", "wait", "kill", "wait"));
  EXPECT_THAT(transport_.log, IsEmpty());
}

TEST_F(TaskRunTest, ARemovedWorkerKillsAtOnce) {
  runner_.on_start = [&](const Command&) { session_.removed.request_stop(); };
  runner_.ends = {std::nullopt};
  EXPECT_EQ(run().kind, Kind::kInterrupted);
  EXPECT_THAT(runner_.calls, ElementsAre("wait", "kill", "wait"));
  EXPECT_THAT(transport_.log, IsEmpty());
}

TEST_F(TaskRunTest, AWorkerWhoseCommandOverranWasNotRemovedByPeople) {
  for (const auto ran : {seconds{59}, seconds{61}}) {
    session_.overdue = false;
    runner_.on_start = [&](const Command&) {
      timer_.pause(ran, {});
      session_.removed.request_stop();
    };
    runner_.ends = {std::nullopt};
    EXPECT_EQ(run().kind, Kind::kInterrupted);
    EXPECT_EQ(session_.overdue, ran > seconds{60}) << ran.count();
    session_.removed = {};
  }
}

TEST_F(TaskRunTest, RepeatsAReportUntilItIsAnswered) {
  transport_.script = {unreachable(),
                       status(500),
                       status(502, "<html>"),
                       status(200, "<html>captive</html>"),
                       [](const auto&) { return fail(ErrorCode::kProtocol, "reset"); },
                       status(429)};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_EQ(transport_.log.size(), 7U);
  EXPECT_THAT(transport_.log, Each(transport_.log.front()));
  EXPECT_EQ(timer_.pauses(), 6);
  EXPECT_LT(timer_.passed(), seconds{10});
}

TEST_F(TaskRunTest, ACoordinatorThatIsAwayForAnHourLosesNoResult) {
  const auto start = timer_.monotonic();
  transport_.handler = [&](const http::ClientRequest& request) -> Result<http::ClientResponse> {
    if (timer_.monotonic() - start < std::chrono::hours{1}) return fail(ErrorCode::kUnreachable, "nobody answers");
    return coordinator(request);
  };
  timer_.on_pause = [&](int) { EXPECT_TRUE(spool_->has_result()); };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_FALSE(spool_->has_result());
  EXPECT_THAT(transport_.log, Each(transport_.log.front()));
}

TEST_F(TaskRunTest, WaitsLongerFromTryToTryAndNotInStep) {
  transport_.handler = [this](const http::ClientRequest& request) -> Result<http::ClientResponse> {
    if (timer_.pauses() < 40) return fail(ErrorCode::kUnreachable, "Could not resolve host: coordinator");
    return coordinator(request);
  };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  ASSERT_EQ(timer_.lengths.size(), 40U);
  milliseconds whole{100};
  for (const auto length : timer_.lengths) {
    EXPECT_LE(length, whole);
    EXPECT_GE(length, whole / 2);
    whole = std::min<milliseconds>(2 * whole, seconds{5});
  }
  const std::set<milliseconds> at_the_longest(timer_.lengths.begin() + 10, timer_.lengths.end());
  EXPECT_GT(at_the_longest.size(), 10U) << "thirty workers come back at as many times";
}

TEST_F(TaskRunTest, AResultWithFilesIsOnTheDiskBeforeTheFirstWordAboutIt) {
  runner_.on_start = [&](const Command&) { write_file(directory_.result() / "r", "x"); };
  take_syncs();
  transport_.script = {[this](const auto& request) {
    EXPECT_THAT(take_syncs(), UnorderedElementsAre("result.tar.gz", "result", session_.uuid.to_string()));
    return coordinator(request);
  }};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_TRUE(transport_.script.empty());
}

TEST_F(TaskRunTest, AResultWithoutFilesIsOnTheDiskOnceItsFirstReportWasNotAnswered) {
  take_syncs();
  transport_.script = {[](const http::ClientRequest& request) {
                         EXPECT_THAT(take_syncs(), IsEmpty());
                         EXPECT_EQ(request.stall_timeout, seconds{2}) << "how long it may be there only";
                         return FakeTransport::answer(503, "");
                       },
                       [this](const auto& request) {
                         EXPECT_THAT(take_syncs(), UnorderedElementsAre("result", session_.uuid.to_string()));
                         return coordinator(request);
                       }};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_TRUE(transport_.script.empty());
}

TEST_F(TaskRunTest, AResultThatWentWithOthersIsOnTheDiskBeforeItGoesByItself) {
  ReportCourier courier([this](auto reports, auto stop) { return link_.report_all(reports, stop); }, timer_);
  courier_ = &courier;
  take_syncs();
  transport_.script = {status(503), [this](const auto& request) {
                         EXPECT_THAT(take_syncs(), UnorderedElementsAre("result", session_.uuid.to_string()));
                         return coordinator(request);
                       }};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_TRUE(transport_.script.empty());
  EXPECT_THAT(transport_.log, ElementsAre(transport_.log.front(), transport_.log.front()));
}

TEST_F(TaskRunTest, ALeaseRunsFromTheSendingOfAHeartbeatThatWasAnswered) {
  const auto start = timer_.now();
  const auto beat_after = [&](seconds waited, unsigned code) {
    transport_.script = {[&, waited, code](const auto&) {
      timer_.pause(waited, {});  // how long the answer took to be read
      return FakeTransport::answer(code, "null");
    }};
    link_.heartbeat(session_, seconds{20}, {}, [](const Call<void>&) {});
  };
  beat_after(seconds{15}, 200);
  EXPECT_EQ(session_.last_heartbeat.load(), start);
  beat_after(seconds{1}, 503);
  EXPECT_EQ(session_.last_heartbeat.load(), start);
  beat_after(seconds{1}, 200);
  EXPECT_EQ(session_.last_heartbeat.load(), start + seconds{16});
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_EQ(session_.last_heartbeat.load(), start + seconds{16}) << "other calls do not keep a worker alive";
}

TEST_F(TaskRunTest, DropsATaskThatIsNoLongerItsOwn) {
  transport_.script = {status(404, R"({"msg":"Task 42 not found"})")};
  EXPECT_EQ(run().kind, Kind::kDropped);
  EXPECT_FALSE(spool_->has_result());
  EXPECT_FALSE(std::filesystem::is_empty(place_.path() / "undelivered"));
}

TEST_F(TaskRunTest, StopsWhenAReportSaysItWasRemoved) {
  transport_.script = {status(401)};
  EXPECT_EQ(run().kind, Kind::kInterrupted);
  EXPECT_TRUE(session_.removed.stop_requested());
}

TEST_F(TaskRunTest, GivesUpDeliveringWhenTheWorkerEnds) {
  transport_.handler = unreachable();
  timer_.on_pause = [&](int count) {
    if (count == 3) end_.request_stop();
  };
  EXPECT_EQ(run().kind, Kind::kKept);
  EXPECT_TRUE(spool_->has_result());
}

TEST_F(TaskRunTest, FallsBackToFinishAndCommitWhenCompleteIsRefused) {
  transport_.script = {status(422, "no such op")};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(transport_.log, ElementsAre(HasSubstr("Complete"), HasSubstr("Finish"), HasSubstr("Commit")));
}

TEST_F(TaskRunTest, ARefusedArtifactIsNamedInTheDetail) {
  runner_.on_start = [&](const Command&) { write_file(directory_.result() / "r", "x"); };
  transport_.script = {status(403, R"({"msg":"Permission denied: quota"})")};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(transport_.log,
              ElementsAre(HasSubstr("Upload"), HasSubstr("result.tar.gz is missing: the coordinator refused it")));
}

TEST_F(TaskRunTest, AsksForAnotherPlaceWhenAnUploadFails) {
  runner_.on_start = [&](const Command&) { write_file(directory_.result() / "r", "x"); };
  transport_.script = {nullptr, status(503), nullptr, status(403, "expired")};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(transport_.log, ElementsAre(HasSubstr("Upload"), HasSubstr("PUT"), HasSubstr("Upload"), HasSubstr("PUT"),
                                          HasSubstr("Upload"), HasSubstr("PUT"), HasSubstr("Complete")));
}

TEST_F(TaskRunTest, TellsHowFarAnUploadIsThatTakesLong) {
  const auto log = place_.path() / "log";
  log::Settings to_file;
  to_file.file = log.native();
  ASSERT_EQ(log::setup(to_file), "");
  runner_.on_start = [&](const Command&) { write_file(directory_.result() / "r", "x"); };
  transport_.handler = [this](const http::ClientRequest& request) {
    if (request.method == "PUT") {
      request.progress(100, 400);
      timer_.pause(seconds{11}, {});
      request.progress(200, 400);
      request.progress(300, 400);
    }
    return coordinator(request);
  };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_EQ(log::setup({}), "");
  const auto text = read_file(log);
  EXPECT_THAT(text, HasSubstr("Uploading result.tar.gz of task " + task_.uuid.to_string() + ": 200 B of 400 B (50%)"));
  EXPECT_THAT(text, Not(HasSubstr("(25%)"))) << "not before it takes long";
  EXPECT_THAT(text, Not(HasSubstr("(75%)"))) << "and not all the time";
}

TEST_F(TaskRunTest, AnObjectStoreThatTakesNothingEndsTheUploads) {
  runner_.on_start = [&](const Command&) {
    write_file(directory_.result() / "r", "x");
    write_file(directory_.exec() / "e", "x");
  };
  transport_.handler = [this](const http::ClientRequest& request) {
    return request.method == "PUT" ? FakeTransport::answer(500, "") : coordinator(request);
  };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_GE(timer_.passed(), seconds{600});
  EXPECT_LT(timer_.passed(), seconds{700});
  EXPECT_THAT(transport_.log.back(), HasSubstr(R"("msg":"UploadResultTimeout","state":"Finished")"));
}

// ------------------------------------------------------------------------------------------------------------- inputs

TEST_F(TaskRunTest, FetchesResourcesInOrder) {
  task_.spec.resources = {{ArtifactReference{task_.uuid, ArtifactContentType::kExecLog}, "in/a"},
                          {AttachmentReference{"data/set 1.bin"}, "b"}};
  runner_.on_start = [&](const Command&) {
    EXPECT_EQ(read_file(directory_.resource() / "in" / "a"), "abc");
    EXPECT_EQ(read_file(directory_.resource() / "b"), "abc");
  };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  const auto base = "GET /workers/tasks/" + task_.uuid.to_string();
  EXPECT_THAT(transport_.log,
              ElementsAre(base + "/artifacts/exec-log", "GET http://store/get", base + "/attachments/data/set%201.bin",
                          "GET http://store/get", HasSubstr("Complete")));
}

struct LookupCase {
  const char* name;
  unsigned status;
  const char* message;
  const char* state;
};
class Lookup : public TaskRunTest, public ::testing::WithParamInterface<LookupCase> {};

TEST_P(Lookup, RefusalEndsTheTask) {
  task_.spec.resources = {{AttachmentReference{"a"}, "a"}};
  transport_.script = {status(GetParam().status)};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(runner_.commands, IsEmpty());
  EXPECT_THAT(transport_.log.back(),
              HasSubstr(std::string(R"("exit_status":0,"msg":")") + GetParam().message + R"(","state":"Cancelled")"));
  EXPECT_THAT(states_.states, Contains(GetParam().state));
}
INSTANTIATE_TEST_SUITE_P(Answers, Lookup,
                         ::testing::Values(LookupCase{"missing", 404, "ResourceNotFound", "FetchResourceNotFound"},
                                           LookupCase{"forbidden", 403, "ResourceForbidden", "FetchResourceForbidden"},
                                           LookupCase{"refused", 400, "ResourceForbidden", "FetchResourceForbidden"}),
                         [](const auto& test) { return test.param.name; });

TEST_F(TaskRunAtOriginalTest, ATaskThatCannotRunIsCancelledAndCommitted) {
  task_.spec.resources = {{AttachmentReference{"a"}, "a"}};
  transport_.script = {status(404)};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(
      transport_.log,
      ElementsAre(HasSubstr("/attachments/a"), R"(POST /workers/tasks {"id":42,"op":"Cancel"})",
                  R"(POST /workers/tasks {"id":42,"op":{"Commit":{"exit_status":0,"msg":"ResourceNotFound"}}})"));
}

TEST_F(TaskRunTest, AResourceThatDoesNotComeInTimeEndsTheTask) {
  task_.spec.resources = {{AttachmentReference{"a"}, "a"}};
  transport_.handler = [this](const http::ClientRequest& request) {
    return request.url.contains("/attachments/") ? FakeTransport::answer(503, "") : coordinator(request);
  };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_GE(timer_.passed(), seconds{1'800});
  EXPECT_LT(timer_.passed(), seconds{1'802});
  EXPECT_THAT(transport_.log.back(), HasSubstr("FetchResourceTimeout"));
}

TEST_F(TaskRunTest, ADownloadIsTriedAFewTimes) {
  task_.spec.resources = {{AttachmentReference{"a"}, "a"}};
  transport_.handler = [this](const http::ClientRequest& request) {
    return request.url.contains("store") ? FakeTransport::answer(500, "") : coordinator(request);
  };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_EQ(transport_.log.size(), 11U);
  EXPECT_THAT(transport_.log.back(), HasSubstr("ResourceForbidden"));
}

TEST_F(TaskRunTest, RefusesPathsThatLeaveTheDirectory) {
  for (const char* path : {"/etc/x", "../x", "a/../../x", "", ".", "a/", "a/."}) {
    transport_.log.clear();
    task_.spec.resources = {{AttachmentReference{"a"}, path}};
    EXPECT_EQ(run().kind, Kind::kDelivered);
    EXPECT_THAT(transport_.log, ElementsAre(HasSubstr("ResourceForbidden"))) << path;
  }
}

TEST_F(TaskRunTest, WaitsForTheWatchedTask) {
  task_.spec.watch = Watch{TaskUuid{Uuid::make_v4()}, TaskExecState::kExecFinished};
  protocol::TaskQueryResp watched;
  watched.info.state = TaskState::kRunning;
  const auto running = protocol::encode(watched);
  watched.info.state = TaskState::kFinished;
  watched.info.result = TaskResult{};
  transport_.script = {status(200, running), status(404), status(200, running), status(200, protocol::encode(watched))};
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_EQ(runner_.commands.size(), 1U);
  EXPECT_THAT(transport_.log, ElementsAre(HasSubstr("GET"), HasSubstr("GET"), HasSubstr("GET"), HasSubstr("GET"),
                                          HasSubstr("Complete")));
}

TEST_F(TaskRunTest, AWatchThatIsNotReachedEndsTheTask) {
  task_.spec.watch = Watch{TaskUuid{Uuid::make_v4()}, TaskExecState::kExecFinished};
  transport_.handler = [this](const http::ClientRequest& request) {
    return request.method == "GET" ? FakeTransport::answer(404, "") : coordinator(request);
  };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(runner_.commands, IsEmpty());
  EXPECT_GE(timer_.passed(), seconds{1'800});
  EXPECT_THAT(transport_.log.back(), HasSubstr("WatchTimeout"));
}

// --------------------------------------------------------------------------------------------------------- downstream

constexpr auto kNewTask =
    R"({"group_name":"g","tags":[],"labels":[],"timeout":"1m","priority":0,"task_spec":{"args":["true"]}})";

TEST_F(TaskRunTest, SubmitsADownstreamTaskBetweenFinishAndComplete) {
  runner_.on_start = [&](const Command&) { write_file(directory_.new_task(), kNewTask); };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(transport_.log, ElementsAre(HasSubstr("Finish"), HasSubstr(R"("Submit":{"group_name":"g")"),
                                          HasSubstr(R"("Complete":{"exit_status":0,"msg":null)")));
}

TEST_F(TaskRunTest, ARefusedOrBrokenDownstreamTaskIsAMessage) {
  for (const char* text : {kNewTask, "{", "[]"}) {
    transport_.log.clear();
    runner_.on_start = [&](const Command&) { write_file(directory_.new_task(), text); };
    transport_.script.clear();
    if (text == kNewTask) transport_.script = {nullptr, status(400, R"({"msg":"Group name mismatch"})")};
    EXPECT_EQ(run().kind, Kind::kDelivered);
    EXPECT_THAT(transport_.log.back(), HasSubstr(R"("msg":"SubmitNewTaskFailed","state":"Finished")")) << text;
    ASSERT_TRUE(directory_.reset());
  }
}

TEST_F(TaskRunTest, ABlankDownstreamFileIsNone) {
  runner_.on_start = [&](const Command&) { write_file(directory_.new_task(), " \n\t"); };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(transport_.log, ElementsAre(HasSubstr(R"("msg":null)")));
}

TEST_F(TaskRunTest, ADownstreamPathThatIsNoFileFails) {
  runner_.on_start = [&](const Command&) { ASSERT_EQ(mkfifo(directory_.new_task().c_str(), 0600), 0); };
  EXPECT_EQ(run().kind, Kind::kDelivered);
  EXPECT_THAT(transport_.log.back(), HasSubstr("SubmitNewTaskFailed"));
}

}  // namespace
}  // namespace mito::worker
