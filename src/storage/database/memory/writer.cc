#include "storage/database/memory/writer.h"

#include <algorithm>

namespace mito::storage::memory {

MemoryWriter::MemoryWriter(std::shared_ptr<Store> store, std::uint64_t epoch, std::uint64_t batch)
    : store_(std::move(store)), epoch_(epoch), committed_(batch), batch_(batch) {}

MemoryWriter::~MemoryWriter() {
  rollback();
}

Result<void> MemoryWriter::begin() {
  if (open_) return fail(ErrorCode::kInternal, "", "begin inside a transaction");
  auto turn = store_->turn.lock();
  if (turn->epoch != epoch_) return fail(ErrorCode::kFenced, "Another coordinator has taken over the database.");
  if (turn->batch != committed_)
    return fail(ErrorCode::kUnavailable, "The outcome of the last transaction is not known yet.",
                "recover() is missing");
  turn->in_transaction = this;
  batch_ = committed_ + 1;
  open_ = true;
  broken_ = false;
  return {};
}

Result<void> MemoryWriter::commit() {
  if (!open_) return fail(ErrorCode::kInternal, "", "commit without a transaction");
  if (broken_) return fail(ErrorCode::kInternal, "", "commit of a transaction in which a statement failed");
  auto turn = store_->turn.lock();
  {
    auto committed = store_->committed.lock();
    store_->working.publish_to(*committed);
  }
  savepoint_.reset();
  open_ = false;
  committed_ = turn->batch = batch_;
  turn->in_transaction = nullptr;
  return {};
}

void MemoryWriter::rollback() {
  if (!open_) return;
  store_->working.undo_to(Tables::Mark{});
  savepoint_.reset();
  open_ = false;
  store_->turn.lock()->in_transaction = nullptr;
}

Result<void> MemoryWriter::savepoint() {
  MITO_TRY(check_writable());
  if (savepoint_) return fail(ErrorCode::kInternal, "", "savepoints do not nest");
  savepoint_ = store_->working.mark();
  return {};
}

Result<void> MemoryWriter::release_savepoint() {
  MITO_TRY(check_writable());
  if (!savepoint_) return fail(ErrorCode::kInternal, "", "no savepoint to release");
  savepoint_.reset();
  return {};
}

Result<void> MemoryWriter::rollback_to_savepoint() {
  if (!open_ || !savepoint_) return fail(ErrorCode::kInternal, "", "no savepoint to roll back to");
  store_->working.undo_to(*savepoint_);
  savepoint_.reset();
  broken_ = false;
  return {};
}

Result<std::uint64_t> MemoryWriter::recover() {
  rollback();
  auto turn = store_->turn.lock();
  if (turn->epoch != epoch_) return fail(ErrorCode::kFenced, "Another coordinator has taken over the database.");
  return committed_ = turn->batch;
}

Result<TaskId> MemoryWriter::reserve_task_ids(std::size_t count) {
  auto turn = store_->turn.lock();
  const TaskId first = turn->next_task;
  turn->next_task.value += static_cast<std::int64_t>(count);
  return first;
}

Result<void> MemoryWriter::check_writable() const {
  if (!open_) return fail(ErrorCode::kInternal, "", "a write outside of a transaction");
  if (broken_) return fail(ErrorCode::kInternal, "", "a write after a failed statement");
  return {};
}

std::unexpected<Error> MemoryWriter::broken(std::string reason) {
  broken_ = true;
  return fail(ErrorCode::kInternal, "", std::move(reason));
}

bool MemoryWriter::name_taken(std::string_view name) const {
  return store_->working.users.index().by_name.contains(name) || store_->working.groups.index().by_name.contains(name);
}

GroupId MemoryWriter::add_group(std::string_view name, UserId creator, Timestamp now) {
  const GroupId id{++store_->last_group};
  tables().groups.put(
      id, Group{.id = id, .name = std::string(name), .creator = creator, .created_at = now, .updated_at = now});
  tables().memberships.put({id, creator}, Role::kAdmin);
  return id;
}

Result<std::pair<UserId, GroupId>> MemoryWriter::insert_user(const NewUser& user) {
  MITO_TRY(check_writable());
  if (name_taken(user.username)) return fail(ErrorCode::kNameTaken);
  const UserId id{++store_->last_user};
  User row;
  row.id = id;
  row.username = user.username;
  row.encrypted_password = user.encrypted_password;
  row.admin = user.admin;
  row.created_at = row.updated_at = user.now;
  tables().users.put(id, std::move(row));
  return std::pair(id, add_group(user.username, id, user.now));
}

Result<void> MemoryWriter::update_user(const User& user) {
  MITO_TRY(check_writable());
  if (tables().users.find(user.id) == nullptr) return {};
  tables().users.update(user.id, [&](User& row) {
    User changed = user;
    changed.username = row.username;
    changed.created_at = row.created_at;
    row = std::move(changed);
  });
  return {};
}

Result<GroupId> MemoryWriter::insert_group(std::string_view name, UserId creator, Timestamp now) {
  MITO_TRY(check_writable());
  if (name_taken(name)) return fail(ErrorCode::kNameTaken);
  if (tables().users.find(creator) == nullptr) return broken("the creator of the group does not exist");
  return add_group(name, creator, now);
}

Result<bool> MemoryWriter::update_group(const Group& group) {
  MITO_TRY(check_writable());
  const Group* old = tables().groups.find(group.id);
  if (old == nullptr || old->task_count != group.task_count) return false;
  tables().groups.update(group.id, [&](Group& row) {
    row.state = group.state;
    row.storage_quota = group.storage_quota;
    row.storage_used = group.storage_used;
    row.updated_at = group.updated_at;
  });
  return true;
}

Result<void> MemoryWriter::upsert_memberships(std::span<const Membership> memberships) {
  MITO_TRY(check_writable());
  for (const Membership& membership : memberships) {
    if (tables().users.find(membership.user) == nullptr || tables().groups.find(membership.group) == nullptr)
      return broken("a membership of a user or group that does not exist");
    tables().memberships.put({membership.group, membership.user}, membership.role);
  }
  return {};
}

Result<void> MemoryWriter::delete_memberships(GroupId group, std::span<const UserId> users) {
  MITO_TRY(check_writable());
  for (const UserId user : users)
    tables().memberships.erase({group, user});
  return {};
}

Result<WorkerId> MemoryWriter::insert_worker(const NewWorker& worker) {
  MITO_TRY(check_writable());
  if (tables().workers.index().by_uuid.contains(worker.uuid)) return broken("a worker of this uuid exists");
  if (tables().users.find(worker.creator) == nullptr) return broken("the creator of the worker does not exist");
  const WorkerId id{++store_->last_worker};
  Worker row;
  row.id = id;
  row.uuid = worker.uuid;
  row.creator = worker.creator;
  row.tags = worker.tags;
  row.labels = worker.labels;
  row.created_at = row.updated_at = row.last_heartbeat = worker.now;
  row.lease = worker.lease;
  row.features = worker.features;
  row.info = worker.info;
  tables().workers.put(id, std::move(row));
  std::vector<WorkerAccess> access;
  access.reserve(worker.access.size());
  for (const auto& [group, role] : worker.access)
    access.push_back({id, group, role});
  MITO_TRY(upsert_access(access));
  return id;
}

Result<void> MemoryWriter::update_worker(const Worker& worker) {
  MITO_TRY(check_writable());
  if (tables().workers.find(worker.id) == nullptr) return {};
  tables().workers.update(worker.id, [&](Worker& row) {
    row.tags = worker.tags;
    row.labels = worker.labels;
    row.state = worker.state;
    row.updated_at = worker.updated_at;
  });
  return {};
}

Result<void> MemoryWriter::upsert_access(std::span<const WorkerAccess> access) {
  MITO_TRY(check_writable());
  for (const WorkerAccess& row : access) {
    if (tables().workers.find(row.worker) == nullptr || tables().groups.find(row.group) == nullptr)
      return broken("a role on a worker or of a group that does not exist");
    tables().access.put({row.worker, row.group}, row.role);
  }
  return {};
}

Result<void> MemoryWriter::delete_access(WorkerId worker, std::span<const GroupId> groups) {
  MITO_TRY(check_writable());
  for (const GroupId group : groups)
    tables().access.erase({worker, group});
  return {};
}

Result<void> MemoryWriter::delete_workers(std::span<const WorkerId> workers) {
  MITO_TRY(check_writable());
  for (const WorkerId worker : workers) {
    MITO_TRY_ASSIGN(const std::vector<WorkerAccess> access, Reading(tables()).access_of(worker));
    for (const WorkerAccess& row : access)
      tables().access.erase({worker, row.group});
    tables().workers.erase(worker);
  }
  return {};
}

Result<void> MemoryWriter::write_heartbeats(std::span<const std::pair<WorkerId, Timestamp>> heartbeats) {
  MITO_TRY(check_writable());
  for (const auto& [worker, time] : heartbeats)
    if (tables().workers.find(worker) != nullptr)
      tables().workers.update(worker, [&](Worker& row) { row.last_heartbeat = time; });
  return {};
}

Result<void> MemoryWriter::upsert_artifact(const Artifact& artifact) {
  MITO_TRY(check_writable());
  const ArtifactKey key{artifact.task, artifact.content_type};
  const Artifact* old = tables().artifacts.find(key);
  Artifact row = artifact;
  if (old != nullptr) row.created_at = old->created_at;
  tables().artifacts.put(key, row);
  return {};
}

Result<void> MemoryWriter::delete_artifact(TaskUuid task, ArtifactContentType type) {
  MITO_TRY(check_writable());
  tables().artifacts.erase({task, type});
  return {};
}

Result<void> MemoryWriter::upsert_attachment(const Attachment& attachment) {
  MITO_TRY(check_writable());
  if (tables().groups.find(attachment.group) == nullptr) return broken("an attachment of a group that does not exist");
  const AttachmentKey key{attachment.group, attachment.key};
  const Attachment* old = tables().attachments.find(key);
  Attachment row = attachment;
  if (old != nullptr) row.created_at = old->created_at;
  tables().attachments.put(key, std::move(row));
  return {};
}

Result<void> MemoryWriter::delete_attachment(GroupId group, std::string_view key) {
  MITO_TRY(check_writable());
  tables().attachments.erase({group, std::string(key)});
  return {};
}

Result<void> MemoryWriter::set_fact(std::string_view name, std::string_view value) {
  MITO_TRY(check_writable());
  tables().facts.put(std::string(name), std::string(value));
  return {};
}

}  // namespace mito::storage::memory
