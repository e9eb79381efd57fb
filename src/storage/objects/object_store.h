#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace mito::storage {

enum class Bucket { kArtifacts, kAttachments };
/// "artifacts", "attachments": the name in object URLs.
std::string_view to_string(Bucket bucket);
std::optional<Bucket> parse_bucket(std::string_view text);

struct ObjectKey {
  Bucket bucket = Bucket::kArtifacts;
  std::string key;  ///< `<task uuid>/result.tar.gz`, `<group>/<key>`.
};

/// Where artifact and attachment bytes are. Any thread. Calls other than the *_url ones may block: they run on a disk
/// thread.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// A URL that accepts one PUT of exactly `length` bytes for `life`. `base` is the coordinator's address as the peer
  /// knows it
  /// (`http://host:port`, no trailing slash); stores that are reached directly ignore it. kUploadRefused: no such
  /// object can be made.
  virtual Result<std::string> upload_url(const ObjectKey& key, std::uint64_t length, std::chrono::seconds life,
                                         std::string_view base) = 0;
  virtual Result<std::string> download_url(const ObjectKey& key, std::chrono::seconds life, std::string_view base) = 0;
  /// A missing object is no error.
  virtual Result<void> remove(const ObjectKey& key) = 0;
  /// An object that could not be removed, and why.
  struct Leftover {
    ObjectKey key;
    Error error;
  };
  using Withdrawn = std::function<bool(const ObjectKey& key)>;
  /// Removes several; answers those that are left. Before each attempt `withdrawn` is asked (empty: never): a key for
  /// which it says yes is not touched any more, and is no leftover. When this returns, nothing of it can happen any
  /// more.
  virtual std::vector<Leftover> remove_all(std::span<const ObjectKey> keys, const Withdrawn& withdrawn);
  /// Size in bytes; nothing: no such object.
  virtual Result<std::optional<std::uint64_t>> size(const ObjectKey& key) = 0;
  /// For the start-up line.
  [[nodiscard]] virtual std::string describe() const = 0;
};

/// A store that workers and clients reach themselves, and that can tell what it holds.
class RemoteObjectStore : public ObjectStore {
 public:
  struct Listed {
    std::string key;
    Timestamp written{};  ///< By our clock.
  };
  struct Page {
    std::vector<Listed> objects;
    std::optional<std::string> next;  ///< What to ask for as `after`; nothing: this was the last page.
  };
  /// The objects of a bucket behind the key `after` (empty: from the beginning), some at a time, in the store's order.
  virtual Result<Page> list(Bucket bucket, const std::string& after) = 0;
  /// The name of whoever claimed the bucket first: `owner`, when nobody did before. Kept as an object whose key has no
  /// slash, so that it is neither an artifact nor an attachment.
  virtual Result<std::string> claim(Bucket bucket, const std::string& owner) = 0;
};

/// Bytes of one upload on their way to the disk. Blocking; one thread at a time. Destroyed without commit: nothing is
/// left.
class ObjectUpload {
 public:
  virtual ~ObjectUpload() = default;
  /// kStorageFull: no room (or less than the reserve would be left).
  virtual Result<void> write(std::string_view bytes) = 0;
  /// Makes the object visible, in one step, after file and directory were synced. kInvalidRequest: fewer or more bytes
  /// than announced.
  virtual Result<void> commit() = 0;
};

/// An object opened for reading. Blocking; one thread at a time.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Bytes read at `offset`; 0 at the end.
  virtual Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t count) = 0;
};

/// A store whose bytes go through the coordinator.
class LocalObjectStore : public ObjectStore {
 public:
  virtual Result<std::unique_ptr<ObjectUpload>> begin_upload(const ObjectKey& key, std::uint64_t length) = 0;
  /// A number for the key; different keys have different ones as good as always.
  [[nodiscard]] virtual std::uint64_t fingerprint(const ObjectKey& key) const = 0;
  /// Removes objects whose fingerprint is not in the sorted list and which were written before `before`; how many. It
  /// is the caller's affair that `before` is older than the list, so that nothing new is missing in it. Ends early,
  /// with what it has done, when `stop` is requested.
  virtual Result<std::uint64_t> sweep(std::span<const std::uint64_t> known, Timestamp before,
                                      const std::stop_token& stop) = 0;
  /// Nothing: no such object. A reader keeps its bytes, also when the object is replaced or removed meanwhile.
  virtual Result<std::unique_ptr<ObjectReader>> open(const ObjectKey& key) = 0;
};

}  // namespace mito::storage
