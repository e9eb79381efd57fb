#include "http/transfer.h"

#include <algorithm>
#include <charconv>
#include <sys/socket.h>
#include <system_error>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/core.h>

namespace mito::http {

namespace {

constexpr std::size_t kLongBody = 16 << 10;  ///< More may not fit into the buffers of a connection.
constexpr long kFileBufferBytes = 256 << 10;
constexpr long kKeepAliveIdleSeconds = 30;
constexpr long kKeepAliveIntervalSeconds = 10;

/// `http://user:secret@host:81/path?signature` -> `http://host:81`.
std::string address_of(std::string_view url) {
  auto scheme = url.find("://");
  auto begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  auto end = std::min(url.find_first_of("/?#", begin), url.size());
  auto at = url.substr(0, end).rfind('@');
  auto host = at != std::string_view::npos && at >= begin ? at + 1 : begin;
  return std::string(url.substr(0, begin)) + std::string(url.substr(host, end - host));
}

/// libcurl's default, but never passed on to child processes.
curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// First position of `bytes 100-199/200`.
std::optional<std::uint64_t> range_start(const std::string* content_range) {
  constexpr std::string_view kUnit = "bytes ";
  if (content_range == nullptr || !content_range->starts_with(kUnit)) return std::nullopt;
  std::uint64_t start = 0;
  const auto* begin = content_range->data() + kUnit.size();
  const auto* end = content_range->data() + content_range->size();
  if (std::from_chars(begin, end, start).ec != std::errc()) return std::nullopt;
  return start;
}

std::string in_words(std::chrono::milliseconds time) {
  return time.count() % 1000 == 0 ? fmt::format("{} s", time.count() / 1000) : fmt::format("{} ms", time.count());
}

}  // namespace

Transfer::Transfer(Id id, ClientRequest request, std::stop_token stop, Client::Callback done)
    : id_(id),
      request_(std::move(request)),
      stop_(std::move(stop)),
      done_(std::move(done)),
      address_(address_of(request_.url)) {}

void Transfer::set(CURLoption option, long value) {
  curl_easy_setopt(handle_.get(), option, value);
}
void Transfer::set(CURLoption option, const std::string& value) {
  curl_easy_setopt(handle_.get(), option, value.c_str());
}

CURL* Transfer::release() {
  curl_easy_reset(handle_.get());  // it points into this object
  return handle_.release();
}

Result<void> Transfer::prepare(const ClientSettings& settings) {
  if (!handle_) handle_.reset(curl_easy_init());
  if (!handle_) return fail(ErrorCode::kIo, "Out of memory for a request");
  const std::string_view url = request_.url;
  if (!equals_ignoring_case(url.substr(0, 7), "http://") && !equals_ignoring_case(url.substr(0, 8), "https://"))
    return fail(not_a_url("it has no scheme that is known"));
  if (has_line_break(url)) return fail(not_a_url("it contains a line break"));
  set(CURLOPT_URL, request_.url);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  set(CURLOPT_PATH_AS_IS, 1);
  set(CURLOPT_NOSIGNAL, 1);
  set(CURLOPT_QUICK_EXIT, 1);  // do not wait for a resolver when a request is cancelled
  set(CURLOPT_CONNECTTIMEOUT_MS, request_.connect_timeout.count());
  set(CURLOPT_TCP_KEEPALIVE, 1);
  set(CURLOPT_TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set(CURLOPT_TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
  set(CURLOPT_USERAGENT, settings.user_agent);
  if (!settings.ca_file.empty()) set(CURLOPT_CAINFO, settings.ca_file);
  set(CURLOPT_SSL_VERIFYPEER, settings.verify_tls ? 1 : 0);
  set(CURLOPT_SSL_VERIFYHOST, settings.verify_tls ? 2 : 0);
  set_callbacks();
  if (!request_.upload_file.empty()) MITO_TRY(prepare_upload());
  set_method();
  if (!request_.download_file.empty()) set(CURLOPT_BUFFERSIZE, kFileBufferBytes);
  if (request_.resume_from > 0) set(CURLOPT_RANGE, fmt::format("{}-", request_.resume_from));
  return set_headers();
}

Error Transfer::not_a_url(std::string_view reason) const {
  return {ErrorCode::kUsage,
          fmt::format("'{}' is not a URL that can be asked for ({}). It must begin with http:// or https:// and a host",
                      address_, reason)};
}

void Transfer::set_callbacks() {
  auto* handle = handle_.get();
  curl_easy_setopt(handle, CURLOPT_PRIVATE, this);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  // Only what takes time to send has a progress that nothing else tells of.
  if (request_.progress || !request_.upload_file.empty() || request_.body.size() > kLongBody) {
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, this);
    set(CURLOPT_NOPROGRESS, 0);
  }
  curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, &Transfer::on_connected);
  curl_easy_setopt(handle, CURLOPT_PREREQDATA, this);
}

Result<void> Transfer::prepare_upload() {
  MITO_TRY(upload_.open_for_reading(request_.upload_file));
  if (request_.upload_length) {
    upload_length_ = *request_.upload_length;
  } else {
    MITO_TRY_ASSIGN(upload_length_, upload_.size());
  }
  auto* handle = handle_.get();
  set(CURLOPT_UPLOAD, 1);
  set(CURLOPT_UPLOAD_BUFFERSIZE, kFileBufferBytes);
  curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(upload_length_));
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, &Transfer::on_upload);
  curl_easy_setopt(handle, CURLOPT_READDATA, this);
  curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
  curl_easy_setopt(handle, CURLOPT_SEEKDATA, this);
  return {};
}

