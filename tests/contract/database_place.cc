#include "contract/database_place.h"

#include <cstdlib>

#include "storage/database/memory/memory.h"
#include "storage/database/postgres/postgres.h"
#include "storage/database/sqlite/sqlite.h"
#include "support/postgres_server.h"

namespace mito::storage {
namespace {

Uuid numbered(std::uint8_t kind, std::uint64_t number) {
  Uuid uuid;
  uuid.bytes[0] = kind;
  for (std::size_t i = 0; i < 8; ++i)
    uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return uuid;
}

std::unique_ptr<Database> new_postgres(const std::filesystem::path& /*directory*/) {
  const auto& server = mito::testing::PostgresServer::instance();
  // Tables are made once, which takes longer than a test.
  static const std::string kTemplate = [&] {
    PostgresSettings settings;
    settings.url = server.new_database();
    must(must(open_postgres(settings))->open_writer());
    return settings.url;
  }();
  PostgresSettings settings;
  settings.url = server.copy_of(kTemplate);
  settings.lock_timeout = std::chrono::milliseconds(50);
  return must(open_postgres(settings));
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "mito-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<Backend> all_backends() {
  std::vector<Backend> backends{{"memory", [](const std::filesystem::path&) { return open_memory(); }},
                                {"sqlite", [](const std::filesystem::path& directory) {
                                   return must(open_sqlite({.path = directory / "mitosis.sqlite",
                                                            .busy_timeout = std::chrono::milliseconds(50)}));
                                 }}};
  // Where it is missing a test of postgres_test.cc says so.
  if (mito::testing::PostgresServer::can_run()) backends.push_back({"postgres", new_postgres});
  return backends;
}

Timestamp at(std::int64_t seconds) {
  return Timestamp{std::chrono::seconds{1'700'000'000 + seconds}};
}
TaskUuid task_uuid(std::uint64_t number) {
  return {numbered(1, number)};
}
WorkerUuid worker_uuid(std::uint64_t number) {
  return {numbered(2, number)};
}

DatabaseTest::DatabaseTest()
    : database_(GetParam().make(directory_.path())),
      writer_(must(database_->open_writer())),
      reader_(must(database_->open_reader())) {}

std::pair<UserId, GroupId> DatabaseTest::add_user(const std::string& name) {
  return commit([&] {
    return must(
        writer_->insert_user({.username = name, .encrypted_password = "$argon2id$…", .admin = false, .now = at(0)}));
  });
}

GroupId DatabaseTest::add_group(const std::string& name, UserId creator) {
  return commit([&] { return must(writer_->insert_group(name, creator, at(1))); });
}

WorkerId DatabaseTest::add_worker(std::uint64_t number, UserId creator, std::vector<std::pair<GroupId, Role>> access,
                                  std::vector<std::string> tags, std::vector<std::string> labels) {
  NewWorker worker;
  worker.uuid = worker_uuid(number);
  worker.creator = creator;
  worker.access = std::move(access);
  worker.tags = std::move(tags);
  worker.labels = std::move(labels);
  worker.now = at(2);
  return commit([&] { return must(writer_->insert_worker(worker)); });
}

NewTask DatabaseTest::task_in(GroupId group, UserId creator) {
  NewTask task;
  task.id = must(writer_->reserve_task_ids(1));
  task.uuid = task_uuid(static_cast<std::uint64_t>(task.id.value));
  task.creator = creator;
  task.group = group;
  task.number = task.id.value;
  task.now = at(3);
  task.timeout_seconds = 60;
  task.spec = R"({"args":["true"]})";
  return task;
}

void DatabaseTest::insert(const std::vector<NewTask>& tasks) {
  commit([&] { must(writer_->insert_tasks(tasks)); });
}

TaskId DatabaseTest::add_task() {
  if (!owner_) owner_ = add_user("owner");
  const NewTask task = task_in(owner_->second, owner_->first);
  insert({task});
  return task.id;
}

TaskId DatabaseTest::add_running(WorkerId worker) {
  const TaskId task = add_task();
  if (!claim(task, worker)) throw std::runtime_error("a new task could not be claimed");
  return task;
}

bool DatabaseTest::claim(TaskId task, WorkerId worker, Timestamp now) {
  const Claim claim{.task = task, .worker = worker, .now = now};
  return commit([&] { return must(writer_->claim_tasks({&claim, 1})); }).at(0).has_value();
}

bool DatabaseTest::report(TaskId task, WorkerId worker, TaskState state, Timestamp now) {
  const StateReport report{.task = task, .worker = worker, .state = state, .now = now};
  return commit([&] { return must(writer_->report_states({&report, 1})); }).at(0);
}

bool DatabaseTest::archive(const Archive& archive) {
  return commit([&] { return must(writer_->archive_tasks({&archive, 1})); }).at(0);
}

bool DatabaseTest::release(const Release& release) {
  return commit([&] { return must(writer_->release_tasks({&release, 1})); }).at(0);
}

Task DatabaseTest::task(TaskId id) {
  return must(reader_->task_by_id(id)).value();
}

}  // namespace mito::storage
