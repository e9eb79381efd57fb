#include "storage/objects/memory_object_store.h"

#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "base/size.h"

namespace mito::storage {

namespace {

class MemoryReader final : public ObjectReader {
 public:
  explicit MemoryReader(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_->size(); }
  Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t count) override {
    if (offset >= bytes_->size()) return 0;
    count = std::min<std::uint64_t>(count, bytes_->size() - offset);
    std::memcpy(buffer, bytes_->data() + offset, count);
    return count;
  }

 private:
  std::shared_ptr<const std::string> bytes_;
};

}  // namespace

class MemoryObjectStore::Upload final : public ObjectUpload {
 public:
  Upload(MemoryObjectStore& store, Name name, std::uint64_t length)
      : store_(store), name_(std::move(name)), length_(length) {}
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload() override {
    if (!committed_) store_.state_.lock()->used -= length_;
  }

  Result<void> write(std::string_view bytes) override {
    if (bytes.size() > length_ - bytes_.size()) {
      failed_ = true;
      return fail(ErrorCode::kInvalidRequest, fmt::format("More than the {} bytes that were announced", length_));
    }
    bytes_ += bytes;
    return {};
  }

  Result<void> commit() override {
    if (failed_ || committed_)
      return fail(ErrorCode::kInternal, {}, "commit of an upload that has failed or is committed");
    if (bytes_.size() != length_)
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("{} bytes came of the {} that were announced", bytes_.size(), length_));
    auto object = std::make_shared<const std::string>(std::move(bytes_));
    auto state = store_.state_.lock();
    auto& place = state->objects[name_];
    if (place) state->used -= place->size();
    place = std::move(object);
    state->written[name_] = store_.clock_.now();
    committed_ = true;
    return {};
  }

 private:
  MemoryObjectStore& store_;
  const Name name_;
  const std::uint64_t length_;
  std::string bytes_;
  bool failed_ = false;
  bool committed_ = false;
};

MemoryObjectStore::MemoryObjectStore(std::uint64_t capacity, const security::ObjectUrlSigner& signer,
                                     const Clock& clock)
    : capacity_(capacity), urls_(signer, clock), clock_(clock) {}

Result<std::string> MemoryObjectStore::upload_url(const ObjectKey& key, std::uint64_t length, std::chrono::seconds life,
                                                  std::string_view base) {
  return urls_.upload(key, length, life, base);
}

Result<std::string> MemoryObjectStore::download_url(const ObjectKey& key, std::chrono::seconds life,
                                                    std::string_view base) {
  return urls_.download(key, life, base);
}

MemoryObjectStore::Bytes MemoryObjectStore::find(const ObjectKey& key) const {
  const auto state = state_.lock();
  const auto found = state->objects.find({key.bucket, key.key});
  return found == state->objects.end() ? nullptr : found->second;
}

Result<void> MemoryObjectStore::remove(const ObjectKey& key) {
  auto state = state_.lock();
  const auto found = state->objects.find({key.bucket, key.key});
  if (found == state->objects.end()) return {};
  state->used -= found->second->size();
  state->written.erase(found->first);
  state->objects.erase(found);
  return {};
}

Result<std::optional<std::uint64_t>> MemoryObjectStore::size(const ObjectKey& key) {
  const auto bytes = find(key);
  if (!bytes) return std::nullopt;
  return bytes->size();
}

std::string MemoryObjectStore::describe() const {
  return "memory:";
}

Result<std::unique_ptr<ObjectUpload>> MemoryObjectStore::begin_upload(const ObjectKey& key, std::uint64_t length) {
  auto state = state_.lock();
  if (length > capacity_ - state->used)
    return fail(ErrorCode::kStorageFull, fmt::format("{} are left: {} more do not fit",
                                                     format_size(capacity_ - state->used), format_size(length)));
  state->used += length;
  return std::make_unique<Upload>(*this, Name{key.bucket, key.key}, length);
}

Result<std::unique_ptr<ObjectReader>> MemoryObjectStore::open(const ObjectKey& key) {
  auto bytes = find(key);
  if (!bytes) return nullptr;
  return std::make_unique<MemoryReader>(std::move(bytes));
}

std::uint64_t MemoryObjectStore::fingerprint(const ObjectKey& key) const {
  return std::hash<std::string>()(std::string(to_string(key.bucket)) + '\0' + key.key);
}

Result<std::uint64_t> MemoryObjectStore::sweep(std::span<const std::uint64_t> known, Timestamp before,
                                               const std::stop_token&) {
  std::uint64_t removed = 0;
  auto state = state_.lock();
  for (auto object = state->objects.begin(); object != state->objects.end();) {
    const auto& [bucket, key] = object->first;
    const bool is_known = std::ranges::binary_search(known, fingerprint({.bucket = bucket, .key = key}));
    if (is_known || state->written[object->first] >= before) {
      ++object;
      continue;
    }
    state->used -= object->second->size();
    state->written.erase(object->first);
    object = state->objects.erase(object);
    ++removed;
  }
  return removed;
}

}  // namespace mito::storage
