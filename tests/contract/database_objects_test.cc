#include <array>

#include "contract/database_place.h"

namespace mito::storage {
namespace {

class StoredObjects : public DatabaseTest {
 protected:
  void put(GroupId group, const std::string& key, std::int64_t size, Timestamp now = at(1)) {
    commit([&] {
      must(
          writer_->upsert_attachment({.group = group, .key = key, .size = size, .created_at = now, .updated_at = now}));
    });
  }
  void put(TaskUuid task, ArtifactContentType type, std::int64_t size, Timestamp now = at(1)) {
    commit([&] {
      must(writer_->upsert_artifact(
          {.task = task, .content_type = type, .size = size, .created_at = now, .updated_at = now}));
    });
  }
  std::vector<std::string> keys(GroupId group, std::string_view pattern, Page page = {}) {
    std::vector<std::string> answer;
    for (const Attachment& attachment : must(reader_->attachments(group, pattern, page)))
      answer.push_back(attachment.key);
    return answer;
  }
};
MITO_ON_ALL_BACKENDS(StoredObjects);

using Keys = std::vector<std::string>;

TEST_P(StoredObjects, ArtifactsAreAddedChangedAndRemoved) {
  const TaskUuid task = task_uuid(1);
  put(task, ArtifactContentType::kStdLog, 3);
  put(task, ArtifactContentType::kResult, 1, at(5));
  put(task, ArtifactContentType::kResult, 10, at(6));
  put(task_uuid(2), ArtifactContentType::kResult, 7);

  const Artifact result = must(reader_->artifact(task, ArtifactContentType::kResult)).value();
  EXPECT_EQ(result.task, task);
  EXPECT_EQ(result.content_type, ArtifactContentType::kResult);
  EXPECT_EQ(result.size, 10);
  EXPECT_EQ(result.created_at, at(5));
  EXPECT_EQ(result.updated_at, at(6));
  EXPECT_FALSE(must(reader_->artifact(task, ArtifactContentType::kExecLog)).has_value());

  const auto all = must(reader_->artifacts_of(task));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].content_type, ArtifactContentType::kResult);
  EXPECT_EQ(all[1].content_type, ArtifactContentType::kStdLog);

  const std::array asked{task_uuid(2), task_uuid(3), task};
  const auto results = must(reader_->artifacts_of(asked, ArtifactContentType::kResult));
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].task, task_uuid(2));
  EXPECT_EQ(results[1].task, task);

  commit([&] {
    must(writer_->delete_artifact(task, ArtifactContentType::kResult));
    must(writer_->delete_artifact(task, ArtifactContentType::kExecLog));
  });
  EXPECT_EQ(must(reader_->artifacts_of(task)).size(), 1U);
}

