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

/// 128 bits in network order. Compared by bytes, so those of make_ordered sort by their time of creation.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  /// Lower case, hyphenated.
  [[nodiscard]] std::string to_string() const;
  /// Hyphenated, simple (32 hex digits), braced or `urn:uuid:` form, any case.
  /// The error is the reason in the words of reference/recorded (`invalid length: expected length 32 for simple format,
  /// found 0`).
  static std::expected<Uuid, std::string> parse(std::string_view text);

  /// Time-ordered: the fields of version 7 (RFC 9562) under the number of version 4, see the definition. Strictly
  /// increasing within the process. Any thread.
  static Uuid make_ordered(Timestamp now);
  /// Random (version 4). Any thread.
  static Uuid make_v4();

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

}  // namespace mito

template <>
struct std::hash<mito::Uuid> {
  std::size_t operator()(const mito::Uuid& uuid) const noexcept;
};
