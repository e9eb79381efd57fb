#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/sync.h"
#include "storage/objects/object_store.h"
#include "storage/objects/signed_urls.h"

namespace mito::storage {

/// Objects in memory, gone with the process: for trying things and for tests.
class MemoryObjectStore final : public LocalObjectStore {
 public:
  /// More than `capacity` bytes in all are refused with kStorageFull. Signer and clock outlive the store.
  MemoryObjectStore(std::uint64_t capacity, const security::ObjectUrlSigner& signer, const Clock& clock);

  Result<std::string> upload_url(const ObjectKey& key, std::uint64_t length, std::chrono::seconds life,
                                 std::string_view base) override;
  Result<std::string> download_url(const ObjectKey& key, std::chrono::seconds life, std::string_view base) override;
  Result<void> remove(const ObjectKey& key) override;
  Result<std::optional<std::uint64_t>> size(const ObjectKey& key) override;
  [[nodiscard]] std::string describe() const override;
  /// The store outlives the upload.
  Result<std::unique_ptr<ObjectUpload>> begin_upload(const ObjectKey& key, std::uint64_t length) override;
  Result<std::unique_ptr<ObjectReader>> open(const ObjectKey& key) override;
  [[nodiscard]] std::uint64_t fingerprint(const ObjectKey& key) const override;
  Result<std::uint64_t> sweep(std::span<const std::uint64_t> known, Timestamp before,
                              const std::stop_token& stop) override;

 private:
  class Upload;
  using Name = std::pair<Bucket, std::string>;
  using Bytes = std::shared_ptr<const std::string>;
  struct State {
    std::map<Name, Bytes> objects;
    std::map<Name, Timestamp> written;
    std::uint64_t used = 0;  ///< By objects and uploads under way.
  };

  [[nodiscard]] Bytes find(const ObjectKey& key) const;

  const std::uint64_t capacity_;
  SignedUrls urls_;
  const Clock& clock_;
  Sync<State> state_;
};

}  // namespace mito::storage
