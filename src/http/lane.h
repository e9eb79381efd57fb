#pragma once

#include <memory>
#include <stop_token>

#include <curl/curl.h>

#include "http/client.h"

namespace mito::http {

/// Runs one request at a time on the thread of whoever waits for it, so that an answer wakes that thread and no other.
/// Keeps its connections and what libcurl has built up for the next request. Not bound to a thread, but one at a time.
class Lane {
 public:
  explicit Lane(const ClientSettings& settings);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane();

  /// False: libcurl had no memory for it, and it cannot be used.
  [[nodiscard]] bool is_usable() const { return multi_ != nullptr; }
  /// Errors as Client says; kCancelled with either stop.
  Result<ClientResponse> run(ClientRequest request, const std::stop_token& stop, const std::stop_token& ending);

 private:
  class Placed;
  struct EasyDeleter {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };

  const ClientSettings& settings_;
  CURLM* multi_;
  std::unique_ptr<CURL, EasyDeleter> idle_;  ///< Of the last request.
};

}  // namespace mito::http
