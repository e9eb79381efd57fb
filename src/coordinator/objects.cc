#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "coordinator/byte_range.h"
#include "coordinator/handlers.h"
#include "coordinator/object_records.h"
#include "protocol/codec.h"
#include "storage/objects/versioned_object.h"

// The bytes of objects: PUT, GET and HEAD of signed URLs below /objects (architecture section 5). Streamed in pieces of
// bounded size; every piece is one job of a disk thread, so an I/O thread never waits for the disk.
namespace mito::coordinator {

namespace {

using http::Awaitable;
using protocol::Endpoint;

constexpr std::size_t kPiece = 256 << 10;

http::Response refusal(unsigned status, std::string text) {
  return json_response(status, protocol::encode(protocol::ErrorMsg{std::move(text)}));
}

/// The answer to what the store did not do; its own faults are counted.
http::Response store_failure(Services& services, const Error& error) {
  if (error.code() == ErrorCode::kIo || error.code() == ErrorCode::kStorageFull) ++services.object_counters.errors;
  return error_response(error);
}

/// What the URL of the request allows; the refusal says what is wrong with it.
std::expected<security::ObjectGrant, http::Response> granted(const Context& context) {
  const std::int64_t now = std::chrono::floor<std::chrono::seconds>(context.now()).time_since_epoch().count();
  const http::Request& request = context.request;
  auto grant = context.services.object_urls.verify(request.method, request.path, request.query, now);
  if (grant) return std::move(*grant);
  return std::unexpected(refusal(403, grant.error().text()));
}

std::optional<storage::ObjectKey> key_of(const security::ObjectGrant& grant) {
  const auto bucket = storage::parse_bucket(grant.bucket);
  if (!bucket) return std::nullopt;
  return storage::ObjectKey{.bucket = *bucket, .key = grant.key};
}

// -- PUT -----------------------------------------------------------------------------------------

/// An upload whose blocking calls, its end included, happen on disk threads.
class DiskUpload {
 public:
  DiskUpload(Services& services, std::unique_ptr<storage::ObjectUpload> upload)
      : services_(&services), upload_(std::move(upload)) {}
  DiskUpload(DiskUpload&&) = default;
  DiskUpload& operator=(DiskUpload&&) = delete;
  /// An upload that was not committed is given up on a disk thread: that removes its file.
  ~DiskUpload() {
    if (upload_ != nullptr) services_->disk_threads.post([upload = std::move(upload_)](std::optional<unsigned>) {});
  }

  Awaitable<Result<void>> write(std::shared_ptr<const std::vector<char>> piece, std::size_t size) {
    return run_on(services_->disk_threads, ErrorCode::kUnavailable, [upload = upload_.get(), piece, size](unsigned) {
      return upload->write(std::string_view(piece->data(), size));
    });
  }
  Awaitable<Result<void>> commit(storage::ObjectKey key) {
    return run_on(services_->disk_threads, ErrorCode::kUnavailable,
                  [services = services_, upload = upload_.get(), key = std::move(key)](unsigned) -> Result<void> {
                    // The bytes of the object that had this key before are on their way out; they would take these
                    // along.
                    if (services->removals.contains(key))
                      return fail(ErrorCode::kUnavailable, "The object is being removed, send it again");
                    return upload->commit();
                  });
  }

 private:
  Services* services_;
  std::unique_ptr<storage::ObjectUpload> upload_;
};

/// Fills `piece` from the body; fewer bytes only at its end.
Awaitable<std::expected<std::size_t, http::BodyError>> read_piece(http::Body& body, std::vector<char>& piece) {
  std::size_t filled = 0;
  while (filled < piece.size()) {
    const auto count = co_await body.read_some(std::span(piece).subspan(filled));
    if (!count) co_return std::unexpected(count.error());
    if (*count == 0) break;
    filled += *count;
  }
  co_return filled;
}

/// The body of the request into the upload; the refusal when it does not have the announced length.
Awaitable<std::expected<void, http::Response>> receive(Context& context, DiskUpload& upload, std::uint64_t length) {
  auto piece =
      std::make_shared<std::vector<char>>(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, length + 1)));
  std::uint64_t received = 0;
  while (true) {
    const auto count = co_await read_piece(*context.request.body, *piece);
    if (!count) co_return std::unexpected(failure_response(protocol::body_unreadable()));
    if (*count == 0) break;
    received += *count;
    if (received > length)
      co_return std::unexpected(
          refusal(400, fmt::format("The body is longer than the {} bytes that were announced", length)));
    if (const auto written = co_await upload.write(piece, *count); !written)
      co_return std::unexpected(store_failure(context.services, written.error()));
    context.services.counters.bytes_in += *count;
  }
  if (received < length)
    co_return std::unexpected(refusal(400, fmt::format("The body has {} bytes, {} were announced", received, length)));
  co_return std::expected<void, http::Response>();
}

