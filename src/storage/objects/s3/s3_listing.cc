#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "storage/objects/s3/s3_object_store.h"
#include "storage/objects/s3/s3_times.h"
#include "storage/objects/s3/s3_xml.h"

// What is in the buckets, and whose they are.
namespace mito::storage {

namespace {

constexpr std::string_view kOwnerKey = "mitosis-owner";
constexpr std::size_t kLongestOwner = 256;

}  // namespace

Result<RemoteObjectStore::Page> S3ObjectStore::list(Bucket bucket, const std::string& after) {
  Call call{.method = "GET",
            .place = place(bucket),
            .query = {{"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", "1000"}}};
  if (!after.empty()) call.query.emplace_back("start-after", after);
  MITO_TRY_ASSIGN(const http::ClientResponse answer, send(call));
  if (answer.status != 200) return fail(unexpected(call, answer));
  const auto not_understood = [&](std::string_view what) {
    return fail(
        ErrorCode::kProtocol,
        fmt::format("S3 at {} lists {} in a way that is not understood: {}", settings_.url,
                    bucket == Bucket::kArtifacts ? settings_.artifacts_bucket : settings_.attachments_bucket, what));
  };
  auto listing = parse_s3_listing(answer.body);
  if (!listing) return not_understood("it is no ListBucketResult");
  Page page;
  for (S3Listing::Object& object : listing->objects) {
    const auto written = parse_s3_time(object.last_modified);
    if (!written) return not_understood(fmt::format("LastModified is `{}`", object.last_modified));
    page.objects.push_back({.key = std::move(object.key), .written = *written - ahead()});
  }
  if (!listing->truncated) return page;
  if (page.objects.empty() || page.objects.back().key == after) return not_understood("the next page does not come");
  page.next = page.objects.back().key;
  return page;
}

Result<std::optional<std::string>> S3ObjectStore::read_small(Bucket bucket, const std::string& key) {
  const Call call{.method = "GET", .place = place(bucket), .key = key};
  MITO_TRY_ASSIGN(http::ClientResponse answer, send(call));
  if (answer.status == 404) return std::nullopt;
  if (answer.status / 100 != 2) return fail(unexpected(call, answer));
  return std::move(answer.body);
}

// Of two that find the bucket unclaimed at the same time, a server that knows If-None-Match lets the first one through;
// with any other the last one wins. What both read afterwards is the same.
Result<std::string> S3ObjectStore::claim(Bucket bucket, const std::string& owner) {
  const std::string key(kOwnerKey);
  MITO_TRY_ASSIGN(auto known, read_small(bucket, key));
  if (!known) {
    const Call call{.method = "PUT",
                    .place = place(bucket),
                    .key = key,
                    .headers = {{"content-type", "text/plain"}, {"if-none-match", "*"}},
                    .body = owner};
    MITO_TRY_ASSIGN(const http::ClientResponse answer, send(call));
    const bool taken = answer.status == 409 || answer.status == 412;
    if (answer.status / 100 != 2 && !taken) return fail(unexpected(call, answer));
    MITO_TRY_ASSIGN(known, read_small(bucket, key));
  }
  if (!known || known->size() > kLongestOwner)
    return fail(ErrorCode::kProtocol, fmt::format("S3 at {} does not keep the object {}", settings_.url, kOwnerKey));
  return std::move(*known);
}

}  // namespace mito::storage
