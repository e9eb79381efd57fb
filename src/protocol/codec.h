#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace mito::protocol {

/// Why a text is not the JSON of a message, in the words of the original (reference/server.md 1.1, extractor failures).
struct DecodeError {
  enum class Kind {
    kSyntax,  ///< Not JSON, truncated, trailing characters: answered 400.
    kShape,   ///< JSON of the wrong shape: answered 422.
  };
  Kind kind = Kind::kSyntax;
  std::string path;     ///< `task_spec.resources[0].local_path`; empty at the root.
  std::string message;  ///< Without path and position.
  std::size_t line = 1;
  std::size_t column = 0;

  /// `<path>: <message> at line L column C`.
  [[nodiscard]] std::string text() const;
};

/// Reads a message of messages.h. First error wins; unknown fields are skipped; duplicate fields are refused.
template <class T>
std::expected<T, DecodeError> decode(std::string_view json);

/// Compact JSON, members in the order of the original.
template <class T>
std::string encode(const T& message);

// Both are instantiated in protocol/*.cc for every message; no user of the layer compiles the templates.

}  // namespace mito::protocol
