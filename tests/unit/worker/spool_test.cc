#include "worker/spool.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/worker/recorded_syncs.h"
#include "unit/worker/temporary_directory.h"

namespace mito::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

SpooledResult some_result() {
  SpooledResult result;
  result.task = TaskUuid{Uuid::make_v4()};
  result.id = 42;
  result.exit_status = 256;
  result.message = TaskResultMessage::kExecTimeout;
  result.state = TaskState::kCancelled;
  result.detail.reason = "because \"of\" it\n";
  result.detail.notes = {"a", "b"};
  result.new_task.emplace();
  result.new_task->group_name = "g";
  result.new_task->task_spec.args = {"true"};
  result.archives = {{ArtifactContentType::kResult, 12, "bWQ1"}, {ArtifactContentType::kStdLog, 0, ""}};
  return result;
}

TEST(SpooledResultText, ComesBackAsItWas) {
  const auto result = some_result();
  const auto read = decode_result(encode_result(result));
  ASSERT_TRUE(read);
  EXPECT_EQ(encode_result(*read), encode_result(result));
  EXPECT_EQ(read->task, result.task);
  EXPECT_EQ(read->exit_status, 256);
  EXPECT_EQ(read->message, TaskResultMessage::kExecTimeout);
  EXPECT_EQ(read->detail.reason, result.detail.reason);
  ASSERT_TRUE(read->new_task);
  EXPECT_EQ(read->new_task->group_name, "g");
  EXPECT_EQ(read->archives[0].md5, "bWQ1");
}

TEST(SpooledResultText, CutOrStrangeTextIsNoResult) {
  const auto text = encode_result(some_result());
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(decode_result(text.substr(0, length))) << length;
  for (const auto* bad : {"[]", "{}", R"({"task":1})", "null", R"({"task":"x","report":{},"archives":[]})"})
    EXPECT_FALSE(decode_result(bad)) << bad;
}

class SpoolTest : public ::testing::Test {
 protected:
  [[nodiscard]] Spool spool(std::string host = "host", std::string coordinator = "http://c",
                            std::string boot = "boot") const {
    return *Spool::open(place_.path(), {std::move(host), std::move(boot)}, std::move(coordinator));
  }
  static Features features() { return {.any = true, .wait = true}; }

  TemporaryDirectory place_;
  Session session_{WorkerUuid{Uuid::make_v4()}, "secret", features(), Timestamp{std::chrono::seconds{1'000}}};
};

TEST_F(SpoolTest, AnEntryIsTakenOverOnceItsOwnerIsGone) {
  session_.feature_names = {"wait"};
  auto entry = *spool().create(session_);
  EXPECT_THAT(spool().take_over(), IsEmpty()) << "it is locked";
  const auto result = some_result();
  ASSERT_TRUE(entry->keep(result));
  write_file(entry->new_archive(ArtifactContentType::kResult), "x");
  write_file(entry->new_archive(ArtifactContentType::kStdLog), "x");
  ASSERT_TRUE(entry->sync());
  entry.reset();
  EXPECT_THAT(spool("another").take_over(), IsEmpty());
  EXPECT_THAT(spool("host", "http://d").take_over(), IsEmpty());
  auto found = spool().take_over();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].session->uuid, session_.uuid);
  EXPECT_EQ(found[0].session->token, "secret");
  EXPECT_EQ(found[0].session->registered_at, session_.registered_at);
  EXPECT_TRUE(found[0].session->features.wait);
  EXPECT_FALSE(found[0].session->features.complete);
  ASSERT_TRUE(found[0].result);
  EXPECT_EQ(encode_result(*found[0].result), encode_result(result));
  EXPECT_THAT(spool().take_over(), IsEmpty()) << "it is locked again";
}

TEST_F(SpoolTest, AfterARestartOfTheMachineItIsTakenOverByThisHostAlone) {
  auto entry = *spool().create(session_);
  ASSERT_TRUE(entry->keep(some_result()));
  EXPECT_THAT(spool("host", "http://c", "a later boot").take_over(), IsEmpty()) << "whoever holds the lock lives";
  entry.reset();
  EXPECT_THAT(spool("another", "http://c", "a later boot").take_over(), IsEmpty());
  EXPECT_THAT(spool("another", "http://c", "boot").take_over(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(place_.path() / "spool" / session_.uuid.to_string() / "result"));
  const auto found = spool("host", "http://c", "a later boot").take_over();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].session->token, "secret");
  EXPECT_TRUE(found[0].result);
}

