#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "storage/database/database.h"

namespace mito::storage {

/// A directory of its own under the system's temporary one, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A kind of database and how to get a fresh, empty one.
struct Backend {
  std::string name;
  std::function<std::unique_ptr<Database>(const std::filesystem::path& directory)> make;
  friend void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }
};
std::vector<Backend> all_backends();

/// The value, or the end of the test with the error's text.
template <class T>
T must(Result<T> result) {
  if (!result)
    throw std::runtime_error(std::string(to_string(result.error().code())) + ": " + describe(result.error()));
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// The error's code, or the end of the test when there is none.
template <class T>
ErrorCode code_of(const Result<T>& result) {
  if (result) throw std::runtime_error("it succeeded, and should have failed");
  return result.error().code();
}

/// Seconds after some moment.
Timestamp at(std::int64_t seconds);
/// Different for each number, and ordered like them.
TaskUuid task_uuid(std::uint64_t number);
WorkerUuid worker_uuid(std::uint64_t number);

/// An empty database with an open writer, and short ways to fill it.
class DatabaseTest : public ::testing::TestWithParam<Backend> {
 protected:
  DatabaseTest();

  /// Runs `work` in a transaction of its own.
  template <class Work>
  auto commit(Work work) {
    must(writer_->begin());
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      must(writer_->commit());
    } else {
      auto value = work();
      must(writer_->commit());
      return value;
    }
  }

  /// A user with the group of his name.
  std::pair<UserId, GroupId> add_user(const std::string& name);
  GroupId add_group(const std::string& name, UserId creator);
  WorkerId add_worker(std::uint64_t number, UserId creator, std::vector<std::pair<GroupId, Role>> access = {},
                      std::vector<std::string> tags = {}, std::vector<std::string> labels = {});
  /// A Ready task with the next id, whose uuid and number are made from that id.
  NewTask task_in(GroupId group, UserId creator);
  /// Inserts them in one transaction.
  void insert(const std::vector<NewTask>& tasks);
  /// Inserts one Ready task of the user and group made at first use.
  TaskId add_task();
  /// One that `worker` has claimed.
  TaskId add_running(WorkerId worker);
  /// Runs one conditional operation on one element in its own transaction.
  bool claim(TaskId task, WorkerId worker, Timestamp now = at(10));
  bool report(TaskId task, WorkerId worker, TaskState state, Timestamp now = at(20));
  bool archive(const Archive& archive);
  bool release(const Release& release);
  Task task(TaskId id);

  TemporaryDirectory directory_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Queries> reader_;
  std::optional<std::pair<UserId, GroupId>> owner_;
};

#define MITO_ON_ALL_BACKENDS(suite)                                              \
  INSTANTIATE_TEST_SUITE_P(Backends, suite, ::testing::ValuesIn(all_backends()), \
                           [](const auto& parameter) { return parameter.param.name; })

}  // namespace mito::storage
