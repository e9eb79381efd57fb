#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "coordinator/settings.h"
#include "redis/client.h"
#include "storage/objects/s3/s3_object_store.h"

// What the settings say about the engines on other machines.
namespace mito::coordinator {

/// `settings.s3_url` is given.
storage::S3Settings s3_settings(const Settings& settings);

/// How we and others reach the Redis.
struct RedisAccess {
  redis::ClientSettings own{};  ///< With the commands that make the users, unless these are left alone.
  std::string worker_url{};     ///< Handed to workers …
  std::string client_url{};     ///< … and to users.
};
/// Passwords of the Redis users that the settings do not name.
struct RedisPasswords {
  std::string worker;
  std::string client;
};
/// `settings.redis_url` is given. kUsage.
Result<RedisAccess> redis_access(const Settings& settings, const RedisPasswords& made);

/// Looks at the buckets without making them. The text says what is there.
Result<std::string> check_s3(const Settings& settings);

/// A refusal of the Redis or its silence in words that say what to do.
Error redis_error(const Error& error);

/// Addresses that are handed out and that only this machine can reach, though others may reach us; one text for each.
std::vector<std::string> unreachable_addresses(const Settings& settings, const BindAddress& bind);

}  // namespace mito::coordinator
