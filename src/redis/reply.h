#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct redisReply;

namespace mito::redis {

/// A command with its arguments, such as {"SET", "key", "value"}. Any bytes.
using Command = std::vector<std::string>;

/// What the server answered to one command.
struct Reply {
  enum class Kind { kNothing, kInteger, kText, kStatus, kError, kList };

  Kind kind = Kind::kNothing;
  std::int64_t integer = 0;
  std::string text;  ///< Of kText, kStatus ("OK") and kError ("NOPERM …").
  std::vector<Reply> list;

  [[nodiscard]] bool is_error() const { return kind == Kind::kError; }
};

/// The bytes of a command on the wire (RESP).
std::string encode(const Command& command);
/// Takes over what hiredis has read.
Reply to_reply(const redisReply& raw);

}  // namespace mito::redis
