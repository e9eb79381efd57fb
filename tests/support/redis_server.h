#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/service.h"

namespace mito::testing {

/// A real Redis without persistence, on a free port of loopback.
class RedisServer {
 public:
  /// `options` as in redis.conf, such as {"--requirepass", "secret"}.
  explicit RedisServer(std::vector<std::string> options = {}) : options_(std::move(options)) { start(); }

  /// Begins anew, empty, on the same port.
  void start() {
    service_.reset();
    std::vector<std::string> arguments{
        "--port", std::to_string(port_), "--bind", "127.0.0.1", "--save",
        "",       "--appendonly",        "no",     "--dir",     directory_.path().string()};
    arguments.insert(arguments.end(), options_.begin(), options_.end());
    service_ = std::make_unique<Service>(*find_program("redis-server"), arguments, directory_.path());
    if (!wait_for([this] { return is_listening(port_); })) ADD_FAILURE() << "redis-server does not start";
  }
  void kill() { service_->kill(); }
  void signal(int number) const { service_->signal(number); }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

 private:
  const std::vector<std::string> options_;
  const TemporaryDirectory directory_;
  const std::uint16_t port_ = free_port();
  std::unique_ptr<Service> service_;
};

}  // namespace mito::testing
