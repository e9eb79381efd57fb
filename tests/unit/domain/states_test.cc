#include "domain/states.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace mito {
namespace {

template <class E>
std::vector<std::string> spellings() {
  std::vector<std::string> names;
  for (const auto& spelling : accepted_spellings<E>())
    names.emplace_back(spelling.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(Spellings, ComeInTheOrderOfTheOriginalsErrors) {
  EXPECT_EQ(spellings<UserState>(), (Names{"Active", "Locked", "Deleted"}));
  EXPECT_EQ(spellings<GroupState>(), (Names{"Active", "Locked", "Deleted"}));
  EXPECT_EQ(spellings<TaskState>(), (Names{"Pending", "Ready", "Running", "Finished", "Cancelled", "Unknown"}));
  EXPECT_EQ(spellings<WorkerState>(), (Names{"Normal", "GracefulShutdown"}));
  EXPECT_EQ(spellings<Role>(), (Names{"READ", "Read", "read", "WRITE", "Write", "write", "ADMIN", "Admin", "admin"}));
  EXPECT_EQ(spellings<ArtifactContentType>(),
            (Names{"RESULT",  "Result",   "result",   "EXEC",    "EXECLOG", "Exec",   "ExecLog",
                   "Execlog", "exec",     "exec-log", "execlog", "STD",     "STDLOG", "Std",
                   "Stdlog",  "TERMINAL", "Terminal", "std",     "std-log", "stdlog", "terminal"}));
  EXPECT_EQ(spellings<AttachmentContentType>(), (Names{"NoSet"}));
  EXPECT_EQ(spellings<ShutdownOp>(), (Names{"Graceful", "graceful", "Force", "force"}));
  EXPECT_EQ(spellings<TaskExecState>(), (Names{"WorkerExited",
                                               "FetchResource",
                                               "FetchResourceFinished",
                                               "FetchResourceError",
                                               "FetchResourceTimeout",
                                               "FetchResourceNotFound",
                                               "FetchResourceForbidden",
                                               "Watch",
                                               "WatchFinished",
                                               "WatchTimeout",
                                               "ExecPending",
                                               "ExecSpawned",
                                               "ExecFinished",
                                               "ExecTimeout",
                                               "UploadResult",
                                               "UploadFinishedResult",
                                               "UploadCancelledResult",
                                               "UploadResultFinished",
                                               "UploadResultTimeout",
                                               "TaskCommitted",
                                               "Unknown"}));
  EXPECT_EQ(spellings<TaskResultMessage>(),
            (Names{"FetchResourceTimeout", "ExecTimeout", "UploadResultTimeout", "ResourceNotFound",
                   "ResourceForbidden", "WatchTimeout", "UserCancellation", "SubmitNewTaskFailed"}));
}

/// What is sent is accepted, and means the same.
template <class E>
void expect_round_trip() {
  for (const auto& spelling : accepted_spellings<E>()) {
    EXPECT_EQ(parse_enum<E>(spelling.name), spelling.value) << spelling.name;
    EXPECT_EQ(parse_enum<E>(to_string(spelling.value)), spelling.value) << spelling.name;
  }
  EXPECT_EQ(parse_enum<E>(""), std::nullopt);
  EXPECT_EQ(parse_enum<E>("nothing"), std::nullopt);
}

TEST(Spellings, AreReadAsTheirValues) {
  expect_round_trip<UserState>();
  expect_round_trip<GroupState>();
  expect_round_trip<TaskState>();
  expect_round_trip<WorkerState>();
  expect_round_trip<Role>();
  expect_round_trip<ArtifactContentType>();
  expect_round_trip<AttachmentContentType>();
  expect_round_trip<ShutdownOp>();
  expect_round_trip<TaskExecState>();
  expect_round_trip<TaskResultMessage>();
}

TEST(Spellings, AreCaseSensitiveAndTheSentOnesCanonical) {
  EXPECT_EQ(to_string(Role::kWrite), "Write");
  EXPECT_EQ(to_string(ArtifactContentType::kExecLog), "exec-log");
  EXPECT_EQ(to_string(ArtifactContentType::kStdLog), "std-log");
  EXPECT_EQ(to_string(ShutdownOp::kForce), "Force");
  EXPECT_EQ(to_string(static_cast<TaskExecState>(77)), "Unknown");
  EXPECT_EQ(to_string(static_cast<Role>(77)), "Unknown");
  for (const char* text : {"rESULT", "results", "exec_log", "result.tar.gz"})
    EXPECT_EQ(parse_enum<ArtifactContentType>(text), std::nullopt) << text;
  EXPECT_EQ(parse_enum<TaskExecState>("execfinished"), std::nullopt);
  EXPECT_EQ(parse_enum<TaskState>("ready"), std::nullopt);
}

TEST(Numbers, AreThoseOfTheDatabase) {
  EXPECT_EQ(from_number<UserState>(2), UserState::kDeleted);
  EXPECT_EQ(from_number<GroupState>(1), GroupState::kLocked);
  EXPECT_EQ(from_number<TaskState>(5), TaskState::kUnknown);
  EXPECT_EQ(from_number<WorkerState>(1), WorkerState::kGracefulShutdown);
  EXPECT_EQ(from_number<Role>(0), Role::kRead);
  EXPECT_EQ(from_number<ArtifactContentType>(2), ArtifactContentType::kStdLog);
  EXPECT_EQ(from_number<AttachmentContentType>(0), AttachmentContentType::kNoSet);
  for (const int number : {-1, 6, 99}) {
    EXPECT_EQ(from_number<TaskState>(number), std::nullopt) << number;
    EXPECT_EQ(from_number<Role>(number), std::nullopt) << number;
    EXPECT_EQ(from_number<UserState>(number), std::nullopt) << number;
  }
}

TEST(Numbers, OfNoExecStateMeanUnknown) {
  EXPECT_EQ(from_number<TaskExecState>(-1), TaskExecState::kWorkerExited);
  EXPECT_EQ(from_number<TaskExecState>(19), TaskExecState::kTaskCommitted);
  for (const int number : {-99, 0, 20, -2})
    EXPECT_EQ(from_number<TaskExecState>(number), TaskExecState::kUnknown) << number;
}

TEST(FileName, IsThatOfTheArchive) {
  EXPECT_EQ(file_name(ArtifactContentType::kResult), "result.tar.gz");
  EXPECT_EQ(file_name(ArtifactContentType::kExecLog), "exec-log.tar.gz");
  EXPECT_EQ(file_name(ArtifactContentType::kStdLog), "std-log.tar.gz");
}

}  // namespace
}  // namespace mito
