#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec.h"

namespace mito::protocol {

/// A number as it stands in JSON: which of the three decides how errors name it and what fits where.
struct JsonNumber {
  enum class Kind : std::uint8_t { kUnsigned, kSigned, kFloat };
  Kind kind = Kind::kUnsigned;
  std::uint64_t natural = 0;
  std::int64_t integer = 0;  ///< Below zero.
  double real = 0;
};

/// Reads a complete JSON text piece by piece, without a tree: who calls says what it expects, and what is not that
/// becomes the error.
///
/// Behaves as serde_json 1.0.149 with serde_path_to_error, because their texts and positions are on the wire. Three
/// things follow:
/// - Positions are byte columns, and some errors point at the next byte instead of the last one read (`kNext`).
/// - An error of shape has no position when it is found; the innermost value around it that asks (settle()) gives it
/// the position that
///   the reading has reached by then, which for objects and arrays is behind their closing bracket if that comes next.
/// - The path of an error is put together while the callers return: each adds the segment it stands for.
/// All functions answer false after an error; then only positioned(), settle(), close_…() and in_…() may still be
/// called.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  enum class At : std::uint8_t { kLast, kNext };
  /// Error of syntax.
  bool fail_syntax(std::string_view message, At at);
  /// Error of shape, without a position so far.
  bool fail_shape(std::string message);
  /// Error of shape: what comes next is not `expected`. With position.
  bool fail_type(std::string_view expected);
  /// Gives an error of shape its position, if it has none. Answers false.
  bool settle();
  [[nodiscard]] bool positioned() const { return positioned_; }
  /// Puts a segment in front of the error's path. Answer false.
  bool in_member(std::string_view name);
  bool in_element(std::size_t index);
  bool in_unknown_key();
  /// The error, complete.
  [[nodiscard]] DecodeError take_error();

  static constexpr int kEnd = -1;
  /// The next byte that is no white space, which stays unread.
  int peek();
  /// The next byte is read, whatever it is.
  void skip() { ++index_; }

  bool read_null_rest();
  bool read_bool(bool& value);
  bool read_number(JsonNumber& number, std::string_view expected);
  /// The view lives until the next string is read.
  bool read_string(std::string_view& value, std::string_view expected);
  /// Any value. kLoose: as serde's IgnoredAny, which does not look into strings. kStrict: well-formed all through, at
  /// most 127 levels.
  enum class Check : std::uint8_t { kLoose, kStrict };
  bool skip_value(Check check);
  /// Where the next byte that is no white space stands.
  std::size_t offset() {
    peek();
    return index_;
  }
  [[nodiscard]] std::size_t position() const { return index_; }
  [[nodiscard]] std::string_view text() const { return text_; }

  /// Inside `[`: whether an element comes, which is then next. `first` starts as true.
  bool next_element(bool& first, bool& more);
  /// Inside `{`: whether a member comes; its name is read, its value not.
  bool next_key(bool& first, bool& more, std::string_view& key);
  bool read_colon();
  bool end_array();
  bool end_object();
  /// After an error inside: goes where end_array() would have gone, without an error of its own.
  void close_array();
  void close_object();
  /// Nothing but white space is left.
  bool end_text();

 private:
  int peek_byte() const { return index_ < text_.size() ? static_cast<unsigned char>(text_[index_]) : kEnd; }
  bool read_rest(std::string_view rest);
  bool read_string_rest(std::string_view& value);
  bool skip_string_rest();
  void skip_plain(bool& ascii);
  bool read_escape();
  bool read_unicode_escape();
  bool skip_escape();
  bool read_hex(std::uint32_t& unit);
  bool read_number_rest(bool positive, JsonNumber& number);
  bool read_long_integer(bool positive, std::uint64_t significand, JsonNumber& number);
  bool read_decimal(bool positive, std::uint64_t significand, int exponent, JsonNumber& number);
  bool read_exponent(bool positive, std::uint64_t significand, int exponent, JsonNumber& number);
  bool make_float(bool positive, std::uint64_t significand, int exponent, JsonNumber& number);
  bool skip_number_rest();
  bool skip_scalar(int first, Check check);
  void set_position(std::size_t index);

  std::string_view text_;
  std::size_t index_ = 0;
  std::string scratch_;
  bool positioned_ = false;
  DecodeError error_;
  struct Segment {
    enum class Kind : std::uint8_t { kName, kElement, kUnknownKey };
    std::string text;
    Kind kind = Kind::kName;
  };
  std::vector<Segment> path_;  ///< Innermost first.
};

}  // namespace mito::protocol
