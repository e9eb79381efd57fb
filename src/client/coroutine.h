#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// Calls from coroutines: a few threads on which blocking calls run, an awaitable that waits for one of them, and a
// small coroutine type for programs that have none of their own.
namespace mito::client {

/// Runs jobs on threads of its own, which are started as they are needed, at most `limit`. Any thread.
class Threads {
 public:
  explicit Threads(std::size_t limit) : limit_(limit == 0 ? 1 : limit) {}
  /// Runs what is queued, then ends the threads. Not from within a job.
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  using Job = std::move_only_function<void()>;
  void run(Job job);

 private:
  void work();

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::vector<std::jthread> threads_;
  std::size_t idle_ = 0;
  bool ending_ = false;
};

/// How a coroutine is gone on with once its call is done: given the continuation, it runs it wherever it likes, for
/// instance `[&](auto go) { asio::post(context, std::move(go)); }`. Empty: on the thread that made the call.
using Resume = std::function<void(std::move_only_function<void()> go)>;

/// `co_await` answers what `call` returns, and passes on what it throws. From any kind of coroutine.
template <class Call>
class Awaitable {
 public:
  using Value = std::invoke_result_t<Call>;
  Awaitable(Threads& threads, const Resume& resume, Call call)
      : threads_(threads), resume_(resume), call_(std::move(call)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    threads_.run([this, caller] {
      try {
        value_.emplace(call_());
      } catch (...) {
        thrown_ = std::current_exception();
      }
      if (resume_) {
        resume_([caller] { caller.resume(); });
      } else {
        caller.resume();
      }
    });
  }
  Value await_resume() {
    if (thrown_) std::rethrow_exception(thrown_);
    return *std::move(value_);
  }

 private:
  Threads& threads_;
  const Resume& resume_;
  Call call_;
  std::optional<Value> value_;
  std::exception_ptr thrown_;
};

/// A coroutine that starts when it is awaited, or given to `wait_for`.
template <class T>
class Task {
 public:
  struct promise_type {
    std::optional<T> value;
    std::exception_ptr thrown;
    std::coroutine_handle<> caller;

    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        return self.promise().caller;
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_value(T result) { value.emplace(std::move(result)); }
    void unhandled_exception() { thrown = std::current_exception(); }
  };

  Task(Task&& other) noexcept : self_(std::exchange(other.self_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(self_, other.self_);
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (self_) self_.destroy();
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
    self_.promise().caller = caller;
    return self_;
  }
  T await_resume() {
    if (self_.promise().thrown) std::rethrow_exception(self_.promise().thrown);
    return *std::move(self_.promise().value);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> self) : self_(self) {}
  std::coroutine_handle<promise_type> self_;
};

/// Tells a waiting thread that something is over. Once.
class Done {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

/// What `wait_for` starts: it ends by itself.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

/// Runs `task` to its end, sets `value` or `thrown`, then `done`. All must live until then.
template <class T>
Detached run_to_end(Task<T>& task, std::optional<T>& value, std::exception_ptr& thrown, Done& done) {
  try {
    value.emplace(co_await task);
  } catch (...) {
    thrown = std::current_exception();
  }
  done.set();
}

/// Starts the coroutine, waits for its end and answers its value, or throws what it threw. Not from a coroutine.
template <class T>
T wait_for(Task<T> task) {
  std::optional<T> value;
  std::exception_ptr thrown;
  Done done;
  run_to_end(task, value, thrown, done);
  done.wait();
  if (thrown) std::rethrow_exception(thrown);
  return *std::move(value);
}

}  // namespace mito::client
