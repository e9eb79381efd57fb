#include "storage/objects/s3/s3_object_store.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <fmt/core.h>
#include <openssl/evp.h>

#include "base/encoding.h"
#include "base/random.h"
#include "storage/objects/s3/s3_xml.h"

namespace mito::storage {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLargestAnswer = 4 << 20;
/// As many as S3 takes in one request.
constexpr std::size_t kMostDeleted = 1000;

bool may_pass(unsigned status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

bool may_pass(const Error& error) {
  return error.code() == ErrorCode::kUnreachable || error.code() == ErrorCode::kTimeout ||
         error.code() == ErrorCode::kProtocol;
}

std::string md5_base64(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_md5(), nullptr);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), length});
}

/// `403 SignatureDoesNotMatch: The request signature …`
std::string words_of(const http::ClientResponse& answer) {
  const auto error = parse_s3_error(answer.body);
  if (!error) return fmt::format("status {}", answer.status);
  return fmt::format("status {}, {}: {}", answer.status, error->code, error->message);
}

std::string path_of(const S3Place& place, std::string_view key) {
  if (key.empty()) return place.prefix.empty() ? "/" : place.prefix;
  return place.prefix + "/" + security::sigv4_encode_path(key);
}

}  // namespace

S3ObjectStore::S3ObjectStore(S3Settings settings, const Clock& clock)
    : settings_(std::move(settings)),
      clock_(clock),
      signer_({.access_key = settings_.access_key, .secret_key = settings_.secret_key, .region = settings_.region}),
      client_({.user_agent = "mito"}) {}

S3ObjectStore::~S3ObjectStore() {
  ending_.request_stop();
}

Result<std::unique_ptr<S3ObjectStore>> S3ObjectStore::open(S3Settings settings, const Clock& clock) {
  std::unique_ptr<S3ObjectStore> out(new S3ObjectStore(std::move(settings), clock));
  const S3Settings& set = out->settings_;
  MITO_TRY_ASSIGN(const S3Endpoint own, S3Endpoint::parse(set.url, "s3_url"));
  S3Endpoint given_out = own;
  if (!set.public_url.empty()) {
    MITO_TRY_ASSIGN(given_out, S3Endpoint::parse(set.public_url, "s3_public_url"));
  }
  for (const auto& [name, bucket] :
       {std::pair("artifacts_bucket", &set.artifacts_bucket), std::pair("attachments_bucket", &set.attachments_bucket)})
    if (bucket->empty() || bucket->find('/') != std::string::npos)
      return fail(ErrorCode::kUsage, fmt::format("{} is `{}`, which is no name of a bucket.", name, *bucket));
  if (set.artifacts_bucket == set.attachments_bucket)
    return fail(ErrorCode::kUsage,
                "artifacts_bucket and attachments_bucket are the same; name two, for their keys may be the same, too.");
  if (set.access_key.empty() || set.secret_key.empty() || set.region.empty())
    return fail(ErrorCode::kUsage, "s3_access_key, s3_secret_key and s3_region must not be empty.");
  for (const Bucket bucket : {Bucket::kArtifacts, Bucket::kAttachments}) {
    const std::string& name = bucket == Bucket::kArtifacts ? set.artifacts_bucket : set.attachments_bucket;
    out->places_[static_cast<std::size_t>(bucket)] = own.place(name, set.addressing);
    out->public_places_[static_cast<std::size_t>(bucket)] = given_out.place(name, set.addressing);
  }
  out->described_ = fmt::format("{} ({}, {})", own.url(), set.artifacts_bucket, set.attachments_bucket);
  return out;
}

std::string S3ObjectStore::describe() const {
  return described_;
}

// -- URLs ----------------------------------------------------------------------------------------

std::string S3ObjectStore::presign(const ObjectKey& key, security::SigV4Request request,
                                   std::chrono::seconds life) const {
  const S3Place& place = public_places_[static_cast<std::size_t>(key.bucket)];
  request.host = place.host;
  request.path = place.prefix + "/" + security::sigv4_encode_path(key.key);
  return fmt::format("{}{}?{}", place.origin, request.path, signer_.presign(request, life, clock_.now()));
}

Result<std::string> S3ObjectStore::upload_url(const ObjectKey& key, std::uint64_t length, std::chrono::seconds life,
                                              std::string_view /*base*/) {
  if (const auto signed_length = static_cast<std::int64_t>(length); signed_length < 0)
    return fail(ErrorCode::kUploadRefused, fmt::format("Invalid content length {}", signed_length));
  return presign(key,
                 {.method = "PUT",
                  .host = {},
                  .path = {},
                  .query = {{"x-id", "PutObject"}},
                  .headers = {{"content-length", std::to_string(length)}}},
                 life);
}

