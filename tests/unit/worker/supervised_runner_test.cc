#include "worker/supervised_runner.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <sys/wait.h>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/worker/temporary_directory.h"
#include "worker/environment.h"
#include "worker/output.h"

// These run real processes: what the supervisor promises is about the kernel and cannot be shown with a fake.
namespace mito::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SupervisedRunnerTest : public ::testing::Test {
 protected:
  static Command shell(const std::string& script) {
    auto command = make_command({"sh", "-c", script}, inherited_environment());
    EXPECT_TRUE(command);
    return *command;
  }
  [[nodiscard]] Command captured(const std::string& script, std::uint64_t limit = 1 << 20) const {
    auto command = shell(script);
    command.capture = Capture{directory_.path() / "out", directory_.path() / "err", limit};
    return command;
  }
  ProcessEnd run(const Command& command) {
    const auto started = runner_.start(command);
    EXPECT_TRUE(started) << (started ? "" : started.error().reason);
    if (!started) return {};
    auto end = runner_.wait(in(seconds{20}), {});
    EXPECT_TRUE(end);
    return end ? std::move(*end) : ProcessEnd{};
  }
  static Clock::Monotonic in(milliseconds length) { return Clock::system().monotonic() + length; }
  static std::string text(const std::optional<CapturedStream>& stream) {
    std::string result;
    EXPECT_TRUE(stream && read_stream(*stream, [&](std::string_view bytes) {
                  result += bytes;
                  return true;
                }));
    return result;
  }
  /// The number the command has written to `file`, once it is there.
  [[nodiscard]] pid_t pid_in(const char* file) const {
    for (const auto deadline = in(seconds{10}); Clock::system().monotonic() < deadline; std::this_thread::yield()) {
      const auto content = read_file(directory_.path() / file);
      if (content.ends_with('\n')) return std::stoi(content);
    }
    ADD_FAILURE() << file << " was not written";
    return 0;
  }
  static bool is_gone(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

  TemporaryDirectory directory_;
  SupervisedRunner runner_;
};

TEST_F(SupervisedRunnerTest, GivesTheRawWaitStatus) {
  EXPECT_EQ(run(shell("exit 0")).wait_status, 0);
  EXPECT_EQ(run(shell("exit 3")).wait_status, 768);
  EXPECT_EQ(run(shell("kill -9 $$")).wait_status, 9);
}

TEST_F(SupervisedRunnerTest, ReportsWhyACommandCannotBeStarted) {
  const auto reason = [&](const std::vector<std::string>& args) {
    const auto started = runner_.start(*make_command(args, inherited_environment()));
    EXPECT_FALSE(started);
    return started ? 0 : started.error().error_number;
  };
  EXPECT_EQ(reason({"no-such-command-anywhere"}), ENOENT);
  EXPECT_EQ(reason({"/etc/passwd"}), EACCES);
  EXPECT_EQ(reason({"/etc/passwd/x"}), ENOTDIR);
  EXPECT_EQ(reason({"true", std::string(3 << 20, 'x')}), E2BIG);
  EXPECT_EQ(run(shell("exit 0")).wait_status, 0) << "the next command runs";
}

TEST_F(SupervisedRunnerTest, RunsScriptsWithoutInterpreterLine) {
  write_file(directory_.path() / "script", "exit $1\n");
  std::filesystem::permissions(directory_.path() / "script", std::filesystem::perms::owner_all);
  EXPECT_EQ(run(*make_command({(directory_.path() / "script").native(), "7"}, inherited_environment())).wait_status,
            7 << 8);
}

TEST_F(SupervisedRunnerTest, FindsWhatAppearsEarlierInPath) {
  const auto in_directory = [&](const char* name) { return directory_.path() / name; };
  const auto write_program = [&](const char* name, int code) {
    const auto file = in_directory(name) / "program";
    std::ofstream(file) << "#!/bin/sh\nexit " << code << "\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  };
  for (const auto* name : {"first", "second", "third"})
    std::filesystem::create_directory(in_directory(name));
  auto environment = inherited_environment();
  environment["PATH"] = in_directory("first").native() + ":" + in_directory("missing").native() + ":" +
                        in_directory("second").native() + ":" + in_directory("third").native();
  const auto command = *make_command({"program"}, environment);
  write_program("third", 3);
  EXPECT_EQ(run(command).wait_status, 3 << 8);
  EXPECT_EQ(run(command).wait_status, 3 << 8);
  write_program("first", 1);
  EXPECT_EQ(run(command).wait_status, 1 << 8);
  write_program("second", 2);
  EXPECT_EQ(run(command).wait_status, 1 << 8);
  std::filesystem::remove(in_directory("first") / "program");
  EXPECT_EQ(run(command).wait_status, 2 << 8);
  std::filesystem::remove(in_directory("second") / "program");
  std::filesystem::remove(in_directory("third") / "program");
  const auto started = runner_.start(command);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().error_number, ENOENT);
}

TEST_F(SupervisedRunnerTest, TakesCommandsOfAnySize) {
  const auto with_variable = [](std::size_t size) {
    auto environment = inherited_environment();
    for (std::size_t i = 0; i < size >> 16; ++i)
      environment["MUCH_" + std::to_string(i)] = std::string(1 << 16, 'x');
    return *make_command({"sh", "-c", "exit $(( $(env | grep -c ^MUCH_) ))"}, environment);
  };
  EXPECT_EQ(run(with_variable(1'500'000)).wait_status, 22 << 8);
  EXPECT_EQ(run(with_variable(0)).wait_status, 0);
  EXPECT_EQ(run(with_variable(200'000)).wait_status, 3 << 8);
}

TEST_F(SupervisedRunnerTest, ASignalThatComesTooLateDoesNotConcernTheNextCommand) {
  run(shell("true"));
  runner_.terminate();
  runner_.kill();
  EXPECT_EQ(run(captured("echo next")).wait_status, 0);
  EXPECT_EQ(run(shell("exit 4")).wait_status, 4 << 8);
}

TEST_F(SupervisedRunnerTest, CapturesBothStreams) {
  const auto end = run(captured("echo out; echo err >&2; cat"));
  EXPECT_EQ(text(end.out), "out\n");
  EXPECT_EQ(text(end.err), "err\n");
}

TEST_F(SupervisedRunnerTest, BoundsWhatItCaptures) {
  const auto end = run(captured("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; echo last", 1'000));
  EXPECT_EQ(end.out->total, 220'005U);
  EXPECT_EQ(std::filesystem::file_size(directory_.path() / "out"), 1'000U);
  EXPECT_TRUE(text(end.out).ends_with("0123456789\nlast\n"));
}

TEST_F(SupervisedRunnerTest, GivesTheCommandACleanStart) {
  const auto end =
      run(captured("ls /proc/self/fd | wc -l; test \"$(ps -o sid= -p $$)\" -eq $$ && echo own session; "
                   "grep -E 'SigBlk|SigIgn' /proc/self/status"));
  EXPECT_THAT(text(end.out), HasSubstr("4\n"));  // 0, 1, 2 and the directory ls reads
  EXPECT_THAT(text(end.out), HasSubstr("own session"));
  EXPECT_THAT(text(end.out), HasSubstr("SigBlk:\t0000000000000000"));
}

TEST_F(SupervisedRunnerTest, MeasuresWhatWasUsed) {
  const auto end = run(shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"));
  EXPECT_GT(end.cpu_time.count(), 1'000);
  EXPECT_GT(end.peak_memory, 500'000U);
}

TEST_F(SupervisedRunnerTest, EndsWithTheCommandThoughAGrandchildHoldsItsOutput) {
  const auto begin = Clock::system().monotonic();
  const auto end = run(captured("sleep 60 & echo $! > " + (directory_.path() / "pid").native() + "; echo done"));
  EXPECT_LT(Clock::system().monotonic() - begin, seconds{10});
  EXPECT_EQ(end.wait_status, 0);
  EXPECT_EQ(text(end.out), "done\n");
  EXPECT_THAT(end.leftovers, ElementsAre(HasSubstr(" (")));
  EXPECT_THAT(end.survivors, IsEmpty());
  EXPECT_TRUE(is_gone(pid_in("pid")));
}

TEST_F(SupervisedRunnerTest, EndsProcessesThatMadeASessionOfTheirOwnAndIgnoreSigterm) {
  const auto end = run(shell("setsid sh -c 'trap \"\" TERM; echo $$ > " + (directory_.path() / "pid").native() +
                             "; while :; do sleep 1; done' & while ! test -s " + (directory_.path() / "pid").native() +
                             "; do :; done"));
  EXPECT_EQ(end.wait_status, 0);
  EXPECT_FALSE(end.leftovers.empty());
  EXPECT_THAT(end.survivors, IsEmpty());
  EXPECT_TRUE(is_gone(pid_in("pid")));
}

TEST_F(SupervisedRunnerTest, TerminatesAndKills) {
  const auto pid_file = (directory_.path() / "pid").native();
  ASSERT_TRUE(runner_.start(shell("trap '' TERM; sleep 60 & echo $! > " + pid_file + "; wait; wait; sleep 60")));
  const pid_t grandchild = pid_in("pid");
  EXPECT_FALSE(runner_.wait(in(milliseconds{0}), {}));
  runner_.terminate();
  EXPECT_FALSE(runner_.wait(in(milliseconds{200}), {}));
  runner_.kill();
  const auto end = runner_.wait(in(seconds{20}), {});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->wait_status, 9);
  EXPECT_TRUE(is_gone(grandchild));
}

TEST_F(SupervisedRunnerTest, TerminateReachesTheWholeGroup) {
  const auto pid_file = (directory_.path() / "pid").native();
  ASSERT_TRUE(runner_.start(captured("sleep 60 & echo $! > " + pid_file + "; trap 'echo term' TERM; wait")));
  const pid_t grandchild = pid_in("pid");
  runner_.terminate();
  const auto end = runner_.wait(in(seconds{20}), {});
  ASSERT_TRUE(end);
  EXPECT_TRUE(is_gone(grandchild));
}

TEST_F(SupervisedRunnerTest, WaitsEndWithAStopRequest) {
  ASSERT_TRUE(runner_.start(shell("sleep 60")));
  std::stop_source stop;
  std::jthread other([&] { stop.request_stop(); });
  EXPECT_FALSE(runner_.wait(in(seconds{20}), stop.get_token()));
  runner_.kill();
  EXPECT_TRUE(runner_.wait(in(seconds{20}), {}));
}

TEST_F(SupervisedRunnerTest, KillsWhatRunsWhenItGoes) {
  const auto pid_file = (directory_.path() / "pid").native();
  {
    SupervisedRunner other;
    ASSERT_TRUE(other.start(shell("setsid sleep 60 & echo $! > " + pid_file + "; sleep 60")));
    static_cast<void>(pid_in("pid"));
  }
  EXPECT_TRUE(is_gone(pid_in("pid")));
}

TEST_F(SupervisedRunnerTest, SurvivesTheDeathOfItsSupervisor) {
  const auto pid_file = (directory_.path() / "pid").native();
  ASSERT_TRUE(runner_.start(shell("echo $PPID > " + pid_file + "; sleep 60")));
  kill(pid_in("pid"), SIGKILL);
  const auto end = runner_.wait(in(seconds{20}), {});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->wait_status, 9);
  EXPECT_FALSE(end->survivors.empty());
  EXPECT_EQ(run(shell("exit 2")).wait_status, 512);
}

/// As where the kernel has no `cgroup.kill`, or does not let processes be born in a cgroup: a plain directory has none.
TEST_F(SupervisedRunnerTest, EndsEverythingWithoutCgroups) {
  SupervisedRunner runner({.cgroup_parent = directory_.path(), .memory_limit = std::nullopt});
  const std::string script =
      "trap '' TERM; (setsid sh -c 'trap \"\" TERM; echo $$ > daemon; sleep 60; :' &); "
      "(setsid sh -c '(setsid sh -c \"echo \\$\\$ > grandchild; sleep 60; :\" &)' &); "
      "until [ -s daemon ] && [ -s grandchild ]; do sleep 0.01; done; echo $$ > own; sleep 60; :";
  auto command = shell(script);
  command.directory = directory_.path();
  ASSERT_TRUE(runner.start(command));
  const auto own = pid_in("own");
  runner.kill();
  const auto end = runner.wait(in(seconds{20}), {});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->wait_status, SIGKILL);
  EXPECT_THAT(end->survivors, IsEmpty());
  for (const auto pid : {own, pid_in("daemon"), pid_in("grandchild")})
    EXPECT_TRUE(is_gone(pid)) << pid;
}

}  // namespace
}  // namespace mito::worker
