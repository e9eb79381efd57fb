#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/service.h"

namespace mito::testing {

/// A real S3 server (rclone serve s3) with everything in memory, on a free port of loopback.
class S3Server {
 public:
  static constexpr const char* kAccessKey = "mitosis_access";
  static constexpr const char* kSecretKey = "mitosis_secret";

  explicit S3Server(std::vector<std::string> options = {}) : options_(std::move(options)) { start(); }

  /// Begins anew, empty, on the same port.
  void start() {
    service_.reset();
    std::vector<std::string> arguments{"serve",      "s3",
                                       "--config",   (directory_.path() / "rclone.conf").string(),
                                       "--auth-key", std::string(kAccessKey) + "," + kSecretKey,
                                       "--addr",     "127.0.0.1:" + std::to_string(port_)};
    arguments.insert(arguments.end(), options_.begin(), options_.end());
    arguments.emplace_back(":memory:");
    service_ = std::make_unique<Service>(*find_program("rclone"), arguments, directory_.path());
    if (!wait_for([this] { return is_listening(port_); }, std::chrono::seconds(30)))
      ADD_FAILURE() << "rclone does not start";
  }
  void kill() { service_->kill(); }
  void signal(int number) const { service_->signal(number); }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  const std::vector<std::string> options_;
  const TemporaryDirectory directory_;
  const std::uint16_t port_ = free_port();
  std::unique_ptr<Service> service_;
};

}  // namespace mito::testing