TEST_F(SpoolTest, WhatIsKeptOutlivesALossOfPower) {
  take_syncs();
  auto entry = *spool().create(session_);
  const auto uuid = session_.uuid.to_string();
  EXPECT_THAT(take_syncs(), UnorderedElementsAre("registration.new", uuid, "spool")) << "the registration and its name";
  ASSERT_TRUE(entry->keep(some_result()));
  write_file(entry->new_archive(ArtifactContentType::kResult), "x");
  write_file(entry->new_archive(ArtifactContentType::kStdLog), "x");
  ASSERT_TRUE(entry->sync());
  EXPECT_THAT(take_syncs(), UnorderedElementsAre("result.tar.gz", "std-log.tar.gz", "result", uuid));
  entry->set_aside("nobody wanted it");
  EXPECT_THAT(take_syncs(), UnorderedElementsAre("result.json"));
}

TEST_F(SpoolTest, AnAcknowledgedResultIsForgotten) {
  auto entry = *spool().create(session_);
  ASSERT_TRUE(entry->keep(some_result()));
  write_file(entry->new_archive(ArtifactContentType::kResult), "x");
  entry->expect_output();
  write_file(entry->stdout_file(), "x");
  entry->forget();
  EXPECT_FALSE(entry->has_result());
  EXPECT_FALSE(std::filesystem::exists(entry->archive(ArtifactContentType::kResult)));
  EXPECT_FALSE(std::filesystem::exists(entry->stdout_file()));
  entry.reset();
  const auto found = spool().take_over();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_FALSE(found[0].result);
}

TEST_F(SpoolTest, AShorterRecordReplacesALongerOne) {
  auto entry = *spool().create(session_);
  auto result = some_result();
  result.detail.notes.assign(100, "a long note");
  ASSERT_TRUE(entry->keep(result));
  result.detail.notes.clear();
  ASSERT_TRUE(entry->keep(result));
  entry.reset();
  EXPECT_EQ(encode_result(*spool().take_over().at(0).result), encode_result(result));
}

TEST_F(SpoolTest, ARefusedResultIsSetAsideWithoutTheToken) {
  auto entry = *spool().create(session_);
  ASSERT_TRUE(entry->keep(some_result()));
  write_file(entry->new_archive(ArtifactContentType::kResult), "archive");
  entry->set_aside("nobody \"wanted\" it");
  const std::filesystem::directory_iterator places(place_.path() / "undelivered");
  const auto place = places->path();
  EXPECT_EQ(read_file(place / "result.tar.gz"), "archive");
  const auto text = read_file(place / "result.json");
  EXPECT_THAT(text, HasSubstr(R"(nobody \"wanted\" it)"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("secret")));
  struct stat stat{};
  ASSERT_EQ(::stat((place / "result.json").c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 0777, 0600U);
  EXPECT_FALSE(entry->has_result());
  spool().clean_undelivered(Clock::system().now());
  EXPECT_TRUE(std::filesystem::exists(place));
  spool().clean_undelivered(Clock::system().now() + std::chrono::days{8});
  EXPECT_FALSE(std::filesystem::exists(place));
}

TEST_F(SpoolTest, RemovesItsDirectoryOnlyWhenTold) {
  auto entry = *spool().create(session_);
  const auto directory = entry->directory();
  entry->remove_at_end();
  entry->leave_at_end();
  entry.reset();
  EXPECT_TRUE(std::filesystem::exists(directory));
  entry = std::move(spool().take_over().at(0).entry);
  entry->remove_at_end();
  entry.reset();
  EXPECT_FALSE(std::filesystem::exists(directory));
}

}  // namespace
}  // namespace mito::worker
