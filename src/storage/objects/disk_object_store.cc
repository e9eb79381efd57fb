#include "storage/objects/disk_object_store.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/core.h>
#include <openssl/evp.h>

#include "base/encoding.h"
#include "base/size.h"
#include "storage/objects/disk_upload.h"
#include "storage/objects/versioned_object.h"

namespace mito::storage {

namespace {

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL cannot compute SHA-256");
  return hex_encode({reinterpret_cast<const char*>(digest.data()), size});
}

class DiskReader final : public ObjectReader, public VersionedObject {
 public:
  explicit DiskReader(std::unique_ptr<ReadableFile> file) : file_(std::move(file)) {}
  [[nodiscard]] std::uint64_t size() const override { return file_->size(); }
  [[nodiscard]] std::string version() const override { return file_->version(); }
  Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t count) override {
    return file_->read_at(offset, buffer, count);
  }

 private:
  std::unique_ptr<ReadableFile> file_;
};

}  // namespace

DiskObjectStore::DiskObjectStore(Settings settings, const security::ObjectUrlSigner& signer, const Clock& clock,
                                 FileSystem& files)
    : settings_(std::move(settings)), urls_(signer, clock), files_(files), directories_(files, settings_.root) {}

Result<std::unique_ptr<DiskObjectStore>> DiskObjectStore::open(Settings settings,
                                                               const security::ObjectUrlSigner& signer,
                                                               const Clock& clock, FileSystem& files) {
  std::unique_ptr<DiskObjectStore> store(new DiskObjectStore(std::move(settings), signer, clock, files));
  MITO_TRY(store->prepare());
  return store;
}

Result<void> DiskObjectStore::prepare() {
  MITO_TRY(directories_.make_root());
  MITO_TRY(files_.make_directory(temporary_directory()));
  MITO_TRY_ASSIGN(const auto left_behind, files_.list(temporary_directory()));
  for (const auto& name : left_behind)
    MITO_TRY(files_.remove(temporary_directory() / name));
  return {};
}

DiskObjectStore::Place DiskObjectStore::place_of(const ObjectKey& key) {
  // No bucket's name contains U+0000, so no two pairs give the same bytes.
  std::string name(to_string(key.bucket));
  name += '\0';
  name += key.key;
  name = sha256_hex(name);
  return {.first = name.substr(0, 2), .second = name.substr(2, 2), .name = name};
}

Result<std::string> DiskObjectStore::upload_url(const ObjectKey& key, std::uint64_t length, std::chrono::seconds life,
                                                std::string_view base) {
  return urls_.upload(key, length, life, base);
}

Result<std::string> DiskObjectStore::download_url(const ObjectKey& key, std::chrono::seconds life,
                                                  std::string_view base) {
  return urls_.download(key, life, base);
}

Result<void> DiskObjectStore::remove(const ObjectKey& key) {
  const auto path = path_of(place_of(key));
  MITO_TRY_ASSIGN(const bool was_there, files_.remove(path));
  if (!was_there) return {};
  return files_.sync_directory(path.parent_path());
}

Result<std::optional<std::uint64_t>> DiskObjectStore::size(const ObjectKey& key) {
  MITO_TRY_ASSIGN(const auto file, files_.open(path_of(place_of(key))));
  if (!file) return std::nullopt;
  return file->size();
}

std::string DiskObjectStore::describe() const {
  return fmt::format("file:{}", settings_.root.string());
}

Result<void> DiskObjectStore::check_room(std::uint64_t more) const {
  MITO_TRY_ASSIGN(const auto free, files_.free_space(settings_.root));
  if (free >= settings_.min_free && free - settings_.min_free >= more) return {};
  return fail(
      ErrorCode::kStorageFull,
      fmt::format("The volume of {} has {} left, of which {} are kept free: {} more do not fit",
                  settings_.root.string(), format_size(free), format_size(settings_.min_free), format_size(more)));
}

