#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace mito::worker {

/// Which of the two registrations of a slot with `--overlap` may run a command: one runs while the other brings what
/// its last task has made. Any thread.
class Turn {
 public:
  /// The right to run a command; goes back when it is released or destroyed. One thread.
  class Held {
   public:
    Held() = default;
    explicit Held(Turn* turn) : turn_(turn) {}
    Held(Held&& other) noexcept : turn_(std::exchange(other.turn_, nullptr)) {}
    Held& operator=(Held&& other) noexcept {
      std::swap(turn_, other.turn_);
      return *this;
    }
    ~Held() { release(); }
    void release() {
      if (turn_ != nullptr) turn_->give_back();
      turn_ = nullptr;
    }

   private:
    Turn* turn_ = nullptr;
  };

  /// Waits for it; holds nothing after a stop.
  Held wait(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!free_changed_.wait(lock, std::move(stop), [this] { return free_; })) return {};
    free_ = false;
    return Held(this);
  }

 private:
  void give_back() {
    const std::lock_guard lock(mutex_);
    free_ = true;
    free_changed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable_any free_changed_;
  bool free_ = true;
};

}  // namespace mito::worker
