#include <cstdlib>
#include <malloc.h>
#include <new>

#include <gtest/gtest.h>

#include "core/scheduler.h"

// Counts what the scheduler asks of the heap, the allocator's own overhead included.
namespace {

thread_local bool counting = false;
thread_local std::size_t held_bytes = 0;

}  // namespace

void* operator new(std::size_t size) {
  void* const block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  if (counting) held_bytes += malloc_usable_size(block) + sizeof(std::size_t);
  return block;
}
void operator delete(void* block) noexcept {
  if (counting && block != nullptr) held_bytes -= malloc_usable_size(block) + sizeof(std::size_t);
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  operator delete(block);
}

namespace mito::core {
namespace {

TEST(SchedulerMemory, AQueuedTaskTakesAtMost150Bytes) {
  constexpr std::int64_t kTasks = 200'000;
  UndoList undo;
  Scheduler scheduler(TagMatching::kDocumented, undo);
  const std::vector<std::string> tags{"linux", "x86"};
  held_bytes = 0;
  counting = true;
  for (std::int64_t id = 1; id <= kTasks; ++id) {
    TaskRequirements task;
    task.id = TaskId{id};
    task.group = GroupId{1 + id % 3};
    task.tags = tags;
    task.priority = static_cast<std::int32_t>(id % 5);
    scheduler.submit(task, {});
    undo.clear();
  }
  counting = false;
  const double per_task = static_cast<double>(held_bytes) / kTasks;
  RecordProperty("bytes_per_task", std::to_string(per_task));
  EXPECT_LE(per_task, 150.0);
  EXPECT_GE(per_task, 40.0) << "nothing was counted";
}

}  // namespace
}  // namespace mito::core
