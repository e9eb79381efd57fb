#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/result.h"
#include "coordinator/job_threads.h"
#include "http/server.h"

// How a coroutine on an I/O thread waits for something that happens on another thread: the completion is posted back to
// the coroutine's own executor, so that a connection never leaves its thread.
namespace mito::coordinator {

/// Calls `start(done)` and waits until `done(value)` is called, once, on any thread.
/// `start` may also take the coroutine's cancellation slot as its second argument.
template <class T, class Start>
http::Awaitable<T> await_callback(Start start) {
  namespace asio = boost::asio;
  using Token = asio::use_awaitable_t<asio::any_io_executor>;
  return asio::async_initiate<const Token, void(T)>(
      [](auto handler, Start begin) {
        asio::cancellation_slot slot = asio::get_associated_cancellation_slot(handler);
        auto executor = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
        auto done = [handler = std::move(handler), executor = std::move(executor)](T value) mutable {
          asio::post(executor, [handler = std::move(handler), value = std::move(value)]() mutable {
            std::move(handler)(std::move(value));
          });
        };
        std::move_only_function<void(T)> callback(std::move(done));
        if constexpr (std::is_invocable_v<Start&, std::move_only_function<void(T)>, asio::cancellation_slot>) {
          begin(std::move(callback), slot);
        } else {
          begin(std::move(callback));
        }
      },
      asio::use_awaitable_t<asio::any_io_executor>{}, std::move(start));
}

/// Runs `work` on one of `threads` and waits for its Result. `refused` is the code when the queue is full.
/// What `work` throws becomes kInternal.
template <class Work>
auto run_on(JobThreads& threads, ErrorCode refused, Work work, Admission admission = Admission::kBounded)
    -> http::Awaitable<std::invoke_result_t<Work&, unsigned>> {
  using T = std::invoke_result_t<Work&, unsigned>;
  return await_callback<T>(
      [&threads, refused, admission, work = std::move(work)](std::move_only_function<void(T)> done) mutable {
        threads.post(
            [refused, work = std::move(work), done = std::move(done)](std::optional<unsigned> thread) mutable {
              if (!thread) return done(fail(refused));
              try {
                done(work(*thread));
              } catch (const std::exception& error) {
                done(fail(ErrorCode::kInternal, {}, error.what()));
              }
            },
            admission);
      });
}

}  // namespace mito::coordinator
