#include "storage/database/memory/reading.h"

#include <algorithm>

#include "storage/database/like.h"

namespace mito::storage::memory {
namespace {

template <class Row>
std::optional<Row> copy(const Row* row) {
  return row != nullptr ? std::optional<Row>(*row) : std::nullopt;
}

template <class Row, class Rows, class Names>
std::vector<Row> by_name(const Rows& rows, const Names& names, std::string_view part, Page page) {
  PageOf<Row> answer(page);
  for (const auto& [name, id] : names)
    if (name.find(part) != std::string::npos && !answer.add(*rows.find(id))) break;
  return answer.take();
}

}  // namespace

bool contains_all(const std::vector<std::string>& all, const std::vector<std::string>& wanted) {
  return std::ranges::all_of(wanted, [&](const std::string& item) { return std::ranges::binary_search(all, item); });
}

Result<std::optional<User>> Reading::user_by_name(std::string_view name) const {
  const auto& names = tables_->users.index().by_name;
  const auto found = names.find(name);
  return found == names.end() ? std::nullopt : copy(tables_->users.find(found->second));
}

Result<std::optional<User>> Reading::user_by_id(UserId id) const {
  return copy(tables_->users.find(id));
}

Result<std::vector<User>> Reading::users(std::string_view part, Page page) const {
  return by_name<User>(tables_->users, tables_->users.index().by_name, part, page);
}

Result<std::optional<Group>> Reading::group_by_name(std::string_view name) const {
  const auto& names = tables_->groups.index().by_name;
  const auto found = names.find(name);
  return found == names.end() ? std::nullopt : copy(tables_->groups.find(found->second));
}

Result<std::optional<Group>> Reading::group_by_id(GroupId id) const {
  return copy(tables_->groups.find(id));
}

Result<std::vector<Group>> Reading::groups(std::string_view part, Page page) const {
  return by_name<Group>(tables_->groups, tables_->groups.index().by_name, part, page);
}

Result<std::vector<Membership>> Reading::members_of(GroupId group) const {
  std::vector<Membership> answer;
  const auto& rows = tables_->memberships.rows();
  for (auto row = rows.lower_bound({group, UserId{}}); row != rows.end() && row->first.first == group; ++row)
    answer.push_back({row->first.second, group, *row->second});
  return answer;
}

Result<std::vector<Membership>> Reading::memberships_of(UserId user) const {
  std::vector<Membership> answer;
  const auto& index = tables_->memberships.index().by_user;
  for (auto place = index.lower_bound({user, GroupId{}}); place != index.end() && place->first == user; ++place)
    answer.push_back({user, place->second, *tables_->memberships.find({place->second, user})});
  return answer;
}

Result<std::int64_t> Reading::count_workers_of(GroupId group) const {
  const auto& index = tables_->access.index().by_group;
  return std::distance(index.lower_bound({group, WorkerId{}}),
                       index.lower_bound({GroupId{group.value + 1}, WorkerId{}}));
}

Worker Reading::complete(const Worker& row) const {
  Worker worker = row;
  const auto& assigned = tables_->tasks.index().assigned;
  const auto task = assigned.lower_bound({row.id, TaskId{}});
  if (task != assigned.end() && task->first == row.id) worker.assigned_task = task->second;
  return worker;
}

Result<std::optional<Worker>> Reading::worker_by_uuid(WorkerUuid uuid) const {
  const auto& uuids = tables_->workers.index().by_uuid;
  const auto found = uuids.find(uuid);
  if (found == uuids.end()) return std::nullopt;
  return worker_by_id(found->second);
}

Result<std::optional<Worker>> Reading::worker_by_id(WorkerId id) const {
  const Worker* row = tables_->workers.find(id);
  if (row == nullptr) return std::nullopt;
  return complete(*row);
}

Result<std::vector<WorkerAccess>> Reading::access_of(WorkerId worker) const {
  std::vector<WorkerAccess> answer;
  const auto& rows = tables_->access.rows();
  for (auto row = rows.lower_bound({worker, GroupId{}}); row != rows.end() && row->first.first == worker; ++row)
    answer.push_back({worker, row->first.second, *row->second});
  return answer;
}

bool Reading::matches(const Worker& worker, const WorkerFilter& filter) const {
  if (filter.tags && !contains_all(worker.tags, *filter.tags)) return false;
  if (filter.labels && !contains_all(worker.labels, *filter.labels)) return false;
  if (filter.creator) {
    const User* creator = tables_->users.find(worker.creator);
    if (creator == nullptr || creator->username != *filter.creator) return false;
  }
  if (!filter.group && !filter.roles) return true;
  const auto& rows = tables_->access.rows();
  for (auto row = rows.lower_bound({worker.id, GroupId{}}); row != rows.end() && row->first.first == worker.id; ++row) {
    const bool of_group = !filter.group || row->first.second == *filter.group;
    if (of_group && (!filter.roles || std::ranges::find(*filter.roles, *row->second) != filter.roles->end()))
      return true;
  }
  return false;
}

Result<std::vector<Worker>> Reading::workers(const WorkerFilter& filter, Page page) const {
  PageOf<Worker> answer(page);
  for (const auto& [id, row] : tables_->workers.rows())
    if (matches(*row, filter) && !answer.add(complete(*row))) break;
  return answer.take();
}

Result<std::optional<Artifact>> Reading::artifact(TaskUuid task, ArtifactContentType type) const {
  return copy(tables_->artifacts.find({task, type}));
}

Result<std::vector<Artifact>> Reading::artifacts_of(TaskUuid task) const {
  std::vector<Artifact> answer;
  const auto& rows = tables_->artifacts.rows();
  for (auto row = rows.lower_bound({task, ArtifactContentType::kResult}); row != rows.end() && row->first.first == task;
       ++row)
    answer.push_back(*row->second);
  return answer;
}

Result<std::vector<Artifact>> Reading::artifacts_of(std::span<const TaskUuid> tasks, ArtifactContentType type) const {
  std::vector<Artifact> answer;
  for (const TaskUuid task : tasks)
    if (const Artifact* row = tables_->artifacts.find({task, type})) answer.push_back(*row);
  return answer;
}

Result<std::optional<Attachment>> Reading::attachment(GroupId group, std::string_view key) const {
  return copy(tables_->attachments.find({group, std::string(key)}));
}

Result<std::vector<Attachment>> Reading::attachments(GroupId group, std::string_view pattern, Page page) const {
  PageOf<Attachment> answer(page);
  const std::string anywhere = "%" + std::string(pattern) + "%";
  const auto& rows = tables_->attachments.rows();
  for (auto row = rows.lower_bound({group, ""}); row != rows.end() && row->first.first == group; ++row)
    if ((pattern.empty() || like(row->first.second, anywhere)) && !answer.add(*row->second)) break;
  return answer.take();
}

Result<std::int64_t> Reading::count_attachments(GroupId group, std::string_view pattern) const {
  MITO_TRY_ASSIGN(const std::vector<Attachment> found, attachments(group, pattern, {}));
  return static_cast<std::int64_t>(found.size());
}

Result<std::vector<Attachment>> Reading::attachments_by_key(GroupId group, std::span<const std::string> keys) const {
  std::vector<Attachment> answer;
  for (const std::string& key : keys)
    if (const Attachment* row = tables_->attachments.find({group, key})) answer.push_back(*row);
  return answer;
}

Result<void> Reading::each_artifact(const std::function<void(Artifact&&)>& take) const {
  for (const auto& [key, row] : tables_->artifacts.rows())
    take(Artifact(*row));
  return {};
}

Result<void> Reading::each_attachment(const std::function<void(Attachment&&)>& take) const {
  for (const auto& [key, row] : tables_->attachments.rows())
    take(Attachment(*row));
  return {};
}

Result<std::optional<std::string>> Reading::fact(std::string_view name) const {
  return copy(tables_->facts.find(std::string(name)));
}

Result<void> Reading::each_user(const std::function<void(User&&)>& take) const {
  for (const auto& [id, row] : tables_->users.rows())
    take(User(*row));
  return {};
}

Result<void> Reading::each_group(const std::function<void(Group&&)>& take) const {
  for (const auto& [id, row] : tables_->groups.rows())
    take(Group(*row));
  return {};
}

Result<void> Reading::each_membership(const std::function<void(Membership&&)>& take) const {
  for (const auto& [key, role] : tables_->memberships.rows())
    take(Membership{key.second, key.first, *role});
  return {};
}

Result<void> Reading::each_worker(const std::function<void(Worker&&)>& take) const {
  for (const auto& [id, row] : tables_->workers.rows())
    take(complete(*row));
  return {};
}

Result<void> Reading::each_worker_access(const std::function<void(WorkerAccess&&)>& take) const {
  for (const auto& [key, role] : tables_->access.rows())
    take(WorkerAccess{key.first, key.second, *role});
  return {};
}

}  // namespace mito::storage::memory
