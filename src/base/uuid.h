#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace mito {

/// 128 bits in network order. Ordered by bytes, so version 7 UUIDs sort by their time of creation.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  /// Lower case, hyphenated.
  [[nodiscard]] std::string to_string() const;
  /// Hyphenated, simple (32 hex digits), braced or `urn:uuid:` form, any case.
  /// The error is the reason in the words of reference/recorded (`invalid length: expected length 32 for simple format,
  /// found 0`).
  static std::expected<Uuid, std::string> parse(std::string_view text);

  /// Time-ordered (RFC 9562 version 7); strictly increasing within the process. Any thread.
  static Uuid make_v7(Timestamp now);
  /// Random (version 4). Any thread.
  static Uuid make_v4();

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

}  // namespace mito

template <>
struct std::hash<mito::Uuid> {
  std::size_t operator()(const mito::Uuid& uuid) const noexcept;
};
