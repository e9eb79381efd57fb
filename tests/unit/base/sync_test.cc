#include "base/sync.h"

#include <shared_mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace mito {
namespace {

TEST(Sync, KeepsThreadsApart) {
  Sync<int> counter(0);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&counter] {
        for (int n = 0; n < 1000; ++n)
          ++*counter.lock();
      });
    }
  }
  EXPECT_EQ(*counter.lock(), 4000);
}

TEST(Sync, LetsSeveralReadersIn) {
  const Sync<int, std::shared_mutex> value(7);
  const auto one = value.shared();
  const auto two = value.shared();
  EXPECT_EQ(*one + *two, 14);
}

}  // namespace
}  // namespace mito
