#include "core/directory.h"

#include <gtest/gtest.h>

namespace mito::core {
namespace {

storage::User user(std::int64_t id, std::string name) {
  storage::User row;
  row.id = UserId{id};
  row.username = std::move(name);
  return row;
}

TEST(DirectoryTest, UsersAreFoundByNameAndId) {
  Directory directory;
  EXPECT_FALSE(directory.user("alice"));
  directory.put_user(user(1, "alice"));
  EXPECT_EQ(directory.user("alice")->id, UserId{1});
  EXPECT_EQ(directory.user_name(UserId{1}), "alice");
  EXPECT_EQ(directory.user_state(UserId{1}), UserState::kActive);
  EXPECT_FALSE(directory.user_state(UserId{2}));
  auto locked = user(1, "alice");
  locked.state = UserState::kLocked;
  directory.put_user(locked);
  EXPECT_EQ(directory.user_state(UserId{1}), UserState::kLocked);
}

TEST(DirectoryTest, MembershipsAreOrderedAndReplaced) {
  Directory directory;
  directory.put_group(GroupId{5}, "lab");
  EXPECT_EQ(directory.group("lab"), GroupId{5});
  EXPECT_EQ(directory.group_name(GroupId{5}), "lab");
  for (const std::int64_t group : {5, 2, 9})
    directory.put_membership({.user = UserId{1}, .group = GroupId{group}, .role = Role::kRead});
  directory.put_membership({.user = UserId{1}, .group = GroupId{5}, .role = Role::kAdmin});
  EXPECT_EQ(directory.role(UserId{1}, GroupId{5}), Role::kAdmin);
  EXPECT_EQ(directory.role(UserId{1}, GroupId{2}), Role::kRead);
  EXPECT_FALSE(directory.role(UserId{1}, GroupId{3}));
  EXPECT_FALSE(directory.role(UserId{2}, GroupId{5}));
  EXPECT_EQ(directory.memberships(UserId{1}),
            (std::vector<std::pair<GroupId, Role>>{
                {GroupId{2}, Role::kRead}, {GroupId{5}, Role::kAdmin}, {GroupId{9}, Role::kRead}}));
  directory.remove_membership(UserId{1}, GroupId{5});
  EXPECT_FALSE(directory.role(UserId{1}, GroupId{5}));
  EXPECT_EQ(directory.memberships(UserId{1}).size(), 2U);
}

TEST(DirectoryTest, WorkersAndTheirAccess) {
  Directory directory;
  const WorkerUuid uuid{Uuid::make_v4()};
  directory.put_worker({.id = WorkerId{1},
                        .uuid = uuid,
                        .creator = UserId{1},
                        .features = {"watch"},
                        .access = {{GroupId{4}, Role::kWrite}, {GroupId{2}, Role::kRead}}});
  directory.put_access({.worker = WorkerId{1}, .group = GroupId{3}, .role = Role::kAdmin});
  directory.remove_access(WorkerId{1}, GroupId{4});
  EXPECT_EQ(directory.worker(uuid)->access,
            (std::vector<std::pair<GroupId, Role>>{{GroupId{2}, Role::kRead}, {GroupId{3}, Role::kAdmin}}));
  directory.remove_worker(WorkerId{1});
  EXPECT_FALSE(directory.worker(uuid));
  EXPECT_FALSE(directory.worker(WorkerId{1}));
  directory.put_worker({.id = WorkerId{2}, .uuid = uuid, .creator = UserId{1}, .features = {}, .access = {}});
  directory.clear();
  EXPECT_FALSE(directory.worker(uuid));
}

}  // namespace
}  // namespace mito::core
