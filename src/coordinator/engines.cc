#include "coordinator/engines.h"

#include <chrono>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "coordinator/check.h"
#include "redis/task_states.h"
#include "storage/objects/s3/s3_endpoint.h"

namespace mito::coordinator {

storage::S3Settings s3_settings(const Settings& settings) {
  return {.url = settings.s3_url,
          .public_url = settings.s3_public_url,
          .access_key = settings.s3_access_key,
          .secret_key = settings.s3_secret_key,
          .region = settings.s3_region,
          .addressing = settings.s3_force_path_style ? storage::S3Addressing::kPath : storage::S3Addressing::kAutomatic,
          .artifacts_bucket = settings.artifacts_bucket,
          .attachments_bucket = settings.attachments_bucket};
}

Result<std::string> check_s3(const Settings& settings) {
  using storage::S3ObjectStore;
  MITO_TRY_ASSIGN(const auto store, S3ObjectStore::open(s3_settings(settings), Clock::system()));
  const auto prepared = store->prepare(S3ObjectStore::MissingBuckets::kTell);
  // A start makes what is missing, so this is no fault.
  if (!prepared && prepared.error().code() == ErrorCode::kNotFound) return prepared.error().text();
  if (!prepared) return fail(prepared.error());
  return fmt::format("S3 at {}", store->describe());
}

Result<RedisAccess> redis_access(const Settings& settings, const RedisPasswords& made) {
  const std::string& worker = settings.redis_worker_password.empty() ? made.worker : settings.redis_worker_password;
  const std::string& client = settings.redis_client_password.empty() ? made.client : settings.redis_client_password;
  RedisAccess out;
  MITO_TRY_ASSIGN(out.own.address, redis::Address::parse(settings.redis_url));
  redis::Address given_out = out.own.address;
  if (!settings.redis_public_url.empty()) {
    MITO_TRY_ASSIGN(given_out, redis::Address::parse(settings.redis_public_url));
  }
  if (!settings.redis_skip_acl_rules) out.own.setup = redis::user_rules(worker, client);
  out.worker_url = given_out.as(std::string(redis::kWorkerUser), worker).url();
  out.client_url = given_out.as(std::string(redis::kClientUser), client).url();
  return out;
}

Error redis_error(const Error& error) {
  const std::string& text = error.text();
  std::string remedy = "Check that it runs and that redis_url is right.";
  if (text.find("NOPERM") != std::string::npos)
    remedy =
        "Allow the user of redis_url to change users (+acl), or make mitosis_worker and mitosis_client yourself, name "
        "their passwords and set redis_skip_acl_rules.";
  else if (text.find("NOAUTH") != std::string::npos || text.find("WRONGPASS") != std::string::npos ||
           text.find("invalid password") != std::string::npos)
    remedy = "Write user and password into redis_url: redis://user:password@host:port.";
  else if (text.find("unknown command") != std::string::npos || text.find("unknown subcommand") != std::string::npos)
    remedy = "Redis 6 or newer is needed, or redis_skip_acl_rules.";
  else if (text.find("certificate") != std::string::npos)
    remedy = "Trust its certificate, or end redis_url with #insecure.";
  else if (error.code() == ErrorCode::kPermissionDenied)
    remedy = "Check the user and password in redis_url and what they allow.";
  const std::string end = text.ends_with('.') ? " " : ". ";
  return {error.code(), text + end + remedy, error.internal()};
}

Result<std::string> check_redis(const Settings& settings) {
  constexpr std::chrono::seconds kPatience{5};
  MITO_TRY_ASSIGN(RedisAccess access, redis_access(settings, {}));
  access.own.setup.clear();
  redis::Client client(access.own);
  if (const auto connected = client.wait_until_connected(kPatience); !connected)
    return fail(redis_error(connected.error()));
  std::string place = fmt::format("Redis at {}", access.own.address.describe());
  if (settings.redis_skip_acl_rules) {
    if (settings.redis_worker_password.empty() || settings.redis_client_password.empty())
      return fail(ErrorCode::kUsage,
                  fmt::format("{}: redis_skip_acl_rules leaves the users of Redis alone, so that generated passwords "
                              "open nothing. Name redis_worker_password and redis_client_password.",
                              place));
    return place + ", users left alone";
  }
  // Asks for what the start does, without doing it.
  MITO_TRY_ASSIGN(const redis::Reply rights,
                  client.ask({"ACL", "GETUSER", std::string(redis::kWorkerUser)}, kPatience));
  if (rights.is_error())
    return fail(redis_error(
        {ErrorCode::kPermissionDenied, fmt::format("{} refuses ACL: {}", access.own.address.describe(), rights.text)}));
  return place;
}

std::vector<std::string> unreachable_addresses(const Settings& settings, const BindAddress& bind) {
  std::vector<std::string> out;
  if (bind.is_loopback()) return out;
  const auto note = [&out](std::string_view name, std::string_view setting) {
    out.push_back(fmt::format(
        "{} is handed to workers and clients, and only this machine reaches it: set {} to the address that others use.",
        name, setting));
  };
  if (!settings.s3_url.empty()) {
    const bool own = settings.s3_public_url.empty();
    const auto endpoint = storage::S3Endpoint::parse(own ? settings.s3_url : settings.s3_public_url, "s3_url");
    if (endpoint && endpoint->is_loopback()) note(own ? "s3_url" : "s3_public_url", "s3_public_url");
  }
  if (!settings.redis_url.empty()) {
    const bool own = settings.redis_public_url.empty();
    const auto address = redis::Address::parse(own ? settings.redis_url : settings.redis_public_url);
    if (address && address->is_loopback()) note(own ? "redis_url" : "redis_public_url", "redis_public_url");
  }
  return out;
}

}  // namespace mito::coordinator
