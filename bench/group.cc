#include "bench/group.h"

#include <exception>
#include <memory>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mito::bench {
namespace asio = boost::asio;

Awaitable<void> all(asio::io_context& context, std::vector<Awaitable<void>> work) {
  const std::int64_t until_all_have_ended = 1;
  co_await until_zero(context, std::move(work), until_all_have_ended);
}

Awaitable<void> until_zero(asio::io_context& context, std::vector<Awaitable<void>> work,
                           const std::int64_t& remaining) {
  // What goes on after the end still says so here when it ends, and then the caller's frame is gone.
  struct State {
    State(asio::io_context& io, std::size_t count) : done(io, asio::steady_timer::time_point::max()), running(count) {}
    asio::steady_timer done;
    std::size_t running;
    std::exception_ptr failure;
  };
  const auto state = std::make_shared<State>(context, work.size());
  for (auto& one : work)
    asio::co_spawn(context, std::move(one), [state](const std::exception_ptr& error) {
      --state->running;
      if (error && !state->failure) state->failure = error;
      state->done.cancel();
    });
  while (state->running > 0 && remaining > 0 && !state->failure) {
    boost::system::error_code cancelled;
    co_await state->done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  if (state->failure) std::rethrow_exception(state->failure);
}

}  // namespace mito::bench