void Transfer::set_method() {
  const auto& method = request_.method;
  const bool always_has_body = method == "POST" || method == "PUT" || method == "PATCH";
  if (!upload_.is_open() && (always_has_body || !request_.body.empty())) {
    curl_easy_setopt(handle_.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(handle_.get(), CURLOPT_POSTFIELDS, request_.body.data());
  }
  if (method == "HEAD") set(CURLOPT_NOBODY, 1);
  set(CURLOPT_CUSTOMREQUEST, method);
}

Result<void> Transfer::set_headers() {
  auto append = [this](const std::string& line) {
    auto* list = header_list_.release();
    auto* longer = curl_slist_append(list, line.c_str());
    header_list_.reset(longer != nullptr ? longer : list);
  };
  for (const auto& [name, value] : request_.headers.fields()) {
    if (name.empty() || has_line_break(name) || has_line_break(value))
      return fail(ErrorCode::kUsage, fmt::format("The header field '{}' is empty or contains a line break", name));
    append(value.empty() ? name + ";" : name + ": " + value);
  }
  append("Expect:");
  if (request_.headers.find("content-type") == nullptr) append("Content-Type:");
  curl_easy_setopt(handle_.get(), CURLOPT_HTTPHEADER, header_list_.get());
  return {};
}

void Transfer::watch_stop_token(std::function<void()> cancel) {
  stop_callback_.emplace(stop_, std::move(cancel));
}

int Transfer::on_connected(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.connected_ = true;
  transfer.last_activity_ = Clock::now();
  return CURL_PREREQFUNC_OK;
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.last_activity_ = Clock::now();
  std::string_view line(data, size * count);
  while (line.ends_with('\n') || line.ends_with('\r'))
    line.remove_suffix(1);
  transfer.head_complete_ = line.empty();
  if (line.starts_with("HTTP/")) transfer.response_.headers = {};  // what came before was of an interim response
  auto colon = line.find(':');
  if (colon == std::string_view::npos || line.starts_with("HTTP/")) return size * count;
  auto value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  value = value.substr(0, value.find_last_not_of(" \t") + 1);
  transfer.response_.headers.add(std::string(line.substr(0, colon)), std::string(value));
  return size * count;
}

bool Transfer::is_success() const {
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status >= 200 && status < 300;
}

bool Transfer::goes_to_file() const {
  return !request_.download_file.empty() && is_success();
}

Result<void> Transfer::open_download() {
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  // Some object stores answer a range with 200; then the field Content-Range tells that it is one.
  const auto start = range_start(response_.headers.find("content-range"));
  download_offset_ = 0;
  if (request_.resume_from > 0 && (status == 206 || start)) {
    if (start != request_.resume_from)
      return fail(ErrorCode::kProtocol, fmt::format("{} sent another range than the one that was asked for", address_));
    download_offset_ = request_.resume_from;
  }
  if (request_.on_head) request_.on_head(response_.headers);
  return download_.open_for_writing(request_.download_file, download_offset_);
}

Result<void> Transfer::take_body(std::string_view bytes) {
  response_.bytes_received += bytes.size();
  if (goes_to_file()) {
    if (!download_.is_open()) MITO_TRY(open_download());
    MITO_TRY(download_.write_at(download_offset_, bytes));
    download_offset_ += bytes.size();
    return {};
  }
  if (request_.on_body && is_success()) return request_.on_body(bytes);
  if (bytes.size() > request_.max_response_bytes - response_.body.size())
    return fail(ErrorCode::kProtocol, fmt::format("{} answered more than the {} bytes that are accepted", address_,
                                                  request_.max_response_bytes));
  response_.body += bytes;
  return {};
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.last_activity_ = Clock::now();
  auto taken = transfer.take_body(std::string_view(data, size * count));
  if (taken) return size * count;
  transfer.error_ = std::move(taken).error();
  return 0;
}

std::size_t Transfer::on_upload(char* buffer, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.last_activity_ = Clock::now();
  const auto wanted = std::min<std::uint64_t>(size * count, transfer.upload_length_ - transfer.upload_offset_);
  if (wanted == 0) return 0;
  auto got = transfer.upload_.read_at(transfer.upload_offset_, buffer, wanted);
  if (got && *got > 0) {
    transfer.upload_offset_ += *got;
    return *got;
  }
  transfer.error_ =
      got ? Error(ErrorCode::kIo,
                  fmt::format("{} became shorter while it was sent: {} of {} bytes are left",
                              transfer.request_.upload_file, transfer.upload_offset_, transfer.upload_length_))
          : std::move(got).error();
  return CURL_READFUNC_ABORT;
}

int Transfer::on_seek(void* self, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
  transfer.upload_offset_ = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

int Transfer::on_progress(void* self, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total,
                          curl_off_t uploaded) {
  auto& transfer = *static_cast<Transfer*>(self);
  const auto moved = static_cast<std::uint64_t>(downloaded + uploaded);
  if (moved == transfer.last_progress_) return 0;
  transfer.last_progress_ = moved;
  transfer.last_activity_ = Clock::now();
  if (!transfer.request_.progress) return 0;
  if (transfer.upload_.is_open()) {
    transfer.request_.progress(static_cast<std::uint64_t>(uploaded), static_cast<std::uint64_t>(upload_total));
  } else if (transfer.download_.is_open()) {
    const auto before = transfer.download_offset_ - transfer.response_.bytes_received;
    const auto total = download_total > 0 ? before + static_cast<std::uint64_t>(download_total) : 0;
    transfer.request_.progress(before + static_cast<std::uint64_t>(downloaded), total);
  } else {
    transfer.request_.progress(static_cast<std::uint64_t>(downloaded), static_cast<std::uint64_t>(download_total));
  }
  return 0;
}

Transfer::Clock::time_point Transfer::due() const {
  auto due = Clock::time_point::max();
  if (request_.total_timeout.count() > 0) due = began_ + request_.total_timeout;
  // Until there is a connection, its own time-out holds.
  if (request_.stall_timeout.count() > 0)
    due = std::min(due, (connected_ ? last_activity_ : Clock::now()) + request_.stall_timeout);
  return due;
}

Error Transfer::overdue_error() const {
  if (request_.total_timeout.count() > 0 && Clock::now() >= began_ + request_.total_timeout)
    return {ErrorCode::kTimeout,
            fmt::format("{} did not answer within {}", address_, in_words(request_.total_timeout))};
  return {ErrorCode::kTimeout,
          fmt::format("{} sent and took nothing for {}", address_, in_words(request_.stall_timeout))};
}

Error Transfer::cancelled_error() const {
  return {ErrorCode::kCancelled, fmt::format("The request to {} was given up", address_)};
}

Result<ClientResponse> Transfer::result(CURLcode code) {
  if (error_) return fail(*std::move(error_));
  if (code != CURLE_OK) return fail(classify(code));
  if (!head_complete_)  // libcurl takes the end of the connection for the end of the head
    return fail(ErrorCode::kProtocol, fmt::format("The connection to {} broke in the head of the answer", address_));
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<unsigned>(status);
  if (goes_to_file()) {
    if (!download_.is_open()) MITO_TRY(open_download());  // an empty body
    MITO_TRY(download_.close());
  }
  return std::move(response_);
}

Error Transfer::classify(CURLcode code) const {
  long reason = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_OS_ERRNO, &reason);
  std::string details = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
  if (code == CURLE_URL_MALFORMAT || (code == CURLE_UNSUPPORTED_PROTOCOL && !connected_)) return not_a_url(details);
  if (connected_) return {ErrorCode::kProtocol, fmt::format("The connection to {} broke: {}", address_, details)};
  if (code == CURLE_OPERATION_TIMEDOUT) {
    details = "there was no connection in time";
  } else if (code == CURLE_COULDNT_CONNECT && reason != 0) {
    details = std::generic_category().message(static_cast<int>(reason));
  }
  return {ErrorCode::kUnreachable,
          fmt::format("Cannot reach {}: {}. Check the address, and that a server listens there", address_, details)};
}

void Transfer::finish(Result<ClientResponse> result) {
  stop_callback_.reset();
  done_(std::move(result));
}

}  // namespace mito::http
