#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "coordinator/engines.h"
#include "coordinator/settings.h"
#include "storage/database/database.h"

// Steps of a start that write to a fresh database. Called before the core has the writer.
namespace mito::coordinator {

/// kUsage when settings contradict each other or name what is not supported; the text says what to do.
Result<void> check_supported(const Settings& settings);

/// What a start finds or makes in the database.
struct DatabaseFacts {
  std::string id;                                 ///< Made once, at random.
  std::string object_url_secret;                  ///< 32 bytes.
  std::optional<std::string> new_admin_password;  ///< A random one that was made just now.
  bool of_original = false;                       ///< The original made it, and may go on with it.
  RedisPasswords redis_passwords{};               ///< Made once, so that they survive a restart.
};

/// Whether the database was used with the key pair of this fingerprint so far, and with the configured object store, as
/// far as it can be asked and says so already (kUsage with the remedy otherwise). Change nothing.
Result<void> check_key_pair(storage::Database& database, const std::string& fingerprint, const std::string& key_path);
Result<void> check_object_store(storage::Database& database, const Settings& settings);

/// Checks that the database belongs to the key pair of this fingerprint (kUsage with the remedy otherwise), and makes
/// what is missing: the secret of object URLs, the first admin. One transaction.
Result<DatabaseFacts> prepare_database(storage::Writer& writer, const Settings& settings, const BindAddress& bind,
                                       const std::string& fingerprint, const std::string& key_path, Timestamp now);

}  // namespace mito::coordinator
