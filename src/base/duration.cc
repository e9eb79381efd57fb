#include "base/duration.h"

#include <array>
#include <limits>

#include <fmt/format.h>

namespace mito {
namespace {

using Wide = unsigned __int128;

constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
constexpr std::uint64_t kDay = 86'400;
constexpr std::uint64_t kMonth = 2'630'016;
constexpr std::uint64_t kYear = 31'557'600;

struct UnitName {
  std::string_view name;
  std::uint64_t nanoseconds;
};

constexpr std::array kUnits = std::to_array<UnitName>({
    {"nanos", 1},
    {"nsec", 1},
    {"ns", 1},
    {"usec", 1'000},
    {"us", 1'000},
    {"\xc2\xb5s", 1'000},
    {"millis", 1'000'000},
    {"msec", 1'000'000},
    {"ms", 1'000'000},
    {"seconds", kNanosPerSecond},
    {"second", kNanosPerSecond},
    {"secs", kNanosPerSecond},
    {"sec", kNanosPerSecond},
    {"s", kNanosPerSecond},
    {"minutes", 60 * kNanosPerSecond},
    {"minute", 60 * kNanosPerSecond},
    {"min", 60 * kNanosPerSecond},
    {"mins", 60 * kNanosPerSecond},
    {"m", 60 * kNanosPerSecond},
    {"hours", 3600 * kNanosPerSecond},
    {"hour", 3600 * kNanosPerSecond},
    {"hr", 3600 * kNanosPerSecond},
    {"hrs", 3600 * kNanosPerSecond},
    {"h", 3600 * kNanosPerSecond},
    {"days", kDay* kNanosPerSecond},
    {"day", kDay* kNanosPerSecond},
    {"d", kDay* kNanosPerSecond},
    {"weeks", 7 * kDay* kNanosPerSecond},
    {"week", 7 * kDay* kNanosPerSecond},
    {"wk", 7 * kDay* kNanosPerSecond},
    {"wks", 7 * kDay* kNanosPerSecond},
    {"w", 7 * kDay* kNanosPerSecond},
    {"months", kMonth* kNanosPerSecond},
    {"month", kMonth* kNanosPerSecond},
    {"M", kMonth* kNanosPerSecond},
    {"years", kYear* kNanosPerSecond},
    {"year", kYear* kNanosPerSecond},
    {"yr", kYear* kNanosPerSecond},
    {"yrs", kYear* kNanosPerSecond},
    {"y", kYear* kNanosPerSecond},
});

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Reads `<number><unit>` groups one after the other; blanks may stand anywhere but inside a unit.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  /// The sum of all groups in nanoseconds; false when the text is not a duration or too long.
  bool read(Wide& total) {
    skip_blanks();
    if (at_ == text_.size()) return false;
    while (at_ < text_.size()) {
      Wide group = 0;
      if (!read_group(group)) return false;
      total += group;
      if (total / kNanosPerSecond > std::numeric_limits<std::uint64_t>::max()) return false;
      skip_blanks();
    }
    return true;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_]))
      ++at_;
  }

  bool read_group(Wide& nanoseconds) {
    std::uint64_t whole = 0;
    if (read_digits(whole) == 0) return false;
    std::uint64_t fraction = 0;
    int fraction_digits = 0;
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      fraction_digits = read_digits(fraction);
      if (fraction_digits == 0) return false;
    }
    const std::size_t start = at_;
    while (at_ < text_.size() && !is_digit(text_[at_]) && !is_blank(text_[at_]))
      ++at_;
    const std::uint64_t unit = unit_of(text_.substr(start, at_ - start));
    if (unit == 0) return false;
    nanoseconds = Wide{whole} * unit;
    if (fraction == 0) return true;
    Wide divisor = 1;
    for (int i = 0; i < fraction_digits; ++i)
      divisor *= 10;
    const Wide part = Wide{fraction} * unit;
    nanoseconds += part / divisor;
    return part % divisor == 0;
  }

  /// How many digits there were; 0 also when they exceed 64 bits.
  int read_digits(std::uint64_t& value) {
    int digits = 0;
    for (skip_blanks(); at_ < text_.size() && is_digit(text_[at_]); skip_blanks()) {
      if (__builtin_mul_overflow(value, 10U, &value) ||
          __builtin_add_overflow(value, static_cast<unsigned>(text_[at_] - '0'), &value)) {
        return 0;
      }
      // Beyond 20 digits the value is 0 or has overflowed; the count stays small enough for a power of ten.
      if (++digits > 30) return 0;
      ++at_;
    }
    return digits;
  }

  static std::uint64_t unit_of(std::string_view name) {
    for (const UnitName& unit : kUnits) {
      if (unit.name == name) return unit.nanoseconds;
    }
    return 0;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string Duration::to_string() const {
  if (seconds == 0 && nanoseconds == 0) return "0s";
  std::string text;
  const auto part = [&text](std::uint64_t count, std::string_view unit, std::string_view plural) {
    if (count == 0) return;
    fmt::format_to(std::back_inserter(text), "{}{}{}{}", text.empty() ? "" : " ", count, unit, count > 1 ? plural : "");
  };
  part(seconds / kYear, "year", "s");
  const std::uint64_t in_year = seconds % kYear;
  part(in_year / kMonth, "month", "s");
  const std::uint64_t in_month = in_year % kMonth;
  part(in_month / kDay, "day", "s");
  const std::uint64_t in_day = in_month % kDay;
  part(in_day / 3600, "h", "");
  part(in_day % 3600 / 60, "m", "");
  part(in_day % 60, "s", "");
  part(nanoseconds / 1'000'000, "ms", "");
  part(nanoseconds / 1'000 % 1'000, "us", "");
  part(nanoseconds % 1'000, "ns", "");
  return text;
}

Result<Duration> Duration::parse(std::string_view text) {
  if (text == "0") return Duration{};
  Wide total = 0;
  if (!Reader(text).read(total)) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("\"{}\" is not a duration; write for instance 30s, 10m, 1h 30m, 7d", text));
  }
  return Duration{static_cast<std::uint64_t>(total / kNanosPerSecond),
                  static_cast<std::uint32_t>(total % kNanosPerSecond)};
}

std::chrono::nanoseconds Duration::to_chrono() const {
  const Wide total = Wide{seconds} * kNanosPerSecond + nanoseconds;
  constexpr auto kMost = std::chrono::nanoseconds::max();
  if (total > static_cast<Wide>(kMost.count())) return kMost;
  return std::chrono::nanoseconds{static_cast<std::int64_t>(total)};
}

Duration Duration::from(std::chrono::nanoseconds length) {
  if (length.count() <= 0) return {};
  const auto count = static_cast<std::uint64_t>(length.count());
  return {count / kNanosPerSecond, static_cast<std::uint32_t>(count % kNanosPerSecond)};
}

}  // namespace mito
