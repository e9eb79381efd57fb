#include "worker/turn.h"

#include <gtest/gtest.h>

namespace mito::worker {
namespace {

TEST(Turn, IsHeldByOneUntilItIsReleased) {
  Turn turn;
  std::stop_source stop;
  auto first = turn.wait(stop.get_token());
  first.release();
  auto second = turn.wait(stop.get_token());
  stop.request_stop();
  {
    const auto none = turn.wait(stop.get_token());
  }  // a stop ends the wait, and nothing is given back with it
  second = {};
  auto third = turn.wait({});
  third.release();
  third.release();
  EXPECT_NO_FATAL_FAILURE(turn.wait({}));
}

}  // namespace
}  // namespace mito::worker
