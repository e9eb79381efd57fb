#include "bench/group.h"

#include <exception>
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
  asio::steady_timer done(context, asio::steady_timer::time_point::max());
  std::size_t running = work.size();
  std::exception_ptr failure;
  for (auto& one : work)
    asio::co_spawn(context, std::move(one), [&](const std::exception_ptr& error) {
      --running;
      if (error && !failure) failure = error;
      if (running == 0 || remaining <= 0 || error) done.cancel();
    });
  while (running > 0 && remaining > 0 && !failure) {
    boost::system::error_code cancelled;
    co_await done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace mito::bench
