#include "coordinator/job_threads.h"

#include <atomic>
#include <future>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace mito::coordinator {
namespace {

TEST(JobThreads, RunsEveryJobOnOneOfItsThreads) {
  std::atomic<int> done{0};
  std::atomic<bool> strange_thread{false};
  {
    JobThreads threads("test", 3, 1000);
    for (int i = 0; i < 100; ++i)
      threads.post([&](std::optional<unsigned> thread) {
        if (!thread || *thread >= 3) strange_thread = true;
        ++done;
      });
    threads.stop();
  }
  EXPECT_EQ(done, 100);
  EXPECT_FALSE(strange_thread);
}

TEST(JobThreads, RefusesAtOnceWhenTheQueueIsFull) {
  JobThreads threads("test", 1, 2);
  std::promise<void> running;
  std::promise<void> go_on;
  threads.post([&](std::optional<unsigned>) {
    running.set_value();
    go_on.get_future().wait();
  });
  running.get_future().wait();
  std::atomic<int> run{0};
  int refused = 0;
  for (int i = 0; i < 5; ++i)
    threads.post([&](std::optional<unsigned> thread) {
      if (thread)
        ++run;
      else
        ++refused;
    });
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(threads.statistics().queued, 2U);
  EXPECT_EQ(threads.statistics().refused, 3U);
  go_on.set_value();
  threads.stop();
  EXPECT_EQ(run, 2);
}

TEST(JobThreads, TakesWhatMayNotBeRefused) {
  JobThreads threads("test", 1, 0);
  std::promise<bool> ran;
  threads.post([&](std::optional<unsigned> thread) { ran.set_value(thread.has_value()); }, Admission::kAlways);
  EXPECT_TRUE(ran.get_future().get());
  threads.stop();
  bool refused = false;
  threads.post([&](std::optional<unsigned> thread) { refused = !thread; }, Admission::kAlways);
  EXPECT_TRUE(refused);
}

TEST(JobThreads, RefusesAfterItsEnd) {
  JobThreads threads("test", 1, 10);
  threads.stop();
  bool refused = false;
  threads.post([&](std::optional<unsigned> thread) { refused = !thread; });
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace mito::coordinator
