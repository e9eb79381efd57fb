#include "base/time.h"

#include <array>

#include <fmt/format.h>

namespace mito {
namespace {

using std::chrono::microseconds;

struct Fields {
  int year;
  unsigned month, day;
  int hour, minute, second;
  int micros;
};

Fields split(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<microseconds> clock(time - day);
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(clock.subseconds().count())};
}

/// Takes digits and fixed characters from the front; `ok()` is false from the first mismatch on.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int number(int digits) {
    int value = 0;
    for (int i = 0; i < digits; ++i) {
      if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
        ok_ = false;
        return 0;
      }
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  int number_up_to(int digits, int most) {
    const int value = number(digits);
    if (value > most) ok_ = false;
    return value;
  }

  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void need(char c) { ok_ = skip(c) && ok_; }

  /// 1 to 9 digits of a second's fraction, cut to microseconds.
  int fraction() {
    int value = 0;
    int digits = 0;
    for (; digits < 9 && !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++digits) {
      if (digits < 6) value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    if (digits == 0) ok_ = false;
    for (; digits < 6; ++digits)
      value *= 10;
    return value;
  }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::chrono::seconds read_offset(Scanner& scanner) {
  const bool west = scanner.skip('-');
  if (!west) scanner.need('+');
  std::chrono::seconds offset = std::chrono::hours(scanner.number_up_to(2, 25));
  if (scanner.skip(':')) offset += std::chrono::minutes(scanner.number_up_to(2, 59));
  if (scanner.skip(':')) offset += std::chrono::seconds(scanner.number_up_to(2, 59));
  return west ? -offset : offset;
}

/// `value` with exactly `digits` digits at `at`; where it ends.
char* write_digits(char* at, unsigned value, int digits) {
  for (int i = digits; i-- > 0; value /= 10)
    at[i] = static_cast<char>('0' + value % 10);
  return at + digits;
}

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override {
    return std::chrono::floor<microseconds>(std::chrono::system_clock::now());
  }
  [[nodiscard]] Monotonic monotonic() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

std::string format_timestamp(Timestamp time) {
  // By hand: every task has several, and a general formatter takes a microsecond for each.
  const Fields f = split(time);
  const std::string year = f.year >= 0 && f.year <= 9'999 ? std::string() : fmt::format("{:04}", f.year);
  std::array<char, 32> text;
  char* at = year.empty() ? write_digits(text.data(), static_cast<unsigned>(f.year), 4) : text.data();
  *at++ = '-';
  at = write_digits(at, f.month, 2);
  *at++ = '-';
  at = write_digits(at, f.day, 2);
  *at++ = ' ';
  at = write_digits(at, static_cast<unsigned>(f.hour), 2);
  *at++ = ':';
  at = write_digits(at, static_cast<unsigned>(f.minute), 2);
  *at++ = ':';
  at = write_digits(at, static_cast<unsigned>(f.second), 2);
  *at++ = '.';
  const char* const first_digit = at + 1;
  at = write_digits(at, static_cast<unsigned>(f.micros), 6);
  while (at > first_digit && at[-1] == '0')
    --at;
  return year + std::string(text.data(), at).append(" +00:00:00");
}

Result<Timestamp> parse_timestamp(std::string_view text) {
  Scanner scanner(text);
  const std::chrono::year year(scanner.number(4));
  scanner.need('-');
  const std::chrono::month month(static_cast<unsigned>(scanner.number(2)));
  scanner.need('-');
  const std::chrono::day day(static_cast<unsigned>(scanner.number(2)));
  scanner.need(' ');
  const std::chrono::hours hour(scanner.number_up_to(2, 23));
  scanner.need(':');
  const std::chrono::minutes minute(scanner.number_up_to(2, 59));
  scanner.need(':');
  const std::chrono::seconds second(scanner.number_up_to(2, 59));
  scanner.need('.');
  const microseconds fraction(scanner.fraction());
  scanner.need(' ');
  const std::chrono::seconds offset = read_offset(scanner);
  const std::chrono::year_month_day date(year, month, day);
  if (!scanner.ok() || !scanner.at_end() || !date.ok()) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("\"{}\" is not a time; it is written as 2025-11-21 23:24:00.0 +00:00:00", text));
  }
  return Timestamp(std::chrono::sys_days(date)) + hour + minute + second + fraction - offset;
}

std::string format_rfc3339(Timestamp time) {
  const Fields f = split(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", f.year, f.month, f.day, f.hour, f.minute, f.second,
                     f.micros);
}

const Clock& Clock::system() {
  static const SystemClock clock;
  return clock;
}

}  // namespace mito
