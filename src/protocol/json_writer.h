#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mito::protocol {

/// Writes compact JSON, members in the order of the calls. The caller keeps brackets and members balanced.
class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  /// The value follows.
  void key(std::string_view name);
  void null() { raw("null"); }
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void integer(std::int64_t value);
  void natural(std::uint64_t value);
  /// Shortest digits; `null` for what JSON has no word for.
  void number(double value);
  /// Bad UTF-8 becomes U+FFFD.
  void string(std::string_view value);
  /// JSON text, unchanged.
  void raw(std::string_view json);

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void separate();
  void open(char bracket);
  void close(char bracket);
  void quoted(std::string_view value);

  std::string text_;
  bool first_ = true;  ///< No comma in front of what comes next.
};

}  // namespace mito::protocol
