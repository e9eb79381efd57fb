#include "storage/objects/s3/s3_object_store.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <fmt/core.h>

#include "base/random.h"
#include "storage/objects/s3/s3_attempts.h"
#include "storage/objects/s3/s3_times.h"
#include "storage/objects/s3/s3_xml.h"

namespace mito::storage {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLargestAnswer = 4 << 20;
constexpr std::chrono::seconds kBackdated{2};
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

// Called with each answer, on any thread. A second more or less is what two clocks in whole seconds differ by.
void S3ObjectStore::learn_time(const http::ClientResponse& answer) {
  const std::string* text = answer.headers.find("date");
  const auto shown = text != nullptr ? parse_http_date(*text) : std::nullopt;
  if (!shown) return;
  const auto found = std::chrono::floor<std::chrono::seconds>(*shown - clock_.now());
  if (std::chrono::abs(found - ahead()) > std::chrono::seconds(1)) ahead_ = found.count();
}

Result<http::ClientResponse> S3ObjectStore::exchange(const Call& call, http::ClientRequest request,
                                                     milliseconds timeout) {
  for (const auto& [name, value] : call.headers)
    request.headers.add(name, value);
  request.max_response_bytes = kLargestAnswer;
  request.connect_timeout = std::min(settings_.connect_timeout, timeout);
  request.total_timeout = timeout;
  auto answer = client_.send_and_wait(std::move(request), ending_.get_token());
  if (answer) learn_time(*answer);
  return answer;
}

Result<http::ClientResponse> S3ObjectStore::send_signed(const Call& call, milliseconds timeout) {
  const std::string path = path_of(call.place, call.key);
  const security::SigV4Request signed_part{
      .method = call.method, .host = call.place.host, .path = path, .query = call.query, .headers = call.headers};
  http::ClientRequest request{.method = call.method, .url = call.place.origin + path, .body = call.body};
  if (!call.query.empty()) request.url += "?" + security::sigv4_encode_query(call.query);
  for (const auto& [name, value] : signer_.sign(signed_part, call.body, clock_.now()))
    request.headers.add(name, value);
  return exchange(call, std::move(request), timeout);
}

// Begins a little in the past: some servers refuse what is valid from the next second on.
Result<http::ClientResponse> S3ObjectStore::send_presigned(const Call& call, milliseconds timeout,
                                                           std::chrono::seconds life) {
  const std::string path = path_of(call.place, call.key);
  const security::SigV4Request signed_part{
      .method = call.method, .host = call.place.host, .path = path, .query = call.query, .headers = call.headers};
  return exchange(call,
                  {.method = call.method,
                   .url = fmt::format("{}{}?{}", call.place.origin, path,
                                      signer_.presign(signed_part, life, clock_.now() + ahead() - kBackdated)),
                   .body = call.body},
                  timeout);
}

bool S3ObjectStore::pause(milliseconds time) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, ending_.get_token(), time, [] { return false; });
  return !ending_.stop_requested();
}

S3ObjectStore::Attempts::Attempts(S3ObjectStore& store)
    : store_(store),
      deadline_(store.clock_.monotonic() + store.settings_.patience),
      pause_(store.settings_.first_pause),
      ahead_(store.ahead()) {}

milliseconds S3ObjectStore::Attempts::time_left() const {
  const auto left = std::chrono::ceil<milliseconds>(deadline_ - store_.clock_.monotonic());
  return std::clamp(left, milliseconds(1), store_.settings_.attempt_timeout);
}

bool S3ObjectStore::Attempts::may_pass(unsigned status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

bool S3ObjectStore::Attempts::again(const Result<http::ClientResponse>& answer) {
  const bool clocks_differ = std::exchange(ahead_, store_.ahead()) != ahead_;
  if (answer) {
    const bool expired = (answer->status == 400 || answer->status == 403) && clocks_differ;
    if (!may_pass(answer->status) && !expired) return false;
  } else {
    const ErrorCode code = answer.error().code();
    if (code != ErrorCode::kUnreachable && code != ErrorCode::kTimeout && code != ErrorCode::kProtocol) return false;
  }
  const auto spread = static_cast<unsigned char>(random_bytes(1)[0]);
  const auto next = pause_ / 2 + pause_ * spread / 512;
  pause_ *= 2;
  return store_.clock_.monotonic() + next < deadline_ && store_.pause(next);
}

Result<http::ClientResponse> S3ObjectStore::send(const Call& call) {
  Attempts attempts(*this);
  while (true) {
    auto answer = send_signed(call, attempts.time_left());
    if (!attempts.again(answer)) return answer;
  }
}

Error S3ObjectStore::unexpected(const Call& call, const http::ClientResponse& answer) const {
  const bool refused = answer.status == 401 || answer.status == 403;
  const ErrorCode code = refused                             ? ErrorCode::kPermissionDenied
                         : Attempts::may_pass(answer.status) ? ErrorCode::kUnavailable
                                                             : ErrorCode::kProtocol;
  return {code, fmt::format("S3 at {} answers {} {}{} with {}", settings_.url, call.method, call.place.prefix,
                            call.key.empty() ? "" : "/" + call.key, words_of(answer))};
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
  else if (Attempts::may_pass(answer.status))
    remedy = "Try again when the server is well.";
  const bool refused = answer.status / 100 == 4 || answer.status / 100 == 3;
  return {refused ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable,
          fmt::format("S3 at {} refuses the bucket {} ({}). {}", settings_.url, bucket, words_of(answer), remedy)};
}

}  // namespace mito::storage
