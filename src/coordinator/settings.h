#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/settings.h"
#include "domain/rules.h"

namespace mito::coordinator {

/// Everything that can be set about `mito coordinator`. Keys, flags and defaults are those of the original
/// (reference/server.md 8.1) where it has the setting and the embedded default does not take its place.
struct Settings {
  std::string bind = "127.0.0.1:5000";
  /// Empty: `$XDG_DATA_HOME/mitosis`, else `~/.local/share/mitosis`.
  std::filesystem::path data_dir;
  /// Empty: an SQLite file in the data directory.
  std::string db_url;

  // The object store; without a URL: a folder of the data directory, served under /objects.
  std::string s3_url;
  std::string s3_access_key = "mitosis_access";
  std::string s3_secret_key = "mitosis_secret";
  std::string s3_region = "mitosis";
  bool s3_force_path_style = false;
  bool accept_object_store = false;  ///< The database's objects were moved to the configured store.
  std::string s3_public_url;         ///< Where workers and clients reach s3_url; empty: there.
  std::string artifacts_bucket = "mitosis-artifacts";
  std::string attachments_bucket = "mitosis-attachments";

  std::string redis_url;
  std::string redis_public_url;  ///< Where workers and clients reach redis_url; empty: there.
  std::string redis_worker_password;
  std::string redis_client_password;
  bool redis_skip_acl_rules = false;

  std::string admin_user = "mitosis_admin";
  /// Nothing: `mitosis_admin`, or a random one that is printed once when `bind` is not a loopback address.
  std::optional<std::string> admin_password;
  std::optional<std::filesystem::path> admin_password_file;  ///< Its first line is that password; empty: as if not set.
  std::filesystem::path access_token_private_path = "private.pem";
  std::filesystem::path access_token_public_path = "public.pem";
  std::chrono::milliseconds access_token_expires_in{std::chrono::hours(24 * 7)};
  std::chrono::milliseconds heartbeat_timeout{600'000};
  std::filesystem::path log_path;
  bool file_log = false;

  // What the original does not have.
  /// The address under which workers and clients reach us, for object URLs (`https://mito.example`).
  std::string public_url;
  std::filesystem::path tls_cert;  ///< PEM; empty: plain HTTP.
  std::filesystem::path tls_key;
  /// Wrong passwords for one user from one address that are allowed in `login_window`; ten times as many from one
  /// address for all users. 0: any number.
  unsigned login_attempts = 20;
  std::chrono::milliseconds login_window{60'000};
  std::chrono::milliseconds retention{0};            ///< Archived tasks are kept for this long; 0: for ever.
  std::chrono::milliseconds orphan_age{86'400'000};  ///< Objects without a row are removed when they are as old.
  std::chrono::milliseconds sweep_interval{600'000};
  /// Addresses whose `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-For` count.
  std::vector<std::string> trusted_proxies;
  /// Nothing: documented; strict on a database that the original made.
  std::optional<TagMatching> chosen_tag_matching;
  /// Nothing: false; true on a database that the original made.
  std::optional<bool> chosen_open_groups;
  std::string standby_bind;                          ///< Where a standby answers health checks; empty: nowhere.
  std::function<void()> on_standby;                  ///< No setting: called when the wait for our turn begins.
  std::chrono::milliseconds takeover_after{15'000};  ///< A coordinator that is silent for longer loses its place.
  std::chrono::milliseconds overrun_grace{60'000};   ///< A command that runs on this long after its timeout is taken.
  int max_worker_losses = 3;
  std::uint64_t min_free = 256 << 20;  ///< Bytes of the volume that uploads leave free.
  std::string shutdown_secret;         ///< Empty: random, in the file `shutdown-secret` of the data directory.
  std::string metrics_token;           ///< Empty: /metrics answers to loopback addresses only.
  std::chrono::milliseconds shutdown_grace{30'000};  ///< For requests in flight when stopping.
  std::chrono::milliseconds database_wait{30'000};   ///< How long user requests wait for a database that is away.
  std::chrono::milliseconds max_wait{60'000};        ///< The longest `wait` of a long poll.
  unsigned io_threads = 0;                           ///< 0: one per core.
  unsigned read_threads = 4;
  unsigned disk_threads = 4;
  unsigned password_threads = 0;    ///< 0: half the cores.
  std::size_t max_connections = 0;  ///< 0: from the limit on open files.
  std::size_t max_queued_commands = 65'536;
  std::size_t max_waiting_fetches = 100'000;
  std::uint64_t max_answer_bytes = 256 << 20;  ///< Of large answers that wait for their readers.
  std::size_t max_event_streams = 1'024;
  std::size_t max_queued_reads = 4'096;
  std::size_t max_queued_passwords = 256;
  std::size_t token_cache = 32'768;  ///< Verified tokens that are remembered.

  // What the two above come to once the database is known. Not settings themselves.
  TagMatching tag_matching = TagMatching::kDocumented;
  bool open_groups = false;

  /// The configuration files that were read; key files are looked for beside them, too. Not a setting itself.
  std::vector<std::filesystem::path> config_files;
};

/// The declaration of every setting above: key, flag, type, help, default.
const SettingsDeclaration<Settings>& settings_declaration();

/// Settings::bind taken apart.
struct BindAddress {
  std::string host;  ///< An IP address, without brackets.
  std::uint16_t port = 0;

  /// kUsage when it is not an IP address and a port.
  static Result<BindAddress> parse(std::string_view text);
  [[nodiscard]] bool is_loopback() const;
  /// `127.0.0.1:5000`, `[::1]:5000`.
  [[nodiscard]] std::string to_string() const;
};

/// Whether an IP address is one of this machine's loopback addresses.
bool is_loopback_address(std::string_view address);

}  // namespace mito::coordinator
