#pragma once

#include <memory>
#include <utility>

#include "simulation/world.h"

// The network between the actors and the coordinator.
namespace mito::simulation {

template <class Asked>
void World::accept(Asked request, core::Caller caller, std::size_t members) {
  auto command = std::make_shared<core::Command>();
  command->request = std::move(request);
  command->caller = caller;
  command->members = members;
  command->accepted = clock_.monotonic();
  loop_->accept(std::move(command));
}

template <class T>
void World::send(std::function<void(core::Reply<T>)> deliver, std::function<void(std::optional<Result<T>>)> take) {
  struct Exchange {
    bool over = false;  ///< The sender has its answer, or has given up.
    bool may_be_lost = false;
  };
  static constexpr auto kPatience = std::chrono::seconds(120);
  auto exchange = std::make_shared<Exchange>();
  const auto once = [this, exchange, deliver, take] {
    if (!loop_) {
      exchange->may_be_lost = true;
      return;
    }
    exchange->may_be_lost |= chance(roughness_.answer_lost);
    const std::uint64_t life = life_;
    after(kPatience - std::chrono::seconds(10), [this, exchange, life] {
      if (calm_ && life == life_ && !exchange->over && !exchange->may_be_lost)
        throw Broken{"a request was never answered"};
    });
    deliver([this, exchange, take, answered = false, life](Result<T> result) mutable {
      if (std::exchange(answered, true)) throw Broken{"a request was answered twice"};
      if (exchange->over || exchange->may_be_lost || life != life_) return;
      exchange->over = true;
      after(std::chrono::milliseconds(between(0, 40)), [take, result = std::move(result)] { take(result); });
    });
  };
  after(std::chrono::milliseconds(between(0, 40)), once);
  if (chance(roughness_.request_repeated)) after(std::chrono::milliseconds(between(40, 5'000)), once);
  after(kPatience, [exchange, take] {
    if (!std::exchange(exchange->over, true)) take(std::nullopt);
  });
}

}  // namespace mito::simulation
