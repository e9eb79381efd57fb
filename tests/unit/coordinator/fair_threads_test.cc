#include "coordinator/fair_threads.h"

#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace mito::coordinator {
namespace {

/// One thread that is busy until it is let go, and what ran on it after that.
class FairThreadsTest : public testing::Test {
 protected:
  FairThreadsTest() {
    threads_.post("first", [this](std::optional<unsigned>) {
      busy_.set_value();
      go_on_.get_future().wait();
    });
    busy_.get_future().wait();
  }
  void post(const std::string& who, const std::string& what) {
    threads_.post(who, [this, what](std::optional<unsigned> thread) {
      const std::lock_guard lock(mutex_);
      (thread ? run_ : refused_).push_back(what);
    });
  }
  void finish() {
    go_on_.set_value();
    threads_.stop();
  }

  FairThreads threads_{"test", 1, 6};
  std::promise<void> busy_;
  std::promise<void> go_on_;
  std::mutex mutex_;
  std::vector<std::string> run_;
  std::vector<std::string> refused_;
};

using Texts = std::vector<std::string>;

TEST_F(FairThreadsTest, EachHasHisTurn) {
  for (const char* what : {"a1", "a2", "a3"})
    post("a", what);
  post("b", "b1");
  post("c", "c1");
  post("b", "b2");
  finish();
  EXPECT_EQ(run_, (Texts{"a1", "b1", "c1", "a2", "b2", "a3"}));
}

TEST_F(FairThreadsTest, WhoHasMostMakesRoom) {
  for (int i = 1; i <= 6; ++i)
    post("a", "a" + std::to_string(i));
  post("b", "b1");
  EXPECT_EQ(refused_, Texts{"a6"});
  post("a", "a7");
  EXPECT_EQ(refused_, (Texts{"a6", "a7"}));
  post("b", "b2");
  EXPECT_EQ(refused_, (Texts{"a6", "a7", "a5"}));
  finish();
  EXPECT_EQ(run_, (Texts{"a1", "b1", "a2", "b2", "a3", "a4"}));
}

TEST_F(FairThreadsTest, NobodyMakesRoomForOneWhoHasAsMany) {
  for (int i = 1; i <= 3; ++i) {
    post("a", "a");
    post("b", "b");
  }
  post("a", "a4");
  EXPECT_EQ(refused_, Texts{"a4"});
  EXPECT_EQ(threads_.statistics().queued, 6U);
  EXPECT_EQ(threads_.statistics().refused, 1U);
  finish();
}

TEST_F(FairThreadsTest, AfterTheEndEverythingIsRefused) {
  finish();
  post("a", "late");
  EXPECT_EQ(refused_, Texts{"late"});
}

}  // namespace
}  // namespace mito::coordinator