Result<std::string> S3ObjectStore::download_url(const ObjectKey& key, std::chrono::seconds life,
                                                std::string_view /*base*/) {
  return presign(key, {.method = "GET", .host = {}, .path = {}, .query = {{"x-id", "GetObject"}}}, life);
}

// -- requests of ours ----------------------------------------------------------------------------

Result<http::ClientResponse> S3ObjectStore::send_once(const Call& call, milliseconds timeout) {
  const std::string path = path_of(call.place, call.key);
  const security::SigV4Request signed_part{
      .method = call.method, .host = call.place.host, .path = path, .query = call.query, .headers = call.headers};
  http::ClientRequest request{.method = call.method, .url = call.place.origin + path, .body = call.body};
  if (!call.query.empty()) request.url += "?" + security::sigv4_encode_query(call.query);
  for (const auto& fields : {call.headers, signer_.sign(signed_part, call.body, clock_.now())})
    for (const auto& [name, value] : fields)
      request.headers.add(name, value);
  request.max_response_bytes = kLargestAnswer;
  request.connect_timeout = std::min(settings_.connect_timeout, timeout);
  request.total_timeout = timeout;
  return client_.send_and_wait(std::move(request), ending_.get_token());
}

bool S3ObjectStore::pause(milliseconds time) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, ending_.get_token(), time, [] { return false; });
  return !ending_.stop_requested();
}

Result<http::ClientResponse> S3ObjectStore::send(const Call& call) {
  const auto deadline = clock_.monotonic() + settings_.patience;
  milliseconds wait = settings_.first_pause;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - clock_.monotonic());
    auto answer = send_once(call, std::clamp(left, milliseconds(1), settings_.attempt_timeout));
    if (answer ? !may_pass(answer->status) : !may_pass(answer.error())) return answer;
    const auto spread = static_cast<unsigned char>(random_bytes(1)[0]);
    const auto next = wait / 2 + wait * spread / 512;
    wait *= 2;
    if (clock_.monotonic() + next >= deadline || !pause(next)) return answer;
  }
}

Error S3ObjectStore::unexpected(const Call& call, const http::ClientResponse& answer) const {
  const bool refused = answer.status == 401 || answer.status == 403;
  const ErrorCode code = refused                   ? ErrorCode::kPermissionDenied
                         : may_pass(answer.status) ? ErrorCode::kUnavailable
                                                   : ErrorCode::kProtocol;
  return {code, fmt::format("S3 at {} answers {} {}{} with {}", settings_.url, call.method, call.place.prefix,
                            call.key.empty() ? "" : "/" + call.key, words_of(answer))};
}

Result<void> S3ObjectStore::remove(const ObjectKey& key) {
  const Call call{.method = "DELETE", .place = place(key.bucket), .key = key.key};
  MITO_TRY_ASSIGN(const http::ClientResponse answer, send(call));
  if (answer.status / 100 == 2 || answer.status == 404) return {};
  return fail(unexpected(call, answer));
}

Result<std::optional<std::uint64_t>> S3ObjectStore::size(const ObjectKey& key) {
  const Call call{.method = "HEAD", .place = place(key.bucket), .key = key.key};
  MITO_TRY_ASSIGN(const http::ClientResponse answer, send(call));
  if (answer.status == 404) return std::nullopt;
  if (answer.status != 200) return fail(unexpected(call, answer));
  const std::string* text = answer.headers.find("content-length");
  std::uint64_t length = 0;
  if (text == nullptr || std::from_chars(text->data(), text->data() + text->size(), length).ec != std::errc())
    return fail(ErrorCode::kProtocol, fmt::format("S3 at {} does not tell the length of an object", settings_.url));
  return length;
}

std::vector<ObjectStore::Leftover> S3ObjectStore::remove_all(std::span<const ObjectKey> keys) {
  std::vector<Leftover> left;
  for (const Bucket bucket : {Bucket::kArtifacts, Bucket::kAttachments}) {
    std::vector<std::string> batch;
    const auto finish = [&] {
      if (batch.empty()) return;
      if (const auto done = remove_batch(bucket, batch, left); !done)
        for (const std::string& key : batch)
          left.push_back({.key = {bucket, key}, .error = done.error()});
      batch.clear();
    };
    for (const ObjectKey& key : keys) {
      if (key.bucket != bucket) continue;
      if (fits_xml(key.key)) {
        batch.push_back(key.key);
        if (batch.size() == kMostDeleted) finish();
      } else if (auto removed = remove(key); !removed) {
        left.push_back({.key = key, .error = std::move(removed).error()});
      }
    }
    finish();
  }
  return left;
}

