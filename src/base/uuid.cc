#include "base/uuid.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/random.h"

namespace mito {
namespace {

constexpr std::string_view kUrnPrefix = "urn:uuid:";
constexpr std::array<std::size_t, 4> kHyphens = {8, 13, 18, 23};
constexpr std::array<std::size_t, 5> kGroupStarts = {0, 9, 14, 19, 24};
constexpr std::array<int, 5> kGroupLengths = {8, 4, 4, 4, 12};

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/// The text without what may stand around a hyphenated UUID.
struct Unwrapped {
  std::string_view text;
  std::size_t offset = 0;
};

Unwrapped unwrap(std::string_view text) {
  if (text.size() >= 2 && text.starts_with('{') && text.ends_with('}')) return {text.substr(1, text.size() - 2), 1};
  if (text.starts_with(kUrnPrefix)) return {text.substr(kUrnPrefix.size()), kUrnPrefix.size()};
  return {text, 0};
}

bool read_digits(std::string_view digits, Uuid& uuid, std::size_t& filled) {
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    const int high = hex_value(digits[i]);
    const int low = hex_value(digits[i + 1]);
    if (high < 0 || low < 0) return false;
    uuid.bytes[filled++] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

bool read_hyphenated(std::string_view text, Uuid& uuid) {
  if (text.size() != 36) return false;
  for (const std::size_t at : kHyphens) {
    if (text[at] != '-') return false;
  }
  std::size_t filled = 0;
  for (std::size_t group = 0; group < kGroupStarts.size(); ++group) {
    const auto length = static_cast<std::size_t>(kGroupLengths[group]);
    if (!read_digits(text.substr(kGroupStarts[group], length), uuid, filled)) return false;
  }
  return true;
}

/// The character (not byte) that starts at `at`.
std::string_view character_at(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    ++end;
  return text.substr(at, end - at);
}

/// Why `text` is no UUID, in the original's words. The checks and their order decide which of several faults is named.
std::string reason_for(std::string_view text) {
  if (!is_utf8(text)) return "non-UTF8 input";
  const Unwrapped inner = unwrap(text);
  std::size_t hyphens = 0;
  std::array<std::size_t, 4> bounds{};
  for (std::size_t i = 0; i < inner.text.size(); ++i) {
    if (inner.text[i] == '-') {
      if (hyphens < bounds.size()) bounds[hyphens] = i;
      ++hyphens;
    } else if (hex_value(inner.text[i]) < 0) {
      return fmt::format(
          "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `{}` at {}",
          character_at(inner.text, i), i + inner.offset + 1);
    }
  }
  if (hyphens == 0 && inner.offset == 0) {
    return fmt::format("invalid length: expected length 32 for simple format, found {}", text.size());
  }
  if (hyphens != 4) return fmt::format("invalid group count: expected 5, found {}", hyphens + 1);
  std::size_t group = 0;
  while (group < bounds.size() && bounds[group] == kHyphens[group])
    ++group;
  const std::size_t length =
      group < bounds.size() ? bounds[group] - kGroupStarts[group] : text.size() - kGroupStarts[4];
  return fmt::format("invalid group length in group {}: expected {}, found {}", group, kGroupLengths[group], length);
}

void set_version(Uuid& uuid, unsigned version) {
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0fU) | version << 4);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3fU) | 0x80U);
}

}  // namespace

std::string Uuid::to_string() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 15U];
  }
  return text;
}

std::expected<Uuid, std::string> Uuid::parse(std::string_view text) {
  Uuid uuid;
  std::size_t filled = 0;
  if (text.size() == 32 ? read_digits(text, uuid, filled) : read_hyphenated(unwrap(text).text, uuid)) return uuid;
  return std::unexpected(reason_for(text));
}

Uuid Uuid::make_ordered(Timestamp now) {
  // The fields of version 7 under the number of version 4: the published Python SDK (pydantic's UUID4) refuses any
  // other version, and nobody else looks at it. 48 bits of milliseconds and 12 bits of their fraction make one number
  // that only grows: a UUID of the same (or an earlier) moment takes the next number, so order does not rest on the
  // random bits.
  static std::atomic<std::uint64_t> last{0};
  constexpr std::int64_t kMost = (std::int64_t{1} << 48) - 1;
  const std::int64_t micros = std::max<std::int64_t>(now.time_since_epoch().count(), 0);
  const auto millis = static_cast<std::uint64_t>(std::min(micros / 1000, kMost));
  const auto fraction = static_cast<std::uint64_t>(micros % 1000) * 4096 / 1000;
  std::uint64_t before = last.load(std::memory_order_relaxed);
  std::uint64_t number = 0;
  do {
    number = std::max(millis << 12 | fraction, before + 1);
  } while (!last.compare_exchange_weak(before, number, std::memory_order_relaxed));

  Uuid uuid;
  for (std::size_t i = 0; i < 6; ++i)
    uuid.bytes[i] = static_cast<std::uint8_t>(number >> (52 - 8 * i));
  uuid.bytes[6] = static_cast<std::uint8_t>(number >> 8 & 0x0f);
  uuid.bytes[7] = static_cast<std::uint8_t>(number);
  const std::string random = random_bytes(8);
  std::memcpy(uuid.bytes.data() + 8, random.data(), random.size());
  set_version(uuid, 4);
  return uuid;
}

Uuid Uuid::make_v4() {
  Uuid uuid;
  const std::string random = random_bytes(uuid.bytes.size());
  std::memcpy(uuid.bytes.data(), random.data(), random.size());
  set_version(uuid, 4);
  return uuid;
}

}  // namespace mito

std::size_t std::hash<mito::Uuid>::operator()(const mito::Uuid& uuid) const noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, uuid.bytes.data(), sizeof high);
  std::memcpy(&low, uuid.bytes.data() + sizeof high, sizeof low);
  // Time-ordered UUIDs made together differ in the low half; the multiplication spreads the high half over it.
  return static_cast<std::size_t>(low ^ high * 0x9e3779b97f4a7c15ULL);
}
