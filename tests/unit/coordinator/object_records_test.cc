#include "coordinator/object_records.h"

#include <gtest/gtest.h>

namespace mito::coordinator {
namespace {

TEST(ObjectKeys, AreThoseOfTheOriginal) {
  const auto uuid = Uuid::parse("550e8400-e29b-41d4-a716-446655440000");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(artifact_key(TaskUuid{*uuid}, ArtifactContentType::kStdLog).key,
            "550e8400-e29b-41d4-a716-446655440000/std-log.tar.gz");
  EXPECT_EQ(attachment_key("group", "a/b c").key, "group/a/b c");
}

TEST(ObjectRemovals, KnowsWhatIsOnItsWayOut) {
  ObjectRemovals removals;
  const auto key = attachment_key("g", "a");
  const auto other = artifact_key(TaskUuid{}, ArtifactContentType::kResult);
  EXPECT_FALSE(removals.contains(key));
  removals.begin(key);
  removals.begin(key);
  EXPECT_TRUE(removals.contains(key));
  EXPECT_FALSE(removals.contains(other));
  removals.end(key);
  EXPECT_TRUE(removals.contains(key)) << "the second removal is still under way";
  removals.end(key);
  EXPECT_FALSE(removals.contains(key));
  removals.end(key);
}

TEST(ObjectRemovals, AreWithdrawnByAnUploadWhichWaitsForTheirEnd) {
  ObjectRemovals removals;
  const auto key = attachment_key("g", "a");
  int over = 0;
  removals.withdraw(key);
  EXPECT_FALSE(removals.is_withdrawn(key)) << "nothing is under way";
  removals.when_over(key, [&] { ++over; });
  EXPECT_EQ(over, 1) << "there is nothing to wait for";
  removals.begin(key);
  EXPECT_FALSE(removals.is_withdrawn(key));
  removals.withdraw(key);
  EXPECT_TRUE(removals.is_withdrawn(key));
  removals.when_over(key, [&] { ++over; });
  removals.when_over(key, [&] { ++over; });
  removals.begin(key);
  EXPECT_FALSE(removals.is_withdrawn(key)) << "the new object is removed, too";
  removals.end(key);
  EXPECT_EQ(over, 1);
  removals.end(key);
  EXPECT_EQ(over, 3);
  EXPECT_FALSE(removals.is_withdrawn(key));
}

}  // namespace
}  // namespace mito::coordinator
