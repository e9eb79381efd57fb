#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "coordinator/settings.h"
#include "storage/database/database.h"

// Steps of a start that write to a fresh database. Called before the core has the writer.
namespace mito::coordinator {

/// kUsage when a setting names a service that this build does not support; the text names what it does support.
Result<void> check_supported(const Settings& settings);

/// What a start finds or makes in the database.
struct DatabaseFacts {
  std::string object_url_secret;                  ///< 32 bytes.
  std::optional<std::string> new_admin_password;  ///< A random one that was made just now.
};

/// Checks that the database belongs to the key pair of this fingerprint (kUsage with the remedy otherwise), and makes
/// what is missing: the secret of object URLs, the first admin. One transaction.
Result<DatabaseFacts> prepare_database(storage::Writer& writer, const Settings& settings, const BindAddress& bind,
                                       const std::string& fingerprint, const std::string& key_path, Timestamp now);

}  // namespace mito::coordinator
