#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace mito::bench {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// An answer; `body` is valid until the session's next request.
struct Answer {
  unsigned status = 0;
  std::string_view body;
};

/// The bytes of a request over a kept-alive connection.
std::string make_request(std::string_view method, std::string_view path, std::string_view token,
                         std::string_view body = {});

/// One kept-alive HTTP/1.1 connection that does as little as possible, so that the load costs the coordinator's machine
/// little. Answers must have a Content-Length. Throws std::runtime_error on anything else, boost::system::system_error
/// on broken connections.
class Session {
 public:
  Session(boost::asio::any_io_executor executor, boost::asio::ip::tcp::endpoint endpoint)
      : socket_(std::move(executor)), endpoint_(endpoint) {}

  /// Sends `request` (see make_request) and reads the answer; connects first when it is not connected.
  Awaitable<Answer> send(const std::string& request);
  /// The same, and throws unless the status is 200.
  Awaitable<std::string_view> send_ok(const std::string& request);

 private:
  boost::asio::ip::tcp::socket socket_;
  boost::asio::ip::tcp::endpoint endpoint_;
  std::string buffer_;
};

/// The integer behind `"name":` in compact JSON; throws when it is not there.
std::int64_t find_integer(std::string_view json, std::string_view name);
/// The string behind `"name":` (without escapes) in compact JSON; throws when it is not there.
std::string_view find_string(std::string_view json, std::string_view name);

}  // namespace mito::bench
