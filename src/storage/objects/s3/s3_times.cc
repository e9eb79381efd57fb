#include "storage/objects/s3/s3_times.h"

#include <string>

#include <fmt/core.h>

namespace mito::storage {

namespace {

/// `date` is `2026-11-22`, `time` is `09:27:50` with or without a fraction.
std::optional<Timestamp> parse(std::string_view date, std::string_view time) {
  const bool whole = time.find('.') == std::string_view::npos;
  const auto parsed = parse_timestamp(fmt::format("{} {}{} +00", date, time, whole ? ".0" : ""));
  if (!parsed) return std::nullopt;
  return *parsed;
}

}  // namespace

std::optional<Timestamp> parse_http_date(std::string_view text) {
  constexpr std::string_view kForm = "Sun, 06 Nov 1994 08:49:37 GMT";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != kForm.size() || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) return std::nullopt;
  const auto month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  return parse(fmt::format("{}-{:02}-{}", text.substr(12, 4), month / 3 + 1, text.substr(5, 2)), text.substr(17, 8));
}

std::optional<Timestamp> parse_s3_time(std::string_view text) {
  const auto middle = text.find('T');
  if (middle == std::string_view::npos || !text.ends_with('Z')) return std::nullopt;
  return parse(text.substr(0, middle), text.substr(middle + 1, text.size() - middle - 2));
}

}  // namespace mito::storage
