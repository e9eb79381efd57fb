#include "bench/session.h"

#include <charconv>
#include <stdexcept>

#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace mito::bench {
namespace asio = boost::asio;

std::string make_request(std::string_view method, std::string_view path, std::string_view token,
                         std::string_view body) {
  std::string out = fmt::format("{} {} HTTP/1.1\r\nHost: bench\r\n", method, path);
  if (!token.empty()) out += fmt::format("Authorization: Bearer {}\r\n", token);
  if (!body.empty()) out += "Content-Type: application/json\r\n";
  if (method != "GET") out += fmt::format("Content-Length: {}\r\n", body.size());
  out += "\r\n";
  out += body;
  return out;
}

namespace {

/// Content-Length of an answer's head.
std::size_t body_length(std::string_view head) {
  for (std::size_t start = head.find("\r\n"); start != std::string_view::npos; start = head.find("\r\n", start + 2)) {
    const auto line = head.substr(start + 2, head.find("\r\n", start + 2) - start - 2);
    const auto colon = line.find(':');
    constexpr std::string_view kName = "content-length";
    if (colon != kName.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < kName.size(); ++i)
      same = same && (line[i] | 0x20) == kName[i];
    if (!same) continue;
    auto value = line.substr(colon + 1);
    while (value.starts_with(' '))
      value.remove_prefix(1);
    std::size_t length = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), length).ec == std::errc{}) return length;
  }
  throw std::runtime_error(fmt::format("an answer without Content-Length: {}", head));
}

}  // namespace

Awaitable<Answer> Session::send(const std::string& request) {
  if (!socket_.is_open()) {
    co_await socket_.async_connect(endpoint_, asio::use_awaitable);
    socket_.set_option(asio::ip::tcp::no_delay(true));
  }
  co_await asio::async_write(socket_, asio::buffer(request), asio::use_awaitable);
  buffer_.clear();
  std::size_t head_end = std::string::npos;
  std::size_t total = std::string::npos;
  while (buffer_.size() < total) {
    const std::size_t filled = buffer_.size();
    buffer_.resize(filled + 16384);
    const std::size_t count =
        co_await socket_.async_read_some(asio::buffer(buffer_.data() + filled, 16384), asio::use_awaitable);
    buffer_.resize(filled + count);
    if (head_end != std::string::npos) continue;
    head_end = buffer_.find("\r\n\r\n");
    if (head_end != std::string::npos)
      total = head_end + 4 + body_length(std::string_view(buffer_).substr(0, head_end + 2));
  }
  Answer answer;
  if (buffer_.size() > 12) std::from_chars(buffer_.data() + 9, buffer_.data() + 12, answer.status);
  answer.body = std::string_view(buffer_).substr(head_end + 4);
  co_return answer;
}

Awaitable<std::string_view> Session::send_ok(const std::string& request) {
  const Answer answer = co_await send(request);
  if (answer.status != 200)
    throw std::runtime_error(
        fmt::format("{} answered {} {}", request.substr(0, request.find(" HTTP/")), answer.status, answer.body));
  co_return answer.body;
}

std::int64_t find_integer(std::string_view json, std::string_view name) {
  const auto at = json.find(fmt::format("\"{}\":", name));
  std::int64_t value = 0;
  if (at != std::string_view::npos) {
    const auto text = json.substr(at + name.size() + 3);
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{}) return value;
  }
  throw std::runtime_error(fmt::format("no number \"{}\" in the answer {}", name, json.substr(0, 500)));
}

std::string_view find_string(std::string_view json, std::string_view name) {
  const auto at = json.find(fmt::format("\"{}\":\"", name));
  if (at != std::string_view::npos) {
    const auto text = json.substr(at + name.size() + 4);
    if (const auto end = text.find('"'); end != std::string_view::npos) return text.substr(0, end);
  }
  throw std::runtime_error(fmt::format("no text \"{}\" in the answer {}", name, json.substr(0, 500)));
}

}  // namespace mito::bench
