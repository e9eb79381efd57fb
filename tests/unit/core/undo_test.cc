#include "core/undo.h"

#include <gtest/gtest.h>

#include "core/leases.h"
#include "core/watches.h"

// Heartbeats and watches of a transaction that failed are as they were before it.
namespace mito::core {
namespace {

using std::chrono::seconds;

const Clock::Monotonic kNow{std::chrono::hours(1)};

class Undo : public testing::Test {
 protected:
  UndoList undo_;
  Leases leases_{undo_};
  Watches watches_{undo_};
};

TEST_F(Undo, AWorkerThatNeverCameHasNoLease) {
  const WorkerId worker{7};
  leases_.add(worker, seconds(30), kNow);
  EXPECT_TRUE(leases_.beat(worker, kNow, Timestamp{}));
  undo_.undo_to(0);
  EXPECT_FALSE(leases_.deadlines().next());
  EXPECT_FALSE(leases_.any_unwritten());
  EXPECT_FALSE(leases_.beat(worker, kNow, Timestamp{}));
}

TEST_F(Undo, AWorkerThatDidNotGoKeepsItsLease) {
  const WorkerId worker{7};
  leases_.add(worker, seconds(30), kNow);
  undo_.clear();
  leases_.remove(worker);
  undo_.undo_to(0);
  EXPECT_EQ(leases_.deadlines().next(), kNow + seconds(30));
  EXPECT_TRUE(leases_.beat(worker, kNow, Timestamp{}));
}

TEST_F(Undo, WatchesAndTheirDeadlinesAreAsTheyWere) {
  const TaskId kept{1};
  const TaskId added{2};
  const TaskUuid target{Uuid{.bytes = {1}}};
  const Watches::Held held{.watch = {.task = target, .state = TaskExecState::kExecFinished}, .creator = UserId{1}};
  watches_.add(kept, held);
  watches_.set_deadline(kept, kNow);
  undo_.clear();

  watches_.add(added, held);
  undo_.undo_to(0);
  EXPECT_EQ(watches_.find(added), nullptr);
  EXPECT_EQ(watches_.watching(target), std::vector{kept});

  watches_.set_deadline(kept, kNow + seconds(5));
  undo_.undo_to(0);
  EXPECT_EQ(watches_.deadlines().of(kept), kNow);

  watches_.remove(kept);
  EXPECT_FALSE(watches_.is_watched(target));
  undo_.undo_to(0);
  ASSERT_NE(watches_.find(kept), nullptr);
  EXPECT_EQ(watches_.watching(target), std::vector{kept});
  EXPECT_EQ(watches_.deadlines().of(kept), kNow);
}

}  // namespace
}  // namespace mito::core
