#pragma once

#include <memory>

#include "storage/objects/disk_object_store.h"

namespace mito::storage {

/// An upload into a temporary file of a DiskObjectStore.
class DiskUpload final : public ObjectUpload {
 public:
  DiskUpload(DiskObjectStore& store, DiskObjectStore::Place place, DiskObjectStore::Path temporary,
             std::unique_ptr<WritableFile> file, std::uint64_t length);
  ~DiskUpload() override;
  DiskUpload(const DiskUpload&) = delete;
  DiskUpload& operator=(const DiskUpload&) = delete;

  Result<void> write(std::string_view bytes) override;
  Result<void> commit() override;

 private:
  DiskObjectStore& store_;
  const DiskObjectStore::Place place_;
  const DiskObjectStore::Path temporary_;
  std::unique_ptr<WritableFile> file_;
  const std::uint64_t length_;
  std::uint64_t written_ = 0;
  std::uint64_t unchecked_ = 0;  ///< Bytes since the room was looked at.
  bool failed_ = false;
  bool named_ = false;  ///< The temporary file is gone: it has become the object.
};

}  // namespace mito::storage
