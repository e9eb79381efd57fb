#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "base/result.h"
#include "http/client.h"

namespace mito::worker {

/// How HTTP requests leave the worker: the seam that tests replace. Any thread.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Waits for the answer.
  virtual Result<http::ClientResponse> exchange(http::ClientRequest request, std::stop_token stop) = 0;
  /// `done` is called once, on another thread, and must not block.
  virtual void send(http::ClientRequest request, std::stop_token stop, http::Client::Callback done) = 0;
};

/// Over the HTTP client, whose connections all slots share.
class HttpTransport : public Transport {
 public:
  explicit HttpTransport(std::shared_ptr<http::Client> client) : client_(std::move(client)) {}
  Result<http::ClientResponse> exchange(http::ClientRequest request, std::stop_token stop) override {
    return client_->send_and_wait(std::move(request), std::move(stop));
  }
  void send(http::ClientRequest request, std::stop_token stop, http::Client::Callback done) override {
    client_->send(std::move(request), std::move(stop), std::move(done));
  }

 private:
  std::shared_ptr<http::Client> client_;
};

}  // namespace mito::worker
