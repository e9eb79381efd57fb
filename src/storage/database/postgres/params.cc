#include "storage/database/postgres/params.h"

#include <bit>

namespace mito::storage::postgres {
namespace {

/// Times are microseconds since 2000-01-01.
constexpr std::int64_t kEpoch = 946'684'800'000'000;

template <class Integer>
void put_big_endian(std::string& out, Integer value) {
  auto bits = static_cast<std::make_unsigned_t<Integer>>(value);
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(Integer) == 8)
      bits = __builtin_bswap64(bits);
    else
      bits = __builtin_bswap32(bits);
  }
  out.append(reinterpret_cast<const char*>(&bits), sizeof bits);
}

}  // namespace

void put(std::string& out, bool value) {
  out += value ? '\1' : '\0';
}
void put(std::string& out, std::int32_t value) {
  put_big_endian(out, value);
}
void put(std::string& out, std::int64_t value) {
  put_big_endian(out, value);
}
void put(std::string& out, std::string_view value) {
  out.append(value);
}
void put(std::string& out, Timestamp value) {
  put(out, std::int64_t{value.time_since_epoch().count() - kEpoch});
}
void put(std::string& out, const Uuid& value) {
  out.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
}

std::string array_literal(const std::vector<std::string>& items) {
  std::string text = "{";
  for (const std::string& item : items) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : item) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text += '}';
}

Params::Raw Params::raw() const {
  Raw raw;
  raw.types.reserve(entries_.size());
  raw.values.reserve(entries_.size());
  raw.lengths.reserve(entries_.size());
  raw.formats.assign(entries_.size(), 1);
  for (const Entry& entry : entries_) {
    raw.types.push_back(entry.type);
    raw.values.push_back(entry.length == kNull ? nullptr : bytes_.data() + entry.start);
    raw.lengths.push_back(entry.length == kNull ? 0 : entry.length);
  }
  return raw;
}

void Params::set_length(std::size_t at, std::int32_t length) {
  std::string bytes;
  put(bytes, length);
  bytes_.replace(at, bytes.size(), bytes);
}

}  // namespace mito::storage::postgres
