#include "storage/objects/disk_upload.h"

#include <fmt/core.h>

#include "base/logging.h"

namespace mito::storage {

namespace {

constexpr log::Source kLog{"netmito::objects"};
/// The volume has other users: its room is looked at again after so many bytes.
constexpr std::uint64_t kCheckRoomEvery = 64 << 20;

}  // namespace

DiskUpload::DiskUpload(DiskObjectStore& store, DiskObjectStore::Place place, DiskObjectStore::Path temporary,
                       std::unique_ptr<WritableFile> file, std::uint64_t length)
    : store_(store),
      place_(std::move(place)),
      temporary_(std::move(temporary)),
      file_(std::move(file)),
      length_(length) {}

DiskUpload::~DiskUpload() {
  store_.outstanding_ -= length_ - written_;
  if (named_) return;
  file_.reset();
  if (auto removed = store_.files_.remove(temporary_); !removed) kLog.warn("{}", describe(removed.error()));
}

Result<void> DiskUpload::write(std::string_view bytes) {
  if (bytes.size() > length_ - written_) {
    failed_ = true;
    return fail(ErrorCode::kInvalidRequest, fmt::format("More than the {} bytes that were announced", length_));
  }
  unchecked_ += bytes.size();
  auto done = unchecked_ >= kCheckRoomEvery ? store_.check_room(bytes.size()) : Result<void>();
  if (unchecked_ >= kCheckRoomEvery) unchecked_ = 0;
  if (done) done = file_->write(bytes);
  if (!done) {
    failed_ = true;
    return done;
  }
  written_ += bytes.size();
  store_.outstanding_ -= bytes.size();
  return {};
}

Result<void> DiskUpload::commit() {
  if (failed_ || named_) return fail(ErrorCode::kInternal, {}, "commit of an upload that has failed or is committed");
  if (written_ != length_)
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("{} bytes came of the {} that were announced", written_, length_));
  MITO_TRY(file_->sync());
  file_.reset();
  MITO_TRY_ASSIGN(const auto directory, store_.directories_.make(place_.first, place_.second));
  MITO_TRY(store_.files_.rename(temporary_, directory / place_.name));
  named_ = true;
  return store_.files_.sync_directory(directory);
}

}  // namespace mito::storage
