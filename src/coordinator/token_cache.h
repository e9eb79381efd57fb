#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/sync.h"
#include "security/token.h"

namespace mito::coordinator {

/// Bearer tokens that verified before, with their claims: an Ed25519 verification costs 0.2 ms, a look-up microseconds.
/// Holds at most `capacity` of them, least recently used first out. Any thread.
class TokenCache {
 public:
  TokenCache(const security::TokenKeys& keys, std::size_t capacity);

  /// The claims of a good token; kInvalidToken otherwise, also when it expired more than 60 s before `now` (Unix
  /// seconds).
  [[nodiscard]] Result<security::Claims> verify(std::string_view bearer, std::int64_t now);

 private:
  struct Entry {
    std::string bearer;
    security::Claims claims;
  };
  /// The index points into the entries' own strings, which list nodes never move.
  struct Shard {
    std::list<Entry> recent;
    std::unordered_map<std::string_view, std::list<Entry>::iterator> index;
  };
  static constexpr std::size_t kShards = 16;

  const security::TokenKeys& keys_;
  const std::size_t capacity_per_shard_;
  std::array<Sync<Shard>, kShards> shards_;
};

}  // namespace mito::coordinator
