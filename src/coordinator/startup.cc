#include "coordinator/startup.h"

#include <fstream>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/encoding.h"
#include "base/random.h"
#include "security/password.h"
#include "storage/database/facts.h"

namespace mito::coordinator {

namespace {

constexpr std::string_view kSecretFact = "object_url_secret";
constexpr std::string_view kFingerprintFact = "token_key_fingerprint";
constexpr std::string_view kObjectStoreFact = "object_store";
constexpr std::size_t kSecretBytes = 32;

/// Whether the database names a key pair already; kUsage: another one.
Result<bool> knows_key(storage::Queries& database, const std::string& fingerprint, const std::string& key_path) {
  MITO_TRY_ASSIGN(const auto known, database.fact(kFingerprintFact));
  if (!known || *known == fingerprint) return known.has_value();
  return fail(
      ErrorCode::kUsage,
      fmt::format(
          "The database was used with another key pair than {} (fingerprint {} then, {} now), so that every login and "
          "every worker would be refused. Put the key files of that time back, or name another database.",
          key_path, *known, fingerprint));
}

std::string object_store_of(const Settings& settings) {
  if (settings.s3_url.empty()) return "data directory";
  return fmt::format("{} ({}, {})", settings.s3_url, settings.artifacts_bucket, settings.attachments_bucket);
}

/// Whether the database names an object store already; kUsage: another one, where objects would be as good as lost.
Result<bool> knows_object_store(storage::Queries& database, const Settings& settings) {
  const std::string store = object_store_of(settings);
  MITO_TRY_ASSIGN(const auto known, database.fact(kObjectStoreFact));
  if (!known || known == store) return known.has_value();
  if (settings.accept_object_store) return false;
  return fail(ErrorCode::kUsage,
              fmt::format("The database's objects are in another store: {} then, {} now. Configure that one, or move "
                          "its objects and start once with --accept-object-store.",
                          *known, store));
}

Result<std::string> object_url_secret(storage::Writer& writer) {
  MITO_TRY_ASSIGN(const auto known, writer.fact(kSecretFact));
  if (known) {
    auto secret = hex_decode(*known);
    if (secret && secret->size() == kSecretBytes) return std::move(*secret);
    return fail(ErrorCode::kInternal, {}, "the stored secret of object URLs is not 64 hexadecimal digits");
  }
  std::string secret = random_bytes(kSecretBytes);
  MITO_TRY(writer.set_fact(kSecretFact, hex_encode(secret)));
  return secret;
}

/// 64 random hexadecimal digits, as ACL GENPASS makes passwords.
Result<std::string> made_once(storage::Writer& writer, std::string_view fact) {
  MITO_TRY_ASSIGN(const auto known, writer.fact(fact));
  if (known && !known->empty()) return *known;
  std::string made = hex_encode(random_bytes(kSecretBytes));
  MITO_TRY(writer.set_fact(fact, made));
  return made;
}

/// The password that was chosen for the first admin, if one was.
Result<std::optional<std::string>> chosen_admin_password(const Settings& settings) {
  if (settings.admin_password || !settings.admin_password_file) return settings.admin_password;
  std::ifstream file(*settings.admin_password_file);
  if (!file)
    return fail(ErrorCode::kIo, fmt::format("cannot read {}: admin_password_file must name a file whose first line is "
                                            "the admin's password",
                                            settings.admin_password_file->string()));
  std::string line;
  std::getline(file, line);
  if (line.ends_with('\r')) line.pop_back();
  return line.empty() ? std::nullopt : std::optional(std::move(line));
}

/// Once in the life of a database, as the original does; an existing user or group of that name is left alone.
Result<std::optional<std::string>> make_first_admin(storage::Writer& writer, const Settings& settings,
                                                    const BindAddress& bind, Timestamp now) {
  MITO_TRY_ASSIGN(const auto made, writer.fact(storage::kFirstAdminFact));
  if (made) return std::nullopt;
  MITO_TRY(writer.set_fact(storage::kFirstAdminFact, settings.admin_user));
  MITO_TRY_ASSIGN(const auto user, writer.user_by_name(settings.admin_user));
  MITO_TRY_ASSIGN(const auto group, writer.group_by_name(settings.admin_user));
  if (user || group) return std::nullopt;
  std::optional<std::string> random;
  MITO_TRY_ASSIGN(const auto chosen, chosen_admin_password(settings));
  std::string password = chosen.value_or("mitosis_admin");
  if (!chosen && !bind.is_loopback()) {
    password = base64url_encode(random_bytes(15));
    random = password;
  }
  MITO_TRY_ASSIGN(std::string hashed, security::hash_password(security::digest_password(password)));
  MITO_TRY(writer.insert_user(
      {.username = settings.admin_user, .encrypted_password = std::move(hashed), .admin = true, .now = now}));
  return random;
}

Result<DatabaseFacts> prepare(storage::Writer& writer, const Settings& settings, const BindAddress& bind,
                              const std::string& fingerprint, const std::string& key_path, Timestamp now) {
  MITO_TRY_ASSIGN(const bool key_known, knows_key(writer, fingerprint, key_path));
  if (!key_known) MITO_TRY(writer.set_fact(kFingerprintFact, fingerprint));
  DatabaseFacts facts;
  MITO_TRY_ASSIGN(facts.object_url_secret, object_url_secret(writer));
  MITO_TRY_ASSIGN(facts.id, made_once(writer, "database_id"));
  MITO_TRY_ASSIGN(const bool store_known, knows_object_store(writer, settings));
  if (!store_known) MITO_TRY(writer.set_fact(kObjectStoreFact, object_store_of(settings)));
  if (!settings.redis_url.empty()) {
    MITO_TRY_ASSIGN(facts.redis_passwords.worker, made_once(writer, "redis_worker_password"));
    MITO_TRY_ASSIGN(facts.redis_passwords.client, made_once(writer, "redis_client_password"));
  }
  MITO_TRY_ASSIGN(const auto origin, writer.fact(storage::kOriginFact));
  facts.of_original = origin == storage::kOriginOriginal;
  MITO_TRY_ASSIGN(facts.new_admin_password, make_first_admin(writer, settings, bind, now));
  return facts;
}

/// The error of what the database says to be wrong; that it cannot be asked is none.
Result<void> refused(const Result<bool>& known) {
  if (!known && known.error().code() == ErrorCode::kUsage) return fail(known.error());
  return {};
}

}  // namespace

Result<void> check_supported(const Settings& settings) {
  if (settings.tls_cert.empty() != settings.tls_key.empty())
    return fail(ErrorCode::kUsage, "tls_cert and tls_key belong together: set both to serve HTTPS, or none of them.");
  constexpr std::size_t kNameLimit = 255;
  if (!settings.s3_url.empty()) {
    MITO_TRY(storage::S3ObjectStore::open(s3_settings(settings), Clock::system()));
  }
  if (!settings.redis_url.empty()) {
    MITO_TRY(redis_access(settings, {}));
  }
  if (settings.admin_user.empty() || settings.admin_user.size() > kNameLimit ||
      (settings.admin_password && settings.admin_password->size() > kNameLimit))
    return fail(ErrorCode::kUsage, "admin_user must have 1 to 255 bytes and admin_password at most 255.");
  return {};
}

Result<void> check_key_pair(storage::Database& database, const std::string& fingerprint, const std::string& key_path) {
  const auto reader = database.open_reader();
  if (!reader) return {};
  return refused(knows_key(**reader, fingerprint, key_path));
}

Result<void> check_object_store(storage::Database& database, const Settings& settings) {
  const auto reader = database.open_reader();
  if (!reader) return {};
  return refused(knows_object_store(**reader, settings));
}

Result<DatabaseFacts> prepare_database(storage::Writer& writer, const Settings& settings, const BindAddress& bind,
                                       const std::string& fingerprint, const std::string& key_path, Timestamp now) {
  MITO_TRY(writer.begin());
  auto facts = prepare(writer, settings, bind, fingerprint, key_path, now);
  if (!facts) {
    writer.rollback();
    return facts;
  }
  MITO_TRY(writer.commit());
  return facts;
}

}  // namespace mito::coordinator