Result<std::unique_ptr<ObjectUpload>> DiskObjectStore::begin_upload(const ObjectKey& key, std::uint64_t length) {
  // Counted before the check, so that of two uploads at the same moment each sees the other.
  struct Claim {
    Claim(std::atomic<std::uint64_t>& total, std::uint64_t amount)
        : outstanding(total), bytes(amount), before(total.fetch_add(amount)) {}
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    ~Claim() { outstanding -= bytes; }
    std::atomic<std::uint64_t>& outstanding;
    std::uint64_t bytes;
    const std::uint64_t before;
  } claim(outstanding_, length);

  if (length > std::numeric_limits<std::uint64_t>::max() / 2 - claim.before)
    return fail(ErrorCode::kStorageFull, fmt::format("{} bytes fit on no volume", length));
  MITO_TRY(check_room(claim.before + length));
  const auto temporary = temporary_directory() / fmt::format("upload-{}", ++last_upload_);
  MITO_TRY_ASSIGN(auto file, files_.create(temporary));
  auto upload = std::make_unique<DiskUpload>(*this, place_of(key), temporary, std::move(file), length);
  claim.bytes = 0;  // the upload has it now
  return upload;
}

Result<std::unique_ptr<ObjectReader>> DiskObjectStore::open(const ObjectKey& key) {
  MITO_TRY_ASSIGN(auto file, files_.open(path_of(place_of(key))));
  if (!file) return nullptr;
  return std::make_unique<DiskReader>(std::move(file));
}

namespace {

/// What a file name of ours stands for: its first 16 hexadecimal digits. Nothing: another file.
std::optional<std::uint64_t> fingerprint_of(std::string_view name) {
  constexpr std::size_t kName = 64;
  constexpr std::size_t kDigits = 16;
  constexpr int kHexadecimal = 16;
  std::uint64_t value = 0;
  if (name.size() != kName) return std::nullopt;
  const auto digits = name.substr(0, kDigits);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, kHexadecimal);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

bool is_directory_name(std::string_view name) {
  constexpr std::string_view kHex = "0123456789abcdef";
  return name.size() == 2 && name.find_first_not_of(kHex) == std::string_view::npos;
}

}  // namespace

std::uint64_t DiskObjectStore::fingerprint(const ObjectKey& key) const {
  return fingerprint_of(place_of(key).name).value_or(0);
}

// The file is taken out of its place first: whoever writes an object of that name meanwhile makes a new file. One that
// was written since it was looked at goes back.
Result<bool> DiskObjectStore::remove_if_old(const Path& path, Timestamp before) {
  MITO_TRY_ASSIGN(const auto written, files_.written_at(path));
  if (!written || *written >= before) return false;
  const auto aside = temporary_directory() / fmt::format("sweep-{}", ++last_upload_);
  MITO_TRY(files_.rename(path, aside));
  MITO_TRY_ASSIGN(const auto moved, files_.written_at(aside));
  if (moved && *moved >= before) {
    MITO_TRY(files_.rename(aside, path));
    return false;
  }
  MITO_TRY(files_.remove(aside));
  return true;
}

Result<std::uint64_t> DiskObjectStore::sweep_directory(const Path& path, std::span<const std::uint64_t> known,
                                                       Timestamp before) {
  std::uint64_t removed = 0;
  MITO_TRY_ASSIGN(const auto names, files_.list(path));
  for (const auto& name : names) {
    const auto print = fingerprint_of(name);
    if (!print || std::ranges::binary_search(known, *print)) continue;
    MITO_TRY_ASSIGN(const bool old, remove_if_old(path / name, before));
    removed += old ? 1 : 0;
  }
  if (removed != 0) MITO_TRY(files_.sync_directory(path));
  return removed;
}

Result<std::uint64_t> DiskObjectStore::sweep(std::span<const std::uint64_t> known, Timestamp before,
                                             const std::stop_token& stop) {
  std::uint64_t removed = 0;
  MITO_TRY_ASSIGN(const auto firsts, files_.list(settings_.root));
  for (const auto& first : firsts) {
    if (!is_directory_name(first)) continue;
    MITO_TRY_ASSIGN(const auto seconds, files_.list(settings_.root / first));
    for (const auto& second : seconds) {
      if (stop.stop_requested()) return removed;
      if (!is_directory_name(second)) continue;
      MITO_TRY_ASSIGN(const std::uint64_t count, sweep_directory(settings_.root / first / second, known, before));
      removed += count;
    }
  }
  return removed;
}

}  // namespace mito::storage
