#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/duration.h"
#include "base/settings.h"

namespace mito::worker {

/// What a slot does when the coordinator no longer knows it (a 401 answer).
enum class Reconnect {
  kLost,    ///< Registers again when contact had been lost or the token had run out; otherwise somebody removed it, and
            ///< it ends.
  kAlways,  ///< Registers again whatever the cause.
  kNever,   ///< Ends.
};

/// What happens to the running task when the coordinator no longer knows the slot.
enum class OnRemoved {
  kKill,    ///< It is ended at once: another worker may have it by now.
  kFinish,  ///< It may go on to its end; its result is kept under `undelivered/`.
};

/// Everything that can be set about `mito worker`. Defaults are those of the original where it has the setting.
struct Settings {
  std::string coordinator_addr = "http://127.0.0.1:5000";
  std::chrono::milliseconds polling_interval{180'000};    ///< Between fetches from a coordinator without long polling.
  std::chrono::milliseconds heartbeat_interval{300'000};  ///< At most; with a lease, a third of it.
  std::optional<std::filesystem::path> credential_path;
  std::optional<std::string> user;
  std::optional<std::string> password;
  std::optional<std::filesystem::path> ca_file;        ///< PEM; which certificates an https coordinator may bear.
  std::optional<std::filesystem::path> password_file;  ///< Its first line is the password.
  std::vector<std::string> groups;                     ///< `name` or `name:role`.
  std::vector<std::string> tags;
  std::vector<std::string> labels;
  std::optional<std::filesystem::path> log_path;
  bool file_log = false;
  bool shared_log = false;
  std::optional<Duration> lifetime;  ///< Of the registration; the coordinator's default otherwise.
  bool retain = false;               ///< Accepted for the original's sake: our logins always keep other sessions.
  bool skip_redis = false;

  std::size_t slots = 1;                    ///< Tasks side by side; each is a registration of its own.
  std::size_t prefetch = 8;                 ///< Tasks a slot may hold while they are short; with 1 it never does.
  std::optional<std::string> name;          ///< Shown beside the host name.
  std::chrono::milliseconds lease{30'000};  ///< Asked of the coordinator: lost after this long without a heartbeat.
  std::optional<std::filesystem::path> work_dir;          ///< Instead of `$CACHE_DIR/mitosis`.
  std::chrono::milliseconds grace{30'000};                ///< How long running tasks may go on after SIGTERM.
  std::chrono::milliseconds kill_grace{10'000};           ///< Between SIGTERM and SIGKILL of a task that is ended.
  std::uint64_t output_limit = std::uint64_t{1} << 30;    ///< Bytes kept of stdout and of stderr: the newest.
  std::chrono::milliseconds resource_timeout{1'800'000};  ///< For all inputs (and the watch) of a task.
  std::chrono::milliseconds stall_timeout{120'000};       ///< For a transfer in which no byte moves.
  std::chrono::milliseconds upload_timeout{600'000};      ///< How long a refusing object store is tried again.
  Reconnect reconnect = Reconnect::kLost;
  OnRemoved on_removed = OnRemoved::kKill;
  std::uint64_t min_free = std::uint64_t{64} << 20;  ///< Bytes the disk must have free for a task to be fetched.
  bool overlap = false;                              ///< The next command may start while the last result is brought.
  bool isolate = false;                              ///< A fresh working directory and a defined environment.
  std::vector<std::string> pass_env;                 ///< Variables that isolated tasks inherit besides.
  std::optional<std::string> run_as;                 ///< `USER` or `USER:GROUP` that commands run as.
  std::optional<std::uint64_t> memory_limit;         ///< Bytes for the command and all it starts.
};

/// The one declaration of them all: keys, options, help.
const SettingsDeclaration<Settings>& settings_declaration();

}  // namespace mito::worker
