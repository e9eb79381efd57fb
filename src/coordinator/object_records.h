#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sync.h"
#include "coordinator/context.h"
#include "storage/database/database.h"
#include "storage/objects/object_store.h"

// What artifacts and attachments have in common: names of their objects, links, accounting, removal
// (reference/server.md 6.3 to 6.5).
namespace mito::coordinator {

storage::ObjectKey artifact_key(TaskUuid task, ArtifactContentType type);
storage::ObjectKey attachment_key(std::string_view group_name, std::string_view key);

/// Objects whose row is gone and whose bytes are about to go. Begins on the core thread before the removal is answered,
/// so that bytes announced and sent after that answer can be told from the old ones. Any thread.
///
/// An upload of the same key that is announced meanwhile withdraws the removal, and its link is handed out when nothing
/// of the removal can happen any more.
class ObjectRemovals {
 public:
  void begin(const storage::ObjectKey& key);
  void end(const storage::ObjectKey& key);
  [[nodiscard]] bool contains(const storage::ObjectKey& key) const;
  /// In the order of the transactions, as begin().
  void withdraw(const storage::ObjectKey& key);
  [[nodiscard]] bool is_withdrawn(const storage::ObjectKey& key) const;
  /// Calls `done` when no removal of the key is under way: at once, or on the thread that ends the last one.
  void when_over(const storage::ObjectKey& key, std::move_only_function<void()> done);

 private:
  struct Removal {
    unsigned under_way = 0;
    bool withdrawn = false;
    std::vector<std::move_only_function<void()>> waiting;
  };
  Sync<std::map<std::string, Removal, std::less<>>> removals_;
};

/// Returns when a link to upload this object may be handed out.
http::Awaitable<void> removal_over(Services& services, storage::ObjectKey key);

/// How long an upload link, and thus the protection of a fresh object against deletion, lasts.
inline constexpr std::chrono::seconds kUploadLife{3600};
/// A link to one object that is used at once, and one of a list that is worked off over time.
enum class LinkUse { kSingle, kBatch };

/// A URL that accepts the announced bytes. kUploadRefused.
Result<std::string> upload_link(Services& services, const storage::ObjectKey& key, std::int64_t length,
                                std::string_view base);
/// A URL that hands out an object of the recorded size; large ones get more time.
Result<std::string> download_link(Services& services, const storage::ObjectKey& key, std::int64_t size, LinkUse use,
                                  std::string_view base);

/// The row of a group that takes uploads: kInvalidRequest when it is not active, `missing` when it is not there.
Result<storage::Group> active_group(storage::Queries& queries, GroupId id, const Error& missing);
/// Books an upload of `length` bytes over a recorded `old_size` and writes the group. Answers the size to record.
/// kQuotaExceeded, kUploadRefused (more than 2^63-1 bytes).
Result<std::int64_t> book(storage::Writer& writer, storage::Group group, std::optional<std::int64_t> old_size,
                          std::uint64_t length, Timestamp now);
/// Whether the one-hour rule holds for a removal: a user must wait until no upload link can be in use any more.
enum class Age { kRespected, kIgnored };
/// Remove a row within a transaction and give its bytes back; false: it is too young.
Result<bool> remove_row(storage::Writer& writer, const storage::Attachment& row, Age age, Timestamp now);
Result<bool> remove_row(storage::Writer& writer, const storage::Artifact& row, GroupId group, Age age, Timestamp now);

/// Removes bytes whose rows are gone (announced with ObjectRemovals::begin), in the calling thread, and ends that. What
/// fails is logged and left over; the number of the others.
std::size_t remove_now(Services& services, const std::vector<storage::ObjectKey>& keys);
/// Does so on a disk thread.
http::Awaitable<void> remove_objects(Services& services, std::vector<storage::ObjectKey> keys);

}  // namespace mito::coordinator
