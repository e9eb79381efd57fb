#include "storage/database/sqlite/columns.h"

#include <algorithm>

#include <fmt/format.h>
#include <sqlite3.h>

#include "storage/database/json_text.h"

namespace mito::storage::sqlite {

bool Columns::is_null() const {
  return sqlite3_column_type(row_, column_) == SQLITE_NULL;
}

std::int64_t Columns::integer() {
  return sqlite3_column_int64(row_, column_++);
}

std::optional<std::int64_t> Columns::optional_integer() {
  if (!is_null()) return integer();
  ++column_;
  return std::nullopt;
}

std::string_view Columns::view() {
  // First the bytes, then their number: the first call may convert (sqlite.org/c3ref/column_blob.html).
  const auto* text = static_cast<const char*>(sqlite3_column_blob(row_, column_));
  const auto length = static_cast<std::size_t>(sqlite3_column_bytes(row_, column_));
  ++column_;
  return {text != nullptr ? text : "", length};
}

std::string Columns::text() {
  return std::string(view());
}

std::optional<std::string> Columns::optional_text() {
  if (!is_null()) return text();
  ++column_;
  return std::nullopt;
}

std::optional<Timestamp> Columns::optional_time() {
  const auto microseconds = optional_integer();
  return microseconds ? std::optional(Timestamp{std::chrono::microseconds{*microseconds}}) : std::nullopt;
}

std::vector<std::string> Columns::list() {
  auto items = decode_list(view());
  if (items) return *std::move(items);
  note(items.error().internal(), column_ - 1);
  return {};
}

Uuid Columns::bytes() {
  const std::string_view blob = view();
  Uuid uuid;
  if (blob.size() == uuid.bytes.size())
    std::ranges::copy(blob, uuid.bytes.begin());
  else
    note("a uuid that does not have 16 bytes", column_ - 1);
  return uuid;
}

void Columns::note(std::string_view problem, int column) {
  if (problem_.empty()) problem_ = fmt::format("column {}: {}", sqlite3_column_name(row_, column), problem);
}

Result<void> Columns::status() const {
  if (problem_.empty()) return {};
  return fail(ErrorCode::kInternal, "", problem_);
}

}  // namespace mito::storage::sqlite
