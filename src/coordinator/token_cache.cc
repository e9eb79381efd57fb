#include "coordinator/token_cache.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace mito::coordinator {

namespace {
// What TokenKeys::verify allows (reference/server.md 2.1).
constexpr std::int64_t kLeewaySeconds = 60;
}  // namespace

TokenCache::TokenCache(const security::TokenKeys& keys, std::size_t capacity)
    : keys_(keys), capacity_per_shard_(std::max<std::size_t>(1, capacity / kShards)) {}

Result<security::Claims> TokenCache::verify(std::string_view bearer, std::int64_t now) {
  Sync<Shard>& sync = shards_[std::hash<std::string_view>{}(bearer) % kShards];
  {
    auto shard = sync.lock();
    if (const auto found = shard->index.find(bearer); found != shard->index.end()) {
      const security::Claims& claims = found->second->claims;
      if (claims.exp < now - kLeewaySeconds) {
        const auto entry = found->second;
        shard->index.erase(found);
        shard->recent.erase(entry);
        return fail(ErrorCode::kInvalidToken);
      }
      shard->recent.splice(shard->recent.begin(), shard->recent, found->second);
      return claims;
    }
  }
  MITO_TRY_ASSIGN(security::Claims claims, keys_.verify(bearer, now));
  auto shard = sync.lock();
  if (!shard->index.contains(bearer)) {
    if (shard->recent.size() >= capacity_per_shard_) {
      shard->index.erase(shard->recent.back().bearer);
      shard->recent.pop_back();
    }
    shard->recent.push_front({std::string(bearer), claims});
    shard->index.emplace(shard->recent.front().bearer, shard->recent.begin());
  }
  return claims;
}

}  // namespace mito::coordinator
