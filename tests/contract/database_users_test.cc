#include <algorithm>
#include <array>

#include "contract/database_place.h"

namespace mito::storage {
namespace {

class Users : public DatabaseTest {};
MITO_ON_ALL_BACKENDS(Users);

std::vector<std::string> names(const std::vector<User>& users) {
  std::vector<std::string> answer;
  for (const User& user : users)
    answer.push_back(user.username);
  return answer;
}
std::vector<std::string> names(const std::vector<Group>& groups) {
  std::vector<std::string> answer;
  for (const Group& group : groups)
    answer.push_back(group.name);
  return answer;
}
using Names = std::vector<std::string>;

TEST_P(Users, HaveAGroupOfTheirNameAndAreItsAdmin) {
  const auto [user, group] = commit([&] {
    return must(writer_->insert_user({.username = "alice", .encrypted_password = "hash", .admin = true, .now = at(5)}));
  });
  const User stored = must(reader_->user_by_name("alice")).value();
  EXPECT_EQ(stored.id, user);
  EXPECT_EQ(stored.username, "alice");
  EXPECT_EQ(stored.encrypted_password, "hash");
  EXPECT_TRUE(stored.admin);
  EXPECT_EQ(stored.state, UserState::kActive);
  EXPECT_EQ(stored.auth_signature, std::nullopt);
  EXPECT_EQ(stored.group_quota, 8);
  EXPECT_EQ(stored.group_count, 1);
  EXPECT_EQ(stored.created_at, at(5));
  EXPECT_EQ(stored.updated_at, at(5));
  EXPECT_EQ(stored.current_sign_in_at, std::nullopt);
  EXPECT_EQ(stored.last_sign_in_ip, std::nullopt);

  const Group own = must(reader_->group_by_id(group)).value();
  EXPECT_EQ(own.name, "alice");
  EXPECT_EQ(own.creator, user);
  EXPECT_EQ(own.created_at, at(5));
  EXPECT_EQ(own.state, GroupState::kActive);
  EXPECT_EQ(own.task_count, 0);
  EXPECT_EQ(own.storage_quota, 16'000'000'000);
  EXPECT_EQ(own.storage_used, 0);
  const auto members = must(reader_->members_of(group));
  ASSERT_EQ(members.size(), 1U);
  EXPECT_EQ(members[0].user, user);
  EXPECT_EQ(members[0].group, group);
  EXPECT_EQ(members[0].role, Role::kAdmin);
}

TEST_P(Users, UnknownOnesAreNothing) {
  EXPECT_FALSE(must(reader_->user_by_name("nobody")).has_value());
  EXPECT_FALSE(must(reader_->user_by_id(UserId{99})).has_value());
  EXPECT_FALSE(must(reader_->group_by_name("nobody")).has_value());
  EXPECT_FALSE(must(reader_->group_by_id(GroupId{99})).has_value());
  EXPECT_TRUE(must(reader_->users("", {})).empty());
  EXPECT_TRUE(must(reader_->members_of(GroupId{99})).empty());
  EXPECT_TRUE(must(reader_->memberships_of(UserId{99})).empty());
  EXPECT_EQ(must(reader_->count_workers_of(GroupId{99})), 0);
}

TEST_P(Users, TakenNamesAreRefusedAndLeaveTheTransactionUsable) {
  const UserId alice = add_user("alice").first;
  add_group("lab", alice);
  must(writer_->begin());
  for (const std::string name : {"alice", "lab"}) {
    EXPECT_EQ(code_of(writer_->insert_user({.username = name, .encrypted_password = "", .now = at(0)})),
              ErrorCode::kNameTaken);
    EXPECT_EQ(code_of(writer_->insert_group(name, alice, at(0))), ErrorCode::kNameTaken);
  }
  must(writer_->insert_group("other", alice, at(0)));
  must(writer_->commit());
  EXPECT_EQ(names(must(reader_->groups("", {}))), (Names{"alice", "lab", "other"}));
  EXPECT_EQ(names(must(reader_->users("", {}))), (Names{"alice"}));
}

TEST_P(Users, NamesDifferByCase) {
  add_user("alice");
  add_user("Alice");
  EXPECT_EQ(must(reader_->user_by_name("Alice")).value().username, "Alice");
  EXPECT_EQ(names(must(reader_->users("", {}))), (Names{"Alice", "alice"}));
}

TEST_P(Users, UpdateWritesEveryColumnButIdNameAndCreation) {
  const UserId id = add_user("alice").first;
  User user = must(reader_->user_by_id(id)).value();
  const User before = user;
  user.username = "mallory";
  user.created_at = at(99);
  user.encrypted_password = "pässwörd 'quoted' \"twice\" \\";
  user.auth_signature = -5;
  user.admin = true;
  user.state = UserState::kLocked;
  user.group_quota = 3;
  user.group_count = 2;
  user.updated_at = at(7);
  user.current_sign_in_at = at(8);
  user.last_sign_in_at = at(6);
  user.current_sign_in_ip = "::1";
  user.last_sign_in_ip = "127.0.0.1";
  commit([&] { must(writer_->update_user(user)); });

  const User stored = must(reader_->user_by_id(id)).value();
  EXPECT_EQ(stored.username, before.username);
  EXPECT_EQ(stored.created_at, before.created_at);
  EXPECT_EQ(stored.encrypted_password, user.encrypted_password);
  EXPECT_EQ(stored.auth_signature, -5);
  EXPECT_TRUE(stored.admin);
  EXPECT_EQ(stored.state, UserState::kLocked);
  EXPECT_EQ(stored.group_quota, 3);
  EXPECT_EQ(stored.group_count, 2);
  EXPECT_EQ(stored.updated_at, at(7));
  EXPECT_EQ(stored.current_sign_in_at, at(8));
  EXPECT_EQ(stored.last_sign_in_at, at(6));
  EXPECT_EQ(stored.current_sign_in_ip, "::1");
  EXPECT_EQ(stored.last_sign_in_ip, "127.0.0.1");

  user.auth_signature.reset();
  user.current_sign_in_ip.reset();
  commit([&] { must(writer_->update_user(user)); });
  EXPECT_EQ(must(reader_->user_by_id(id)).value().auth_signature, std::nullopt);
  EXPECT_EQ(must(reader_->user_by_id(id)).value().current_sign_in_ip, std::nullopt);
}

TEST_P(Users, UpdateOfAnUnknownOneChangesNothing) {
  User user;
  user.id = UserId{77};
  commit([&] { must(writer_->update_user(user)); });
  EXPECT_TRUE(must(reader_->users("", {})).empty());
}

TEST_P(Users, ListsAreByNameSearchedAndPaged) {
  for (const char* name : {"delta", "alpha", "Beta", "gamma", "a_b", "a%b"})
    add_user(name);
  EXPECT_EQ(names(must(reader_->users("", {}))), (Names{"Beta", "a%b", "a_b", "alpha", "delta", "gamma"}));
  EXPECT_EQ(names(must(reader_->users("eta", {}))), (Names{"Beta"}));
  EXPECT_EQ(names(must(reader_->users("_", {}))), (Names{"a_b"}));
  EXPECT_EQ(names(must(reader_->users("%", {}))), (Names{"a%b"}));
  EXPECT_EQ(names(must(reader_->users("", {.limit = 2, .offset = 1}))), (Names{"a%b", "a_b"}));
  EXPECT_EQ(names(must(reader_->users("a", {.limit = 100, .offset = 4}))), (Names{"delta", "gamma"}));
  EXPECT_EQ(names(must(reader_->users("a", {.limit = 100, .offset = 5}))), (Names{"gamma"}));
  EXPECT_EQ(names(must(reader_->users("", {.limit = 0, .offset = 0}))), Names{});
  EXPECT_EQ(names(must(reader_->users("", {.limit = ~0ULL, .offset = ~0ULL}))), Names{});
  EXPECT_EQ(must(reader_->users("", {.limit = ~0ULL, .offset = 0})).size(), 6U);
  EXPECT_EQ(names(must(reader_->groups("mm", {}))), (Names{"gamma"}));
  EXPECT_EQ(names(must(reader_->groups("", {.limit = 1, .offset = 5}))), (Names{"gamma"}));
}

TEST_P(Users, UpdateOfAGroupNeedsTheTaskCountItRead) {
  const GroupId id = add_user("alice").second;
  Group group = must(reader_->group_by_id(id)).value();
  group.name = "ignored";
  group.state = GroupState::kLocked;
  group.storage_quota = 1;
  group.storage_used = 9'000'000'000'000;
  group.updated_at = at(50);
  EXPECT_TRUE(commit([&] { return must(writer_->update_group(group)); }));
  const Group stored = must(reader_->group_by_id(id)).value();
  EXPECT_EQ(stored.name, "alice");
  EXPECT_EQ(stored.state, GroupState::kLocked);
  EXPECT_EQ(stored.storage_quota, 1);
  EXPECT_EQ(stored.storage_used, 9'000'000'000'000);
  EXPECT_EQ(stored.updated_at, at(50));

  group.task_count = 5;
  group.storage_used = 1;
  EXPECT_FALSE(commit([&] { return must(writer_->update_group(group)); }));
  EXPECT_EQ(must(reader_->group_by_id(id)).value().storage_used, 9'000'000'000'000);
  group.id = GroupId{1234};
  EXPECT_FALSE(commit([&] { return must(writer_->update_group(group)); }));
}

TEST_P(Users, MembershipsAreAddedChangedAndRemoved) {
  const auto [alice, alices] = add_user("alice");
  const auto [bob, bobs] = add_user("bob");
  const GroupId lab = add_group("lab", alice);
  const std::array both{Membership{bob, lab, Role::kRead}, Membership{bob, alices, Role::kWrite}};
  commit([&] { must(writer_->upsert_memberships(both)); });
  const std::array changed{Membership{bob, lab, Role::kAdmin}};
  commit([&] { must(writer_->upsert_memberships(changed)); });

  auto of_bob = must(reader_->memberships_of(bob));
  ASSERT_EQ(of_bob.size(), 3U);
  std::ranges::sort(of_bob, {}, &Membership::group);
  EXPECT_EQ(of_bob[0].group, alices);
  EXPECT_EQ(of_bob[0].role, Role::kWrite);
  EXPECT_EQ(of_bob[1].group, bobs);
  EXPECT_EQ(of_bob[2].group, lab);
  EXPECT_EQ(of_bob[2].role, Role::kAdmin);
  EXPECT_EQ(must(reader_->members_of(lab)).size(), 2U);

  const std::array gone{bob, UserId{4711}};
  commit([&] { must(writer_->delete_memberships(lab, gone)); });
  EXPECT_EQ(must(reader_->members_of(lab)).size(), 1U);
  EXPECT_EQ(must(reader_->memberships_of(bob)).size(), 2U);
}

TEST_P(Users, MembershipOfSomethingThatDoesNotExistIsAnError) {
  const auto [alice, group] = add_user("alice");
  const Membership wrong{alice, GroupId{99}, Role::kRead};
  must(writer_->begin());
  EXPECT_EQ(code_of(writer_->upsert_memberships({&wrong, 1})), ErrorCode::kInternal);
  writer_->rollback();
  EXPECT_EQ(must(reader_->memberships_of(alice)).size(), 1U);
}

TEST_P(Users, EmptySpansAreFine) {
  const GroupId group = add_user("alice").second;
  commit([&] {
    must(writer_->upsert_memberships({}));
    must(writer_->delete_memberships(group, {}));
    EXPECT_TRUE(must(writer_->read_groups({})).empty());
    EXPECT_TRUE(must(writer_->update_task_counts({})).empty());
  });
  EXPECT_EQ(must(reader_->members_of(group)).size(), 1U);
}

TEST_P(Users, TaskCountsChangeOnlyFromWhatWasRead) {
  const GroupId one = add_user("one").second;
  const GroupId two = add_user("two").second;
  const std::array counters{GroupCounters{one, 0, 3, at(60)}, GroupCounters{two, 7, 8, at(60)},
                            GroupCounters{GroupId{99}, 0, 1, at(60)}, GroupCounters{one, 3, 5, std::nullopt}};
  EXPECT_EQ(commit([&] { return must(writer_->update_task_counts(counters)); }),
            (std::vector<bool>{true, false, false, true}));
  const std::array ids{two, GroupId{99}, one};
  const auto groups = must(writer_->read_groups(ids));
  ASSERT_EQ(groups.size(), 2U);
  for (const Group& group : groups) {
    EXPECT_EQ(group.task_count, group.id == one ? 5 : 0);
    EXPECT_EQ(group.updated_at, group.id == one ? at(60) : at(0));
  }
}

}  // namespace
}  // namespace mito::storage
