#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "worker/coordinator_link.h"
#include "worker/descriptor.h"
#include "worker/host.h"

// The spool: what must not be lost when a worker ends in whatever way.
//
//   <work dir>/spool/<worker uuid>/registration.json   who we are to the coordinator, with the token; locked (flock)
//                                 /result              what is to be reported of the task that has ended
//                                 /result.tar.gz …     its archives, until the coordinator has them
//                                 /stdout.log …        output of the running command
//   <work dir>/undelivered/<task uuid>.<time>/         results that nobody took: for people, kept for seven days
//
// Directories have mode 0700, files 0600. An entry (SpoolEntry) belongs to one registration and to the thread of the
// slot that made it; nobody else touches it while the lock is held, and the kernel lets the lock go with the process.
// Spool itself holds no state but paths; any thread may use it.
//
// What happens when the worker or the machine dies, by the step that was done last:
//   registered          Nothing is on the disk yet. The coordinator misses heartbeats of a worker that never asked for
//                       a task, and forgets it.
//   entry made          The next worker on this host finds an entry that is not locked and unregisters it: a task it
//   may
//                       hold is free at once instead of after the lease.
//   command runs        The same; its supervisor has killed the command. What it wrote is removed with its directory.
//   archives packed,    The result is complete on the disk before the first word about it is sent. The next worker
//   sends result kept         heartbeats for that registration, delivers, and unregisters. Each report may be repeated:
//   the
//                       coordinator knows the reporter of a task and counts one result.
//   acknowledged,       The next worker reports once more, is answered the same, and empties the record.
//   record not emptied
//   next task came with The record is that of the task before: delivering it again answers with the task that is
//   assigned the answer          now, and unregistering gives that one back. unregistered        The entry is left
//   over; unregistering again is answered with 401 and the entry removed.
//
// A result with archives is on the disk (fsync) before anything is sent. A result without archives is written but not
// synced while its first report is under way, a few seconds at most: a killed worker loses nothing, and a machine that
// loses power in that moment has lost the task as if it had still been running. When the first report is not answered,
// it is synced before the next.
//
// A registration is taken up on the same host only (lock, token and paths mean nothing elsewhere); after a restart of
// the machine, too, since nobody can hold the lock then.
namespace mito::worker {

/// An archive in a spool entry.
struct SpooledArchive {
  ArtifactContentType type = ArtifactContentType::kResult;
  std::uint64_t size = 0;
  std::string md5;  ///< Base64 of the digest, as in the header field Content-MD5; may be empty.
};

/// Everything that is reported of an ended task.
struct SpooledResult {
  TaskUuid task;
  std::int64_t id = 0;
  TaskState state = TaskState::kFinished;  ///< kFinished or kCancelled.
  std::int32_t exit_status = 0;
  std::optional<TaskResultMessage> message;
  protocol::TaskDetail detail;
  std::optional<protocol::SubmitTaskReq> new_task;
  std::vector<SpooledArchive> archives;
};

/// The text of a record, and back. Pure.
std::string encode_result(const SpooledResult& result);
std::optional<SpooledResult> decode_result(std::string_view text);

/// The place of one registration. One thread.
class SpoolEntry {
 public:
  ~SpoolEntry();
  SpoolEntry(const SpoolEntry&) = delete;
  SpoolEntry& operator=(const SpoolEntry&) = delete;

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] std::filesystem::path archive(ArtifactContentType type) const;
  /// For an archive that is to be made.
  [[nodiscard]] std::filesystem::path new_archive(ArtifactContentType type);
  /// The output of a command is to be captured.
  void expect_output() { dirty_ = true; }
  [[nodiscard]] std::filesystem::path stdout_file() const { return directory_ / "stdout.log"; }
  [[nodiscard]] std::filesystem::path stderr_file() const { return directory_ / "stderr.log"; }

  /// Writes the record; it outlives this process from now on. kIo.
  Result<void> keep(const SpooledResult& result);
  /// Record and archives are on the disk when this returns; it outlives the machine's loss of power. kIo.
  Result<void> sync();
  /// Whether a record is kept.
  [[nodiscard]] bool has_result() const { return kept_.has_value(); }
  /// What is kept.
  [[nodiscard]] const std::optional<SpooledResult>& result() const { return kept_; }
  /// The result was taken, or there will be none: removes record, archives and output.
  void forget();
  /// Nobody will take the result: moves record and archives to `undelivered/` and logs where they are.
  void set_aside(std::string_view why);
  /// Removes the entry when it is destroyed, instead of leaving it to the next worker.
  void remove_at_end() { remove_ = true; }
  void leave_at_end() { remove_ = false; }

 private:
  friend class Spool;
  SpoolEntry(std::filesystem::path directory, std::filesystem::path undelivered, Descriptor registration,
             Descriptor record);

  std::filesystem::path directory_;
  std::filesystem::path undelivered_;
  Descriptor registration_;  ///< Locked.
  Descriptor record_;
  std::optional<SpooledResult> kept_;
  bool dirty_ = false;  ///< There may be archives or output.
  bool remove_ = false;
};

/// The entries under one work directory. Any thread.
class Spool {
 public:
  /// Makes the directories. `coordinator` is the address that entries are for. kIo.
  static Result<Spool> open(const std::filesystem::path& work_directory, HostIdentity host, std::string coordinator);

  /// An entry for a new registration. kIo.
  [[nodiscard]] Result<std::unique_ptr<SpoolEntry>> create(const Session& session) const;

  /// What a worker that has ended left behind.
  struct Found {
    std::unique_ptr<SpoolEntry> entry;
    std::unique_ptr<Session> session;
    std::optional<SpooledResult> result;
  };
  /// Locks and gives the entries of this host and coordinator whose workers have ended.
  [[nodiscard]] std::vector<Found> take_over() const;

  /// Removes what has been in `undelivered/` for more than seven days.
  void clean_undelivered(Timestamp now) const;

 private:
  Spool(std::filesystem::path work_directory, HostIdentity host, std::string coordinator);
  [[nodiscard]] std::optional<Found> take(const std::filesystem::path& directory) const;

  std::filesystem::path entries_;
  std::filesystem::path undelivered_;
  HostIdentity host_;
  std::string coordinator_;
};

}  // namespace mito::worker
