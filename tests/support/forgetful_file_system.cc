#include "support/forgetful_file_system.h"

#include <algorithm>

namespace mito::testing {

namespace {

std::unexpected<Error> failed(const char* what, const storage::FileSystem::Path& path) {
  return fail(ErrorCode::kIo, std::string("Cannot ") + what + " " + path.string());
}

}  // namespace

class ForgetfulFile final : public storage::WritableFile, public storage::ReadableFile {
 public:
  ForgetfulFile(ForgetfulFileSystem& disk, ForgetfulFileSystem::NodePointer node)
      : disk_(disk), node_(std::move(node)) {}

  Result<void> write(std::string_view bytes) override {
    const std::scoped_lock lock(disk_.mutex_);
    MITO_TRY(disk_.operate());
    if (bytes.size() > disk_.capacity_ - std::min(disk_.capacity_, disk_.written_))
      return fail(ErrorCode::kStorageFull, "The disk is full");
    disk_.written_ += bytes.size();
    node_->bytes += bytes;
    node_->written = Clock::system().now();
    return {};
  }
  Result<void> sync() override {
    const std::scoped_lock lock(disk_.mutex_);
    MITO_TRY(disk_.operate());
    if (disk_.takes_effect()) node_->synced_bytes = node_->bytes;
    return {};
  }
  [[nodiscard]] std::uint64_t size() const override {
    const std::scoped_lock lock(disk_.mutex_);
    return node_->bytes.size();
  }
  Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t count) override {
    const std::scoped_lock lock(disk_.mutex_);
    return offset < node_->bytes.size() ? node_->bytes.copy(buffer, count, offset) : 0;
  }

 private:
  ForgetfulFileSystem& disk_;
  ForgetfulFileSystem::NodePointer node_;
};

ForgetfulFileSystem::ForgetfulFileSystem() : root_(std::make_shared<Node>()) {
  root_->is_directory = true;
}

Result<void> ForgetfulFileSystem::operate() {
  if (++operations_ >= broken_from_ && broken_from_ > 0) return fail(ErrorCode::kIo, "The disk is gone");
  return {};
}

ForgetfulFileSystem::NodePointer ForgetfulFileSystem::find(const Path& path) const {
  auto node = root_;
  for (const auto& part : path.relative_path()) {
    const auto next = node->names.find(part.string());
    if (next == node->names.end()) return nullptr;
    node = next->second;
  }
  return node;
}

Result<ForgetfulFileSystem::NodePointer> ForgetfulFileSystem::parent_of(const Path& path) const {
  auto parent = find(path.parent_path());
  if (!parent || !parent->is_directory) return failed("find the directory of", path);
  return parent;
}

Result<std::unique_ptr<storage::WritableFile>> ForgetfulFileSystem::create(const Path& path) {
  const std::scoped_lock lock(mutex_);
  MITO_TRY(operate());
  MITO_TRY_ASSIGN(const auto parent, parent_of(path));
  auto [place, is_new] = parent->names.try_emplace(path.filename().string(), std::make_shared<Node>());
  if (!is_new) return failed("create", path);
  return std::make_unique<ForgetfulFile>(*this, place->second);
}

Result<std::unique_ptr<storage::ReadableFile>> ForgetfulFileSystem::open(const Path& path) {
  const std::scoped_lock lock(mutex_);
  MITO_TRY(operate());
  auto node = find(path);
  if (!node) return nullptr;
  return std::make_unique<ForgetfulFile>(*this, std::move(node));
}

Result<void> ForgetfulFileSystem::rename(const Path& from, const Path& to) {
  const std::scoped_lock lock(mutex_);
  MITO_TRY(operate());
  MITO_TRY_ASSIGN(const auto old_parent, parent_of(from));
  MITO_TRY_ASSIGN(const auto new_parent, parent_of(to));
  const auto found = old_parent->names.find(from.filename().string());
  if (found == old_parent->names.end()) return failed("rename", from);
  auto node = found->second;
  old_parent->names.erase(found);
  new_parent->names[to.filename().string()] = std::move(node);
  return {};
}

Result<bool> ForgetfulFileSystem::remove(const Path& path) {
  const std::scoped_lock lock(mutex_);
  MITO_TRY(operate());
  const auto parent = find(path.parent_path());
  return parent && parent->names.erase(path.filename().string()) > 0;
}

Result<bool> ForgetfulFileSystem::make_directory(const Path& path) {
  const std::scoped_lock lock(mutex_);
  MITO_TRY(operate());
  MITO_TRY_ASSIGN(const auto parent, parent_of(path));
  auto [place, is_new] = parent->names.try_emplace(path.filename().string(), std::make_shared<Node>());
  if (is_new) place->second->is_directory = true;
  return is_new;
}

Result<void> ForgetfulFileSystem::sync_directory(const Path& path) {
  const std::scoped_lock lock(mutex_);
  MITO_TRY(operate());
  const auto node = find(path);
  if (!node || !node->is_directory) return failed("sync", path);
  if (takes_effect()) node->synced_names = node->names;
  return {};
}

Result<std::vector<std::string>> ForgetfulFileSystem::list(const Path& path) {
  const std::scoped_lock lock(mutex_);
  MITO_TRY(operate());
  const auto node = find(path);
  if (!node) return failed("list", path);
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names)
    names.push_back(name);
  return names;
}

Result<std::optional<Timestamp>> ForgetfulFileSystem::written_at(const Path& path) {
  const std::scoped_lock lock(mutex_);
  const auto node = find(path);
  if (!node) return std::nullopt;
  return node->written;
}

Result<std::uint64_t> ForgetfulFileSystem::free_space(const Path&) {
  const std::scoped_lock lock(mutex_);
  return capacity_ - std::min(capacity_, written_);
}

void ForgetfulFileSystem::forget(Node& node) {
  node.bytes = node.synced_bytes;
  node.names = node.synced_names;
  for (const auto& [name, child] : node.names)
    forget(*child);
}

// Makes some of what was not synced count as synced.
void ForgetfulFileSystem::spare_some(Node& node, std::mt19937_64& random) {
  const std::size_t more = node.bytes.size() - std::min(node.synced_bytes.size(), node.bytes.size());
  node.synced_bytes = node.bytes.substr(0, node.bytes.size() - more + random() % (more + 1));
  const auto lucky = [&] { return (random() & 1U) != 0; };
  for (const auto& [name, child] : node.names)
    if (!node.synced_names.contains(name) || node.synced_names[name] != child)
      if (lucky()) node.synced_names[name] = child;
  std::erase_if(node.synced_names, [&](const auto& entry) { return !node.names.contains(entry.first) && lucky(); });
  for (const auto& [name, child] : node.synced_names)
    spare_some(*child, random);
}

void ForgetfulFileSystem::crash_with_luck(std::uint64_t seed) {
  const std::scoped_lock lock(mutex_);
  std::mt19937_64 random(seed);
  spare_some(*root_, random);
  forget(*root_);
  broken_from_ = 0;
}

void ForgetfulFileSystem::crash() {
  const std::scoped_lock lock(mutex_);
  forget(*root_);
  broken_from_ = 0;
}

void ForgetfulFileSystem::collect(const Node& node, const std::string& path, std::vector<std::string>& out) {
  for (const auto& [name, child] : node.names) {
    auto below = path;
    below += '/';
    below += name;
    if (!child->is_directory) out.push_back(below);
    collect(*child, below, out);
  }
}

std::vector<std::string> ForgetfulFileSystem::files() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> out;
  collect(*root_, "", out);
  return out;
}

}  // namespace mito::testing
