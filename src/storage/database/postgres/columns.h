#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/ids.h"
#include "domain/states.h"

struct pg_result;

namespace mito::storage::postgres {

/// Reads the columns of a row of a binary result from left to right. What is not of the expected kind makes status()
/// an error; the value read is then empty.
class Columns {
 public:
  Columns(const pg_result* result, int row) : result_(result), row_(row) {}

  std::int64_t integer();
  std::int32_t small() { return static_cast<std::int32_t>(integer()); }
  bool flag() { return integer() != 0; }
  std::optional<std::int64_t> optional_integer();
  std::string text();
  std::optional<std::string> optional_text();
  Timestamp time();
  std::optional<Timestamp> optional_time();
  /// A text[].
  std::vector<std::string> list();
  /// A text[], sorted and without duplicates.
  std::vector<std::string> set();

  template <class Id>
  Id id() {
    return Id{integer()};
  }
  template <class Id>
  std::optional<Id> optional_id() {
    const auto number = optional_integer();
    return number ? std::optional(Id{*number}) : std::nullopt;
  }
  template <class Id>
  Id uuid() {
    return Id{bytes()};
  }
  template <class Id>
  std::optional<Id> optional_uuid() {
    if (!is_null()) return Id{bytes()};
    ++column_;
    return std::nullopt;
  }
  template <class Enum>
  Enum state() {
    const std::int64_t number = integer();
    if (const auto value = from_number<Enum>(static_cast<std::int32_t>(number))) return *value;
    note("a number that is not known", column_ - 1);
    return Enum{};
  }

  /// kInternal: a column was not understood.
  [[nodiscard]] Result<void> status() const;

 private:
  [[nodiscard]] bool is_null() const;
  std::string_view view();
  Uuid bytes();
  void note(std::string_view problem, int column);

  const pg_result* result_;
  int row_;
  int column_ = 0;
  std::string problem_;
};

}  // namespace mito::storage::postgres
