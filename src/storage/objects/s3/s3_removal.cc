#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/core.h>
#include <openssl/evp.h>

#include "base/encoding.h"
#include "storage/objects/s3/s3_attempts.h"
#include "storage/objects/s3/s3_object_store.h"
#include "storage/objects/s3/s3_xml.h"

// Removing objects for good, and never one that was uploaded later.
namespace mito::storage {

namespace {

using std::chrono::seconds;

/// As many as S3 takes in one request.
constexpr std::size_t kMostRemoved = 1000;
/// On top of the time that an attempt has, so that it does not expire while it is waited for: what may be lost at the
/// begin of its life (see send_presigned), to rounding, and to two clocks that are taken for the same.
constexpr seconds kSlack{6};

std::string md5_base64(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_md5(), nullptr);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), length});
}

bool is_gone(const http::ClientResponse& answer) {
  return answer.status / 100 == 2 || answer.status == 404;
}

}  // namespace

S3ObjectStore::Call S3ObjectStore::removal_of(Bucket bucket, const Keys& keys) const {
  if (keys.size() == 1) return {.method = "DELETE", .place = place(bucket), .key = keys.front()};
  Call call{.method = "POST", .place = place(bucket), .query = {{"delete", ""}}, .body = deletion_document(keys)};
  call.headers = {{"content-md5", md5_base64(call.body)}, {"content-type", "application/xml"}};
  return call;
}

Result<http::ClientResponse> S3ObjectStore::try_to_remove(Bucket bucket, Keys& keys, const Withdrawn& withdrawn) {
  Attempts attempts(*this);
  std::optional<Clock::Monotonic> settled;  // When the server refuses every attempt whose end is not known.
  Result<http::ClientResponse> answer = fail(ErrorCode::kCancelled);
  do {
    if (withdrawn) std::erase_if(keys, [&](const std::string& key) { return withdrawn({bucket, key}); });
    if (keys.empty()) break;
    const auto timeout = attempts.time_left();
    const auto life = std::chrono::ceil<seconds>(timeout) + kSlack;
    const auto sent = clock_.monotonic();
    answer = send_presigned(removal_of(bucket, keys), timeout, life);
    const bool never_sent = !answer && answer.error().code() == ErrorCode::kUnreachable;
    if (!never_sent && (!answer || Attempts::may_pass(answer->status))) settled = sent + life;
  } while (attempts.again(answer));
  if (settled && clock_.monotonic() < *settled)
    pause(std::chrono::ceil<std::chrono::milliseconds>(*settled - clock_.monotonic()));
  return answer;
}

void S3ObjectStore::remove_batch(Bucket bucket, Keys keys, const Withdrawn& withdrawn, std::vector<Leftover>& left) {
  if (keys.empty()) return;
  const auto answer = try_to_remove(bucket, keys, withdrawn);
  if (keys.empty()) return;
  const Call call = removal_of(bucket, keys);
  if (!answer || !is_gone(*answer) || (keys.size() > 1 && answer->status != 200)) {
    const Error error = answer ? unexpected(call, *answer) : answer.error();
    for (std::string& key : keys)
      left.push_back({.key = {bucket, std::move(key)}, .error = error});
    return;
  }
  if (keys.size() == 1) return;
  for (const S3Error& error : parse_s3_errors(answer->body))
    if (error.code != "NoSuchKey")
      left.push_back({.key = {bucket, error.key},
                      .error = {ErrorCode::kUnavailable, fmt::format("{}: {}", error.code, error.message)}});
}

Result<void> S3ObjectStore::remove(const ObjectKey& key) {
  std::vector<Leftover> left;
  remove_batch(key.bucket, {key.key}, {}, left);
  if (left.empty()) return {};
  return fail(std::move(left.front().error));
}

std::vector<ObjectStore::Leftover> S3ObjectStore::remove_all(std::span<const ObjectKey> keys,
                                                             const Withdrawn& withdrawn) {
  std::vector<Leftover> left;
  for (const Bucket bucket : {Bucket::kArtifacts, Bucket::kAttachments}) {
    Keys batch;
    for (const ObjectKey& key : keys) {
      if (key.bucket != bucket) continue;
      if (!fits_xml(key.key)) {
        remove_batch(bucket, {key.key}, withdrawn, left);
        continue;
      }
      batch.push_back(key.key);
      if (batch.size() == kMostRemoved) remove_batch(bucket, std::exchange(batch, {}), withdrawn, left);
    }
    remove_batch(bucket, std::move(batch), withdrawn, left);
  }
  return left;
}

}  // namespace mito::storage
