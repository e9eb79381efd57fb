#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "storage/objects/durable_directories.h"
#include "storage/objects/file_system.h"
#include "storage/objects/object_store.h"
#include "storage/objects/signed_urls.h"

namespace mito::storage {

/// Objects as files of a directory: `<root>/ab/cd/<SHA-256 of bucket and key>`, so that any key can be stored; which
/// key a file belongs to is known to the database only. Uploads are written to `<root>/tmp`, synced, and then get their
/// name. One process per directory.
class DiskObjectStore final : public LocalObjectStore {
 public:
  using Path = FileSystem::Path;

  struct Settings {
    Path root;
    std::uint64_t min_free = 0;  ///< Bytes of the volume that uploads leave free.
  };

  /// Makes the directory where it is missing, and removes what broken-off uploads left. Signer, clock and files outlive
  /// the store.
  static Result<std::unique_ptr<DiskObjectStore>> open(Settings settings, const security::ObjectUrlSigner& signer,
                                                       const Clock& clock, FileSystem& files = FileSystem::system());

  Result<std::string> upload_url(const ObjectKey& key, std::uint64_t length, std::chrono::seconds life,
                                 std::string_view base) override;
  Result<std::string> download_url(const ObjectKey& key, std::chrono::seconds life, std::string_view base) override;
  Result<void> remove(const ObjectKey& key) override;
  Result<std::optional<std::uint64_t>> size(const ObjectKey& key) override;
  [[nodiscard]] std::string describe() const override;
  /// kStorageFull when the volume has no room for `length` bytes besides the reserve and the uploads under way.
  /// The store outlives the upload.
  Result<std::unique_ptr<ObjectUpload>> begin_upload(const ObjectKey& key, std::uint64_t length) override;
  Result<std::unique_ptr<ObjectReader>> open(const ObjectKey& key) override;
  [[nodiscard]] std::uint64_t fingerprint(const ObjectKey& key) const override;
  Result<std::uint64_t> sweep(std::span<const std::uint64_t> known, Timestamp before,
                              const std::stop_token& stop) override;

 private:
  friend class DiskUpload;

  DiskObjectStore(Settings settings, const security::ObjectUrlSigner& signer, const Clock& clock, FileSystem& files);
  Result<void> prepare();
  /// kStorageFull when fewer than `more` bytes are left besides the reserve.
  Result<void> check_room(std::uint64_t more) const;
  [[nodiscard]] Path temporary_directory() const { return settings_.root / "tmp"; }

  /// Removes the file if it was last written before `before`; false: it was not.
  Result<bool> remove_if_old(const Path& path, Timestamp before);
  Result<std::uint64_t> sweep_directory(const Path& path, std::span<const std::uint64_t> known, Timestamp before);

  /// Where an object's file is.
  struct Place {
    std::string first;
    std::string second;
    std::string name;
  };
  static Place place_of(const ObjectKey& key);
  [[nodiscard]] Path path_of(const Place& place) const {
    return settings_.root / place.first / place.second / place.name;
  }

  const Settings settings_;
  SignedUrls urls_;
  FileSystem& files_;
  DurableDirectories directories_;
  std::atomic<std::uint64_t> last_upload_ = 0;
  /// Bytes that were announced and are not written yet.
  std::atomic<std::uint64_t> outstanding_ = 0;
};

}  // namespace mito::storage
