#include <array>

#include "contract/database_place.h"

namespace mito::storage {
namespace {

class Workers : public DatabaseTest {
 protected:
  std::vector<WorkerId> list(const WorkerFilter& filter, Page page = {}) {
    std::vector<WorkerId> ids;
    for (const Worker& worker : must(reader_->workers(filter, page)))
      ids.push_back(worker.id);
    return ids;
  }
};
MITO_ON_ALL_BACKENDS(Workers);

using Ids = std::vector<WorkerId>;

TEST_P(Workers, KeepWhatTheyRegisteredWith) {
  const auto [alice, group] = add_user("alice");
  const GroupId lab = add_group("lab", alice);
  NewWorker worker;
  worker.uuid = worker_uuid(1);
  worker.creator = alice;
  worker.tags = {"", "gpu", "größe", "quo\"te", "tab\there"};
  worker.labels = {"back\\slash", "x,y"};
  worker.access = {{group, Role::kWrite}, {lab, Role::kAdmin}};
  worker.lease = std::chrono::milliseconds(30'500);
  worker.features = {"complete", "wait"};
  worker.info = R"({"host":"näme"})";
  worker.now = at(9);
  const WorkerId id = commit([&] { return must(writer_->insert_worker(worker)); });

  const Worker stored = must(reader_->worker_by_uuid(worker.uuid)).value();
  EXPECT_EQ(stored.id, id);
  EXPECT_EQ(stored.uuid, worker.uuid);
  EXPECT_EQ(stored.creator, alice);
  EXPECT_EQ(stored.tags, worker.tags);
  EXPECT_EQ(stored.labels, worker.labels);
  EXPECT_EQ(stored.created_at, at(9));
  EXPECT_EQ(stored.updated_at, at(9));
  EXPECT_EQ(stored.last_heartbeat, at(9));
  EXPECT_EQ(stored.state, WorkerState::kNormal);
  EXPECT_EQ(stored.assigned_task, std::nullopt);
  EXPECT_EQ(stored.lease, worker.lease);
  EXPECT_EQ(stored.features, worker.features);
  EXPECT_EQ(stored.info, worker.info);
  EXPECT_EQ(must(reader_->worker_by_id(id)).value().uuid, worker.uuid);

  const auto access = must(reader_->access_of(id));
  ASSERT_EQ(access.size(), 2U);
  EXPECT_EQ(access[0].group, group);
  EXPECT_EQ(access[0].role, Role::kWrite);
  EXPECT_EQ(access[1].group, lab);
  EXPECT_EQ(access[1].role, Role::kAdmin);
  EXPECT_EQ(must(reader_->count_workers_of(lab)), 1);
}

TEST_P(Workers, UnknownOnesAreNothing) {
  EXPECT_FALSE(must(reader_->worker_by_uuid(worker_uuid(5))).has_value());
  EXPECT_FALSE(must(reader_->worker_by_id(WorkerId{5})).has_value());
  EXPECT_TRUE(must(reader_->access_of(WorkerId{5})).empty());
  EXPECT_TRUE(list({}).empty());
}

TEST_P(Workers, AUuidThatExistsIsAnError) {
  const UserId alice = add_user("alice").first;
  add_worker(1, alice);
  NewWorker again;
  again.uuid = worker_uuid(1);
  again.creator = alice;
  must(writer_->begin());
  EXPECT_EQ(code_of(writer_->insert_worker(again)), ErrorCode::kInternal);
  writer_->rollback();
  EXPECT_EQ(list({}).size(), 1U);
}

TEST_P(Workers, UpdateWritesTagsLabelsAndState) {
  const UserId alice = add_user("alice").first;
  const WorkerId id = add_worker(1, alice, {}, {"a"}, {"b"});
  Worker worker = must(reader_->worker_by_id(id)).value();
  worker.tags = {};
  worker.labels = {"c", "d"};
  worker.state = WorkerState::kGracefulShutdown;
  worker.updated_at = at(40);
  worker.info = "ignored";
  commit([&] { must(writer_->update_worker(worker)); });
  const Worker stored = must(reader_->worker_by_id(id)).value();
  EXPECT_TRUE(stored.tags.empty());
  EXPECT_EQ(stored.labels, worker.labels);
  EXPECT_EQ(stored.state, WorkerState::kGracefulShutdown);
  EXPECT_EQ(stored.updated_at, at(40));
  EXPECT_EQ(stored.last_heartbeat, at(2));
  EXPECT_EQ(stored.info, "");
}

TEST_P(Workers, AccessIsAddedChangedAndRemoved) {
  const auto [alice, group] = add_user("alice");
  const GroupId lab = add_group("lab", alice);
  const WorkerId id = add_worker(1, alice, {{group, Role::kRead}});
  const std::array rows{WorkerAccess{id, group, Role::kAdmin}, WorkerAccess{id, lab, Role::kWrite}};
  commit([&] { must(writer_->upsert_access(rows)); });
  ASSERT_EQ(must(reader_->access_of(id)).size(), 2U);
  EXPECT_EQ(must(reader_->access_of(id))[0].role, Role::kAdmin);
  const std::array gone{group, GroupId{999}};
  commit([&] { must(writer_->delete_access(id, gone)); });
  ASSERT_EQ(must(reader_->access_of(id)).size(), 1U);
  EXPECT_EQ(must(reader_->access_of(id))[0].group, lab);
  EXPECT_EQ(must(reader_->count_workers_of(group)), 0);
}

TEST_P(Workers, RemovalTakesTheirAccessAlong) {
  const auto [alice, group] = add_user("alice");
  const WorkerId one = add_worker(1, alice, {{group, Role::kWrite}});
  const WorkerId two = add_worker(2, alice, {{group, Role::kWrite}});
  const WorkerId three = add_worker(3, alice, {{group, Role::kWrite}});
  const std::array gone{one, three, WorkerId{999}};
  commit([&] { must(writer_->delete_workers(gone)); });
  EXPECT_EQ(list({}), Ids{two});
  EXPECT_TRUE(must(reader_->access_of(one)).empty());
  EXPECT_EQ(must(reader_->count_workers_of(group)), 1);
  EXPECT_GT(add_worker(4, alice), three) << "an id was used twice";
}

TEST_P(Workers, HeartbeatsAreWrittenForThoseThatExist) {
  const UserId alice = add_user("alice").first;
  const WorkerId one = add_worker(1, alice);
  const WorkerId two = add_worker(2, alice);
  const std::array beats{std::pair(one, at(100)), std::pair(WorkerId{999}, at(100))};
  commit([&] { must(writer_->write_heartbeats(beats)); });
  EXPECT_EQ(must(reader_->worker_by_id(one)).value().last_heartbeat, at(100));
  EXPECT_EQ(must(reader_->worker_by_id(one)).value().updated_at, at(2));
  EXPECT_EQ(must(reader_->worker_by_id(two)).value().last_heartbeat, at(2));
}

TEST_P(Workers, HoldTheTaskTheyClaimedUntilItIsArchivedOrReleased) {
  const UserId alice = add_user("alice").first;
  const WorkerId worker = add_worker(1, alice);
  const auto held = [&] { return must(reader_->worker_by_uuid(worker_uuid(1))).value().assigned_task; };
  const TaskId first = add_running(worker);
  EXPECT_EQ(held(), first);
  EXPECT_EQ(must(reader_->workers({}, {})).at(0).assigned_task, first);
  ASSERT_TRUE(report(first, worker, TaskState::kFinished));
  EXPECT_EQ(held(), first);
  ASSERT_TRUE(
      archive({.task = first, .from = {TaskState::kFinished}, .worker = worker, .result = "{}", .now = at(30)}));
  EXPECT_EQ(held(), std::nullopt);
  const TaskId second = add_running(worker);
  EXPECT_EQ(held(), second);
  ASSERT_TRUE(release({.task = second, .worker = worker, .now = at(40)}));
  EXPECT_EQ(held(), std::nullopt);
}

TEST_P(Workers, FiltersAloneAndCombined) {
  const auto [alice, alices] = add_user("alice");
  const auto [bob, bobs] = add_user("bob");
  const WorkerId one = add_worker(1, alice, {{alices, Role::kAdmin}, {bobs, Role::kRead}}, {"a", "b"}, {"x"});
  const WorkerId two = add_worker(2, bob, {{bobs, Role::kAdmin}}, {"b"}, {"x", "y"});
  const WorkerId three = add_worker(3, alice, {}, {}, {});

  const auto roles = [](std::vector<Role> wanted) { return std::optional(std::move(wanted)); };
  const auto set = [](std::vector<std::string> wanted) { return std::optional(std::move(wanted)); };
  struct Case {
    const char* name;
    WorkerFilter filter;
    Ids expected;
  };
  const Case cases[] = {
      {"none", {}, {one, two, three}},
      {"group", {.group = bobs}, {one, two}},
      {"group of nobody", {.group = GroupId{99}}, {}},
      {"role in group", {.group = bobs, .roles = roles({Role::kAdmin})}, {two}},
      {"any of two roles", {.group = bobs, .roles = roles({Role::kAdmin, Role::kRead})}, {one, two}},
      {"no role at all", {.group = bobs, .roles = roles({})}, {}},
      {"role in any group", {.roles = roles({Role::kRead})}, {one}},
      {"tag", {.tags = set({"b"})}, {one, two}},
      {"all of the tags", {.tags = set({"a", "b"})}, {one}},
      {"unknown tag", {.tags = set({"b", "c"})}, {}},
      {"no tags asked for", {.tags = set({})}, {one, two, three}},
      {"labels", {.labels = set({"x", "y"})}, {two}},
      {"no labels asked for", {.labels = set({})}, {one, two, three}},
      {"creator", {.creator = "alice"}, {one, three}},
      {"unknown creator", {.creator = "carol"}, {}},
      {"everything",
       {.group = bobs, .roles = roles({Role::kRead}), .tags = set({"a"}), .labels = set({"x"}), .creator = "alice"},
       {one}},
      {"one thing wrong",
       {.group = bobs, .roles = roles({Role::kRead}), .tags = set({"a"}), .labels = set({"y"}), .creator = "alice"},
       {}},
  };
  for (const Case& c : cases)
    EXPECT_EQ(list(c.filter), c.expected) << c.name;
  EXPECT_EQ(list({}, {.limit = 1, .offset = 1}), Ids{two});
  EXPECT_EQ(list({.tags = set({"b"})}, {.limit = 5, .offset = 1}), Ids{two});
}

}  // namespace
}  // namespace mito::storage