Result<void> S3ObjectStore::remove_batch(Bucket bucket, const std::vector<std::string>& keys,
                                         std::vector<Leftover>& left) {
  if (keys.size() == 1) return remove({bucket, keys.front()});
  Call call{.method = "POST", .place = place(bucket), .query = {{"delete", ""}}, .body = deletion_document(keys)};
  call.headers = {{"content-md5", md5_base64(call.body)}, {"content-type", "application/xml"}};
  MITO_TRY_ASSIGN(const http::ClientResponse answer, send(call));
  if (answer.status != 200) return fail(unexpected(call, answer));
  for (const S3Error& error : parse_s3_errors(answer.body))
    if (error.code != "NoSuchKey")
      left.push_back({.key = {bucket, error.key},
                      .error = {ErrorCode::kUnavailable, fmt::format("{}: {}", error.code, error.message)}});
  return {};
}

// -- start ---------------------------------------------------------------------------------------

Result<void> S3ObjectStore::prepare(MissingBuckets missing) {
  for (const std::string& bucket : {settings_.artifacts_bucket, settings_.attachments_bucket})
    MITO_TRY(prepare_bucket(bucket, missing));
  return {};
}

Result<void> S3ObjectStore::prepare_bucket(const std::string& bucket, MissingBuckets missing) {
  const Bucket which = bucket == settings_.artifacts_bucket ? Bucket::kArtifacts : Bucket::kAttachments;
  auto answer = send({.method = "HEAD", .place = place(which)});
  if (!answer)
    return fail(answer.error().code(),
                fmt::format("S3 at {} cannot be reached: {}. Check that it runs and that s3_url is right.",
                            settings_.url, answer.error().text()),
                answer.error().internal());
  if (answer->status == 200) return {};
  if (answer->status == 404) {
    if (missing == MissingBuckets::kCreate) return create_bucket(bucket);
    return fail(ErrorCode::kNotFound,
                fmt::format("S3 at {} has no bucket {}: the next start creates it.", settings_.url, bucket));
  }
  return fail(bucket_error(bucket, *answer));
}

Result<void> S3ObjectStore::create_bucket(const std::string& bucket) {
  const Bucket which = bucket == settings_.artifacts_bucket ? Bucket::kArtifacts : Bucket::kAttachments;
  const Call call{.method = "PUT", .place = place(which)};
  MITO_TRY_ASSIGN(const http::ClientResponse answer, send(call));
  if (answer.status == 200 || answer.status == 201) return {};
  const auto error = parse_s3_error(answer.body);
  if (error && (error->code == "BucketAlreadyOwnedByYou" || error->code == "BucketAlreadyExists")) return {};
  return fail(
      ErrorCode::kPermissionDenied,
      fmt::format("S3 at {} has no bucket {}, and it could not be created ({}). Create it, or allow this key to.",
                  settings_.url, bucket, words_of(answer)));
}

// A HEAD has no body: the words come with a listing.
Error S3ObjectStore::bucket_error(const std::string& bucket, const http::ClientResponse& head) {
  const Bucket which = bucket == settings_.artifacts_bucket ? Bucket::kArtifacts : Bucket::kAttachments;
  auto asked = send({.method = "GET", .place = place(which), .query = {{"list-type", "2"}, {"max-keys", "1"}}});
  const http::ClientResponse& answer = asked && asked->status / 100 != 2 ? *asked : head;
  const auto error = parse_s3_error(answer.body);
  const std::string code = error ? error->code : std::string();
  std::string remedy = "Check s3_url: is it the address of an S3 server?";
  if (code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch")
    remedy = "Check s3_access_key and s3_secret_key.";
  else if (code == "AuthorizationHeaderMalformed" || code == "PermanentRedirect" || code == "InvalidRegion" ||
           answer.status == 301 || answer.status == 307)
    remedy = "Check s3_region and s3_url.";
  else if (code == "RequestTimeTooSkewed")
    remedy = "Set this machine's clock.";
  else if (answer.status == 403)
    remedy = fmt::format(
        "Check s3_access_key and s3_secret_key, and that this key may list the bucket and read, write and delete its "
        "objects.");
  else if (may_pass(answer.status))
    remedy = "Try again when the server is well.";
  const bool refused = answer.status / 100 == 4 || answer.status / 100 == 3;
  return {refused ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable,
          fmt::format("S3 at {} refuses the bucket {} ({}). {}", settings_.url, bucket, words_of(answer), remedy)};
}

}  // namespace mito::storage
