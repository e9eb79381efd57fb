#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "domain/task_spec.h"
#include "protocol/values.h"

namespace mito::protocol {

/// Why a text is not the JSON of a message, in the words of the original (reference/server.md 1.1, extractor failures).
struct DecodeError {
  enum class Kind {
    kSyntax,  ///< Not JSON, truncated, trailing characters: answered 400.
    kShape,   ///< JSON of the wrong shape: answered 422.
  };
  Kind kind = Kind::kSyntax;
  bool at_root = true;  ///< The error is about the whole text, `path` says nothing.
  std::string path;  ///< `task_spec.resources[0].local_path`. May be empty elsewhere, too: a member may be called "".
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

// Both are instantiated in protocol/*.cc for every message, for TaskSpec, TaskResult, and for
// `std::optional<WorkerTaskResp>` and `std::optional<WorkerTaskText>`, which may be `null`; no user of the layer
// compiles the templates.

/// The text under which a spec or a result is kept in the database: members in alphabetical order, as the original
/// keeps it. decode<TaskSpec>() and decode<TaskResult>() read it, and every text the original stored.
std::string stored_form(const TaskSpec& spec);
std::string stored_form(const TaskResult& result);

enum class WatchField : std::uint8_t { kKeep, kClear };
/// A stored spec as single answers have it, members in the order of their declaration; without its watch if asked for.
std::expected<RawJson, DecodeError> sent_form(std::string_view stored_spec, WatchField watch = WatchField::kKeep);

}  // namespace mito::protocol
