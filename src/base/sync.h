#pragma once

#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace mito {

/// A value that can only be reached while its lock is held. Never hold the lock across a `co_await`.
template <class T, class Mutex = std::mutex>
class Sync {
 public:
  /// The value, locked for as long as this handle lives.
  template <class Value, class Guard>
  class Locked {
   public:
    Locked(Value& value, Mutex& mutex) : guard_(mutex), value_(&value) {}
    Value* operator->() const { return value_; }
    Value& operator*() const { return *value_; }
    /// For condition variables.
    Guard& guard() { return guard_; }

   private:
    Guard guard_;
    Value* value_;
  };

  Sync() = default;
  explicit Sync(T value) : value_(std::move(value)) {}

  auto lock() { return Locked<T, std::unique_lock<Mutex>>(value_, mutex_); }
  /// With std::shared_mutex: many readers at once.
  auto shared() const { return Locked<const T, std::shared_lock<Mutex>>(value_, mutex_); }
  auto lock() const { return Locked<const T, std::unique_lock<Mutex>>(value_, mutex_); }

 private:
  mutable Mutex mutex_;
  T value_{};
};

}  // namespace mito
