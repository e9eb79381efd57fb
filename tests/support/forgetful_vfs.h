#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace mito::testing {

/// What a crash leaves of the changes that were not synced.
enum class Survivors {
  kEverything,  ///< Only the program went (kill -9).
  kNothing,     ///< Every file and every name is as of its last sync.
  kSomeWrites,  ///< Each write and each name was lucky or not, whatever their order.
  kTornWrites,  ///< As above, and a write may have reached the disk in part, in sectors of 512 bytes.
};

/// A disk in memory for SQLite that forgets what was not synced, the bytes of files as well as the names in their one
/// directory. While it lives it is SQLite's default file system, so that the product's own code runs on it unchanged.
/// Any thread; one at a time in a process.
///
/// A database file is found when it was made here, or exists (empty) in the machine's file system under that name: the
/// product makes it there, so that only its owner may read it.
class ForgetfulVfs {
 public:
  /// The same seed gives the same survivors and the same randomness to SQLite.
  explicit ForgetfulVfs(std::uint64_t seed);
  ~ForgetfulVfs();
  ForgetfulVfs(const ForgetfulVfs&) = delete;
  ForgetfulVfs& operator=(const ForgetfulVfs&) = delete;

  /// Power goes and comes back. Connections that are still open get errors for ever.
  void crash(Survivors survivors);
  /// The power goes before the `operations`-th change or sync from now (1: the next one); until crash() all fail.
  void cut_power_in(std::size_t operations);
  [[nodiscard]] bool power_is_out() const;
  /// The `operations`-th change or sync from now fails with an I/O error; the disk goes on.
  void fail_in(std::size_t operations);

  enum class Sync { kLog, kDatabase, kJournal, kDirectory };
  /// Syncs of this kind report success and do nothing.
  void ignore(Sync kind);
  [[nodiscard]] std::size_t syncs(Sync kind) const;
  /// Changes and syncs so far.
  [[nodiscard]] std::size_t operations() const;

  struct Disk;

 private:
  std::unique_ptr<Disk> disk_;
};

}  // namespace mito::testing
