#pragma once

#include <cstdint>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "bench/session.h"

namespace mito::bench {

/// Runs all of them at once and ends when all have ended; the first exception comes out at once, and what still runs
/// must not be resumed afterwards (Bench::run sees to that).
Awaitable<void> all(boost::asio::io_context& context, std::vector<Awaitable<void>> work);

/// The same, but ends as soon as one has ended and `remaining` is not above zero; the others, which may wait for ever,
/// are left behind.
Awaitable<void> until_zero(boost::asio::io_context& context, std::vector<Awaitable<void>> work,
                           const std::int64_t& remaining);

}  // namespace mito::bench
