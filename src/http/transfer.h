#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <curl/curl.h>

#include "http/client.h"
#include "http/local_file.h"

namespace mito::http {

/// One request on its way through libcurl. Lives on the client's thread once it was handed over.
class Transfer {
 public:
  using Clock = std::chrono::steady_clock;

  using Id = std::uint64_t;

  Transfer(Id id, ClientRequest request, std::stop_token stop, Client::Callback done);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// Uses a handle of an earlier transfer, which costs less than a new one; null: a new one. Before prepare().
  void reuse(CURL* handle) { handle_.reset(handle); }
  /// The handle, for another transfer. This one is over then.
  CURL* release();
  /// Opens files and sets libcurl's options. kIo, kUsage.
  Result<void> prepare(const ClientSettings& settings);
  [[nodiscard]] Id id() const { return id_; }
  /// Scheme, host and port of the URL.
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] CURL* handle() const { return handle_.get(); }
  /// Whether libcurl works on it.
  [[nodiscard]] bool is_active() const { return active_; }
  void set_active() { active_ = true; }
  [[nodiscard]] bool stop_requested() const { return stop_.stop_requested(); }
  /// From now on `cancel` is called when the request's stop token says so, on any thread, perhaps at once.
  void watch_stop_token(std::function<void()> cancel);

  /// When a time-out will have passed if nothing happens until then; moves with every byte.
  [[nodiscard]] Clock::time_point due() const;

  /// What became of it, libcurl having ended it with `code`.
  Result<ClientResponse> result(CURLcode code);
  [[nodiscard]] Error overdue_error() const;
  [[nodiscard]] Error cancelled_error() const;
  /// Hands the result over, once.
  void finish(Result<ClientResponse> result);

 private:
  static int on_connected(void* self, char* peer, char* own, int peer_port, int own_port);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_upload(char* buffer, std::size_t size, std::size_t count, void* self);
  static int on_seek(void* self, curl_off_t offset, int origin);
  static int on_progress(void* self, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total,
                         curl_off_t uploaded);

  void set_method();
  Result<void> set_headers();
  void set_callbacks();
  Result<void> prepare_upload();
  [[nodiscard]] bool is_success() const;
  [[nodiscard]] bool goes_to_file() const;
  Result<void> open_download();
  Result<void> take_body(std::string_view bytes);
  [[nodiscard]] Error classify(CURLcode code) const;
  [[nodiscard]] Error not_a_url(std::string_view reason) const;
  void set(CURLoption option, long value);
  void set(CURLoption option, const std::string& value);

  struct EasyDeleter {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  struct ListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  const Id id_;
  ClientRequest request_;
  std::stop_token stop_;
  Client::Callback done_;
  std::string address_;
  std::unique_ptr<curl_slist, ListDeleter> header_list_;
  std::unique_ptr<CURL, EasyDeleter> handle_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  LocalFile upload_;
  LocalFile download_;
  std::uint64_t upload_length_ = 0;
  std::uint64_t upload_offset_ = 0;
  std::uint64_t download_offset_ = 0;
  ClientResponse response_;
  std::optional<Error> error_;  ///< Why a callback broke the transfer off.
  bool active_ = false;
  bool connected_ = false;
  bool head_complete_ = false;
  const Clock::time_point began_ = Clock::now();
  Clock::time_point last_activity_ = began_;
  std::uint64_t last_progress_ = 0;
  std::optional<std::stop_callback<std::function<void()>>> stop_callback_;
};

}  // namespace mito::http