Awaitable<http::Response> put_object(Context& context) {
  Services& services = context.services;
  if (services.local_objects == nullptr) co_return empty_response(404);
  auto grant = granted(context);
  if (!grant) co_return std::move(grant).error();
  const auto key = key_of(*grant);
  if (!key || !grant->length) co_return refusal(404, "Object not found");
  const std::uint64_t length = *grant->length;
  if (const auto announced = context.request.body->content_length(); announced && *announced != length)
    co_return refusal(400, fmt::format("The body has {} bytes, {} were announced", *announced, length));
  auto begun = co_await run_on(services.disk_threads, ErrorCode::kUnavailable,
                               [&](unsigned) { return services.local_objects->begin_upload(*key, length); });
  if (!begun) co_return store_failure(services, begun.error());
  DiskUpload upload(services, std::move(*begun));
  if (auto received = co_await receive(context, upload, length); !received) co_return std::move(received).error();
  const Result<void> committed = co_await upload.commit(*key);
  if (!committed) co_return store_failure(services, committed.error());
  co_return empty_response();
}

// -- GET -----------------------------------------------------------------------------------------

/// Part of an object, read piece by piece on disk threads.
class DiskSource : public http::BodySource {
 public:
  DiskSource(Services& services, std::shared_ptr<storage::ObjectReader> reader, ByteRange range)
      : services_(services), reader_(std::move(reader)), range_(range), position_(range.first) {}

  Awaitable<Result<std::size_t>> read(std::span<char> buffer) override {
    const std::uint64_t left = range_.first + range_.length - position_;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, std::min(buffer.size(), kPiece)));
    if (wanted == 0) co_return std::size_t{0};
    const Result<std::size_t> count = co_await run_on(services_.disk_threads, ErrorCode::kUnavailable, [&](unsigned) {
      return reader_->read_at(position_, buffer.data(), wanted);
    });
    if (!count || *count == 0) ++services_.object_counters.errors;
    if (!count) co_return count;
    if (*count == 0) co_return fail(ErrorCode::kIo, {}, "an object became shorter while it was sent");
    position_ += *count;
    services_.counters.bytes_out += *count;
    co_return count;
  }

  [[nodiscard]] std::optional<std::uint64_t> length() const override { return range_.length; }

 private:
  Services& services_;
  std::shared_ptr<storage::ObjectReader> reader_;
  ByteRange range_;
  std::uint64_t position_;
};

/// `"<version>"`; empty where the store cannot tell versions apart.
std::string entity_tag(const storage::ObjectReader& reader) {
  const auto* versioned = dynamic_cast<const storage::VersionedObject*>(&reader);
  const std::string version = versioned == nullptr ? std::string() : versioned->version();
  return version.empty() ? version : '"' + version + '"';
}

Awaitable<http::Response> get_object(Context& context) {
  Services& services = context.services;
  if (services.local_objects == nullptr) co_return empty_response(404);
  auto grant = granted(context);
  if (!grant) co_return std::move(grant).error();
  const auto key = key_of(*grant);
  if (!key) co_return refusal(404, "Object not found");
  auto opened = co_await run_on(services.disk_threads, ErrorCode::kUnavailable,
                                [&](unsigned) { return services.local_objects->open(*key); });
  if (!opened) co_return store_failure(services, opened.error());
  if (*opened == nullptr) co_return refusal(404, "Object not found");
  std::shared_ptr<storage::ObjectReader> reader = std::move(*opened);
  const std::uint64_t size = reader->size();
  const std::string tag = entity_tag(*reader);
  const std::string* header = context.request.headers.find("range");
  const std::string* only_if = context.request.headers.find("if-range");
  if (only_if != nullptr && *only_if != tag) header = nullptr;  // other bytes: all of them are sent
  const RequestedRange requested = parse_range(header != nullptr ? *header : std::string_view(), size);
  http::Response response;
  response.headers.add("accept-ranges", "bytes");
  if (!tag.empty()) response.headers.add("etag", tag);
  if (requested.kind == RequestedRange::Kind::kUnsatisfiable) {
    response.status = 416;
    response.headers.add("content-range", fmt::format("bytes */{}", size));
    co_return response;
  }
  response.headers.add("content-type", "application/octet-stream");
  if (requested.kind == RequestedRange::Kind::kPart) {
    response.status = 206;
    response.headers.add("content-range", fmt::format("bytes {}-{}/{}", requested.range.first,
                                                      requested.range.first + requested.range.length - 1, size));
  }
  response.source = std::make_unique<DiskSource>(services, std::move(reader), requested.range);
  co_return response;
}

}  // namespace

void add_objects(Handlers& handlers) {
  handlers.add(Endpoint::kPutObject, put_object);
  handlers.add(Endpoint::kGetObject, get_object);
}

}  // namespace mito::coordinator
