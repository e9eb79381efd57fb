#include "unit/http/server_under_test.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/core.h>

namespace mito::http::testing {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::uint64_t kSourceBytes = 1 << 20;

Response text(unsigned status, std::string body) {
  Response response;
  response.status = status;
  response.headers.add("content-type", "text/plain");
  response.body = std::move(body);
  return response;
}

Response body_error(BodyError error) {
  return error == BodyError::kTooLarge ? text(413, "too large") : text(400, "unreadable");
}

enum class Ending { kWhole, kUnknownLength, kShort, kFails };

class XSource : public BodySource {
 public:
  XSource(std::atomic<int>& alive, Ending ending) : alive_(alive), ending_(ending) { ++alive_; }
  ~XSource() override { --alive_; }

  Awaitable<Result<std::size_t>> read(std::span<char> buffer) override {
    if (ending_ == Ending::kFails && left_ <= kSourceBytes / 2) co_return fail(ErrorCode::kIo, "the disk is on fire");
    if (ending_ == Ending::kShort && left_ <= kSourceBytes / 2) co_return std::size_t{0};
    auto count = std::min<std::uint64_t>(left_, buffer.size());
    std::memset(buffer.data(), 'x', count);
    left_ -= count;
    co_return count;
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const override {
    if (ending_ == Ending::kUnknownLength) return std::nullopt;
    return kSourceBytes;
  }

 private:
  std::atomic<int>& alive_;
  Ending ending_;
  std::uint64_t left_ = kSourceBytes;
};

Response with_source(std::atomic<int>& alive, Ending ending) {
  Response response;
  response.source = std::make_unique<XSource>(alive, ending);
  return response;
}

Awaitable<Response> echo(Request& request) {
  auto body = co_await request.body->read_all(2 << 20);
  if (!body) co_return body_error(body.error());
  co_return text(200, *body);
}

Awaitable<Response> count_body(Request& request) {
  std::vector<char> buffer(100'000);
  std::uint64_t total = 0;
  for (;;) {
    auto count = co_await request.body->read_some(buffer);
    if (!count) co_return body_error(count.error());
    if (*count == 0) co_return text(200, std::to_string(total));
    total += *count;
  }
}

Response object(const Request& request) {
  const auto* range = request.headers.find("range");
  if (range == nullptr || request.query == "whole") return text(200, object_bytes());
  auto start = std::stoul(range->substr(std::string("bytes=").size()));
  if (start >= object_bytes().size()) return text(416, "nothing there");
  if (request.query == "wrong") ++start;
  auto response = text(request.query == "200" ? 200 : 206, object_bytes().substr(start));
  response.headers.add("content-range",
                       fmt::format("bytes {}-{}/{}", start, object_bytes().size() - 1, object_bytes().size()));
  return response;
}

Response show(const Request& request) {
  auto out = fmt::format("{} {} [{}]\n", request.method, request.path, request.query);
  for (const auto& [name, value] : request.headers.fields())
    out += fmt::format("{}={}\n", name, value);
  out += request.peer_address;
  return text(200, out);
}

}  // namespace

const std::string& object_bytes() {
  static const std::string bytes = [] {
    std::string out;
    for (int i = 0; out.size() < 100'000; ++i)
      out += std::to_string(i);
    out.resize(100'000);
    return out;
  }();
  return bytes;
}

Awaitable<void> Gate::wait() {
  auto executor = co_await asio::this_coro::executor;
  auto timer = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
  {
    auto state = state_.lock();
    ++state->arrived;
    changed_.notify_all();
    if (state->open) co_return;
    state->waiting.push_back(timer);
  }
  co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
}

void Gate::open() {
  auto state = state_.lock();
  state->open = true;
  for (auto& timer : std::exchange(state->waiting, {}))
    asio::post(timer->get_executor(), [timer] { timer->cancel(); });
}

bool Gate::has_waiting(std::size_t count) {
  auto state = state_.lock();
  return changed_.wait_for(state.guard(), kPatience, [&] { return state->arrived >= count; });
}

ServerUnderTest::ServerUnderTest(ServerSettings settings)
    : server_(std::move(settings), [this](Request& request) { return handle(request); }) {
  auto started = server_.start();
  if (!started) throw std::runtime_error(started.error().text());
}

ServerUnderTest::~ServerUnderTest() {
  gate.open();
}

std::string ServerUnderTest::url(const std::string& path) const {
  return fmt::format("http://127.0.0.1:{}{}", port(), path);
}

Awaitable<Response> ServerUnderTest::handle(Request& request) {
  using asio::experimental::awaitable_operators::operator||;
  const auto& path = request.path;
  if (path == "/hello") co_return text(200, "hello");
  if (path == "/echo") co_return co_await echo(request);
  if (path == "/count") co_return co_await count_body(request);
  if (path == "/ignore") co_return text(401, "no");
  if (path == "/object") co_return object(request);
  if (path == "/show") co_return show(request);
  if (path == "/throw") throw std::runtime_error("a bug");
  if (path == "/source") co_return with_source(sources_alive, Ending::kWhole);
  if (path == "/chunks") co_return with_source(sources_alive, Ending::kUnknownLength);
  if (path == "/short") co_return with_source(sources_alive, Ending::kShort);
  if (path == "/broken") co_return with_source(sources_alive, Ending::kFails);
  if (path == "/empty") co_return Response{.status = 204};
  if (path == "/gate") {
    co_await gate.wait();
    co_return text(200, "through");
  }
  if (path == "/until-closed") {
    co_await request.until_peer_closes();
    ++peers_gone;
    co_return text(200, "nobody reads this");
  }
  if (path == "/first-of") {
    auto first = co_await (gate.wait() || request.until_peer_closes());
    if (first.index() == 1) ++peers_gone;
    co_return text(200, first.index() == 0 ? "through" : "gone");
  }
  auto response = text(path == "/close" ? 200 : 404, path);
  response.close = path == "/close";
  co_return response;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // between two looks
  }
  return true;
}

}  // namespace mito::http::testing
