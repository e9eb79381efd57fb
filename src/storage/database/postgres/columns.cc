#include "storage/database/postgres/columns.h"

#include <algorithm>
#include <cstring>
#include <libpq-fe.h>

#include <fmt/format.h>

namespace mito::storage::postgres {
namespace {

constexpr std::int64_t kEpoch = 946'684'800'000'000;

/// A big-endian signed number of 1 to 8 bytes.
std::int64_t number_of(std::string_view bytes) {
  auto value = static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<signed char>(bytes.front())));
  for (const char byte : bytes.substr(1))
    value = value << 8 | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(value);
}

/// Takes `count` bytes from the front; empty when there are not so many.
std::string_view take(std::string_view& rest, std::size_t count) {
  if (count == 0 || rest.size() < count) return {};
  const std::string_view taken = rest.substr(0, count);
  rest.remove_prefix(count);
  return taken;
}
std::optional<std::int32_t> take_int(std::string_view& rest) {
  const std::string_view bytes = take(rest, 4);
  if (bytes.empty()) return std::nullopt;
  return static_cast<std::int32_t>(number_of(bytes));
}

/// The elements of an array of one dimension; nothing when it is another one, or has NULLs.
std::optional<std::vector<std::string>> texts_of(std::string_view rest) {
  const auto dimensions = take_int(rest);
  const auto nulls = take_int(rest);
  const auto type = take_int(rest);
  std::vector<std::string> items;
  if (!dimensions || !nulls || !type || *dimensions > 1) return std::nullopt;
  if (*dimensions == 0) return items;
  const auto count = take_int(rest);
  if (!count || !take_int(rest)) return std::nullopt;
  items.reserve(static_cast<std::size_t>(std::max(*count, 0)));
  for (std::int32_t i = 0; i < *count; ++i) {
    const auto length = take_int(rest);
    if (!length || *length < 0 || rest.size() < static_cast<std::size_t>(*length)) return std::nullopt;
    items.emplace_back(take(rest, static_cast<std::size_t>(*length)));
  }
  return items;
}

}  // namespace

bool Columns::is_null() const {
  return PQgetisnull(result_, row_, column_) != 0;
}

std::string_view Columns::view() {
  const char* value = PQgetvalue(result_, row_, column_);
  const auto length = static_cast<std::size_t>(PQgetlength(result_, row_, column_));
  ++column_;
  return {value != nullptr ? value : "", length};
}

std::int64_t Columns::integer() {
  const std::string_view bytes = view();
  if (!bytes.empty() && bytes.size() <= sizeof(std::int64_t)) return number_of(bytes);
  note("not a number", column_ - 1);
  return 0;
}

std::optional<std::int64_t> Columns::optional_integer() {
  if (!is_null()) return integer();
  ++column_;
  return std::nullopt;
}

std::string Columns::text() {
  return std::string(view());
}

std::optional<std::string> Columns::optional_text() {
  if (!is_null()) return text();
  ++column_;
  return std::nullopt;
}

Timestamp Columns::time() {
  return Timestamp{std::chrono::microseconds{integer() + kEpoch}};
}

std::optional<Timestamp> Columns::optional_time() {
  if (!is_null()) return time();
  ++column_;
  return std::nullopt;
}

std::vector<std::string> Columns::list() {
  auto items = texts_of(view());
  if (items) return *std::move(items);
  note("not an array of texts", column_ - 1);
  return {};
}

std::vector<std::string> Columns::set() {
  std::vector<std::string> items = list();
  std::ranges::sort(items);
  items.erase(std::ranges::unique(items).begin(), items.end());
  return items;
}

Uuid Columns::bytes() {
  const std::string_view value = view();
  Uuid uuid;
  if (value.size() == uuid.bytes.size())
    std::ranges::copy(value, uuid.bytes.begin());
  else
    note("a uuid that does not have 16 bytes", column_ - 1);
  return uuid;
}

void Columns::note(std::string_view problem, int column) {
  if (problem_.empty()) problem_ = fmt::format("column {}: {}", PQfname(result_, column), problem);
}

Result<void> Columns::status() const {
  if (problem_.empty()) return {};
  return fail(ErrorCode::kInternal, "", problem_);
}

}  // namespace mito::storage::postgres
