#include "redis/reply.h"

#include <hiredis/hiredis.h>

namespace mito::redis {

std::string encode(const Command& command) {
  std::string out = "*" + std::to_string(command.size()) + "\r\n";
  for (const std::string& argument : command) {
    out += '$';
    out += std::to_string(argument.size());
    out += "\r\n";
    out += argument;
    out += "\r\n";
  }
  return out;
}

Reply to_reply(const redisReply& raw) {
  Reply out;
  switch (raw.type) {
    case REDIS_REPLY_INTEGER:
      out.kind = Reply::Kind::kInteger;
      out.integer = raw.integer;
      break;
    case REDIS_REPLY_STRING:
      out.kind = Reply::Kind::kText;
      out.text.assign(raw.str, raw.len);
      break;
    case REDIS_REPLY_STATUS:
      out.kind = Reply::Kind::kStatus;
      out.text.assign(raw.str, raw.len);
      break;
    case REDIS_REPLY_ERROR:
      out.kind = Reply::Kind::kError;
      out.text.assign(raw.str, raw.len);
      break;
    case REDIS_REPLY_ARRAY:
      out.kind = Reply::Kind::kList;
      for (std::size_t i = 0; i < raw.elements; ++i)
        out.list.push_back(to_reply(*raw.element[i]));
      break;
    default:
      break;
  }
  return out;
}

}  // namespace mito::redis
