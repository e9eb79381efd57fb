#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "worker/heartbeats.h"
#include "worker/process.h"
#include "worker/timer.h"
#include "worker/transport.h"

namespace mito::worker {

/// Time that passes only in pauses, and then at once.
class FakeTimer : public Timer {
 public:
  [[nodiscard]] Timestamp now() const override {
    return Timestamp{std::chrono::microseconds{1'000'000'000'000'000}} + passed();
  }
  [[nodiscard]] Monotonic monotonic() const override { return Monotonic{std::chrono::hours{1}} + passed_; }
  bool pause(std::chrono::milliseconds length, std::stop_token stop) const override {
    passed_ += std::max(length, std::chrono::milliseconds{1});
    lengths.push_back(length);
    ++pauses_;
    if (on_pause) on_pause(pauses_);
    return !stop.stop_requested();
  }
  [[nodiscard]] std::chrono::milliseconds passed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(passed_);
  }
  [[nodiscard]] int pauses() const { return pauses_; }
  std::function<void(int)> on_pause;
  mutable std::vector<std::chrono::milliseconds> lengths;  ///< Of all pauses.

 private:
  mutable std::chrono::nanoseconds passed_{0};
  mutable int pauses_ = 0;
};

/// A coordinator and an object store as one function.
class FakeTransport : public Transport {
 public:
  using Handler = std::function<Result<http::ClientResponse>(const http::ClientRequest&)>;

  Result<http::ClientResponse> exchange(http::ClientRequest request, std::stop_token stop) override {
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "stopped");
    log.push_back(line_of(request));
    requests.push_back(request);
    if (!script.empty()) {
      auto next = std::move(script.front());
      script.pop_front();
      if (next) return next(request);
    }
    return handler(request);
  }
  void send(http::ClientRequest request, std::stop_token stop, http::Client::Callback done) override {
    done(exchange(std::move(request), std::move(stop)));
  }

  static http::ClientResponse answer(unsigned status, std::string body) {
    http::ClientResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }
  /// `POST /workers/tasks {…}`
  static std::string line_of(const http::ClientRequest& request) {
    constexpr std::string_view kHost = "http://coordinator";
    auto line =
        request.method + " " + (request.url.starts_with(kHost) ? request.url.substr(kHost.size()) : request.url);
    if (!request.body.empty()) line += " " + request.body;
    return line;
  }

  Handler handler = [](const http::ClientRequest&) { return answer(200, "null"); };
  std::deque<Handler> script;  ///< For the next requests, before `handler`; an empty function leaves one to it.
  std::vector<std::string> log;
  std::vector<http::ClientRequest> requests;
};

/// A command that does what `on_wait` says.
class FakeRunner : public ProcessRunner {
 public:
  std::expected<void, SpawnError> start(const Command& command) override {
    commands.push_back(command);
    if (failure) return std::unexpected(*failure);
    if (on_start) on_start(command);
    return {};
  }
  std::optional<ProcessEnd> wait(Clock::Monotonic deadline, std::stop_token) override {
    calls.emplace_back("wait");
    deadlines.push_back(deadline);
    if (ends.empty()) return ProcessEnd{};
    auto end = std::move(ends.front());
    ends.pop_front();
    return end;
  }
  void terminate() override { calls.emplace_back("terminate"); }
  void kill() override { calls.emplace_back("kill"); }

  std::optional<SpawnError> failure;
  std::function<void(const Command&)> on_start;
  std::deque<std::optional<ProcessEnd>> ends;  ///< Answers of the next waits; then an end with status 0.
  std::vector<Command> commands;
  std::vector<std::string> calls;
  std::vector<Clock::Monotonic> deadlines;
};

class FakeStates : public StateSink {
 public:
  void announce(TaskUuid, TaskExecState state) override { states.emplace_back(to_string(state)); }
  void clear() override { states.emplace_back("clear"); }
  std::vector<std::string> states;
};

}  // namespace mito::worker