TEST_P(StoredObjects, AttachmentsAreAddedChangedAndRemoved) {
  const auto [alice, group] = add_user("alice");
  const GroupId lab = add_group("lab", alice);
  put(group, "dir/a.txt", 5'000'000'000, at(5));
  put(group, "dir/a.txt", 6'000'000'000, at(6));
  put(lab, "dir/a.txt", 1);
  const Attachment stored = must(reader_->attachment(group, "dir/a.txt")).value();
  EXPECT_EQ(stored.group, group);
  EXPECT_EQ(stored.key, "dir/a.txt");
  EXPECT_EQ(stored.size, 6'000'000'000);
  EXPECT_EQ(stored.created_at, at(5));
  EXPECT_EQ(stored.updated_at, at(6));
  EXPECT_EQ(must(reader_->attachment(lab, "dir/a.txt")).value().size, 1);
  EXPECT_FALSE(must(reader_->attachment(group, "dir")).has_value());
  commit([&] {
    must(writer_->delete_attachment(group, "dir/a.txt"));
    must(writer_->delete_attachment(group, "no such key"));
  });
  EXPECT_FALSE(must(reader_->attachment(group, "dir/a.txt")).has_value());
  EXPECT_TRUE(must(reader_->attachment(lab, "dir/a.txt")).has_value());
}

TEST_P(StoredObjects, AttachmentOfAnUnknownGroupIsAnError) {
  must(writer_->begin());
  EXPECT_EQ(code_of(writer_->upsert_attachment({.group = GroupId{9}, .key = "k", .size = 1})), ErrorCode::kInternal);
  writer_->rollback();
}

TEST_P(StoredObjects, KeysMatchPatternsAnywhere) {
  const auto [alice, group] = add_user("alice");
  const GroupId lab = add_group("lab", alice);
  const Keys all{"100%", "Data/B", "a\\b", "a_c", "abc", "data/a", "data/ä", "it's \"quoted\""};
  for (const std::string& key : all)
    put(group, key, 1);
  put(lab, "abc", 1);

  struct Case {
    const char* pattern;
    Keys expected;
  };
  const Case cases[] = {
      {"", all},
      {"data", {"data/a", "data/ä"}},
      {"a%c", {"a_c", "abc"}},
      {"a_c", {"a_c", "abc"}},
      {"a\\_c", {"a_c"}},
      {"\\%", {"100%"}},
      {"a\\\\b", {"a\\b"}},
      {"a\\b", {"abc"}},
      {"%", all},
      {"data/_", {"data/a", "data/ä"}},
      {"data/__", {}},
      {"ä", {"data/ä"}},
      {"'s \"", {"it's \"quoted\""}},
      {"' OR 1=1 --", {}},
      {"%%%a%%%", {"Data/B", "a\\b", "a_c", "abc", "data/a", "data/ä"}},
      {"0\\", {"100%"}},  // The `%` that stands behind the pattern becomes a literal one.
      {"1\\", {}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(keys(group, c.pattern), c.expected) << c.pattern;
    EXPECT_EQ(must(reader_->count_attachments(group, c.pattern)), static_cast<std::int64_t>(c.expected.size()))
        << c.pattern;
  }
  EXPECT_EQ(keys(group, "", {.limit = 2, .offset = 1}), (Keys{"Data/B", "a\\b"}));
  EXPECT_EQ(keys(group, "data", {.limit = 9, .offset = 1}), (Keys{"data/ä"}));
  EXPECT_EQ(must(reader_->count_attachments(GroupId{99}, "")), 0);
}

TEST_P(StoredObjects, LongPatternsAreNoError) {
  const GroupId group = add_user("alice").second;
  put(group, std::string(1'000, 'a'), 1);
  EXPECT_EQ(must(reader_->count_attachments(group, std::string(200'000, 'a'))), 0);
  EXPECT_EQ(must(reader_->count_attachments(group, std::string(200'000, '%'))), 1);
  std::string hard;
  for (int i = 0; i < 400; ++i)
    hard += "a%";
  EXPECT_EQ(must(reader_->count_attachments(group, hard)), 1);
  EXPECT_EQ(must(reader_->count_attachments(group, hard + "b")), 0);
}

TEST_P(StoredObjects, AttachmentsByKeyAreThoseThatExist) {
  const GroupId group = add_user("alice").second;
  for (const char* key : {"a", "b", "%"})
    put(group, key, 1);
  const std::array<std::string, 4> asked{"b", "nothing", "%", ""};
  const auto found = must(reader_->attachments_by_key(group, asked));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(must(reader_->attachments_by_key(group, {})).empty());
}

TEST_P(StoredObjects, FactsAreKept) {
  EXPECT_EQ(must(reader_->fact("key")), std::nullopt);
  commit([&] { must(writer_->set_fact("key", "")); });
  EXPECT_EQ(must(reader_->fact("key")), "");
  const std::string value("bin\0ary 'ä'", 12);
  commit([&] { must(writer_->set_fact("key", value)); });
  EXPECT_EQ(must(reader_->fact("key")), value);
  EXPECT_EQ(must(reader_->fact("Key")), std::nullopt);
}

}  // namespace
}  // namespace mito::storage
