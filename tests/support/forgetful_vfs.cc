#include "support/forgetful_vfs.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <thread>
#include <unistd.h>
#include <vector>

#include <sqlite3.h>

namespace mito::testing {
namespace {

constexpr std::size_t kSector = 512;
constexpr int kShmLocks = 8;

struct Handle;

/// A write, or a truncation, that was not synced.
struct Change {
  std::size_t offset = 0;
  std::string bytes;
  bool truncates = false;  ///< To `offset`.
};

void perform(const Change& change, std::string& bytes) {
  if (change.truncates) {
    bytes.resize(std::min(bytes.size(), change.offset));
    return;
  }
  if (bytes.size() < change.offset + change.bytes.size()) bytes.resize(change.offset + change.bytes.size());
  bytes.replace(change.offset, change.bytes.size(), change.bytes);
}

/// Memory that connections share beside a write-ahead log; gone with the last of them, as nothing in it needs to stay.
struct Shared {
  std::vector<std::unique_ptr<char[]>> regions;
  std::array<int, kShmLocks> readers{};
  std::array<Handle*, kShmLocks> owner{};
  int connections = 0;
};

struct Node {
  std::string bytes;
  std::string synced;
  std::vector<Change> changes;  ///< What is in `bytes` and not in `synced`.
  int readers = 0;
  Handle* reserved = nullptr;
  Handle* exclusive = nullptr;
  Shared shared;
};
using NodePointer = std::shared_ptr<Node>;
using Names = std::map<std::string, NodePointer>;

}  // namespace

struct ForgetfulVfs::Disk {
  explicit Disk(std::uint64_t seed) : random(seed) {}

  /// Counts a change or a sync; whether it may happen.
  bool operate() {
    if (cut_at && operations + 1 >= *cut_at) out = true;
    if (out) return false;
    ++operations;
    if (fail_at && operations >= *fail_at) {
      fail_at.reset();
      return false;
    }
    return true;
  }
  bool heeds(Sync kind) {
    ++syncs[static_cast<std::size_t>(kind)];
    return !ignored[static_cast<std::size_t>(kind)];
  }
  void sync_directory() {
    if (heeds(Sync::kDirectory)) synced_names = names;
  }
  bool lucky(Survivors survivors) { return survivors == Survivors::kEverything || (random() & 1U) != 0; }
  void settle(Node& node, Survivors survivors);
  Names surviving_names(Survivors survivors);

  sqlite3_vfs vfs{};
  sqlite3_vfs* before = nullptr;
  mutable std::mutex mutex;
  std::mt19937_64 random;
  Names names;
  Names synced_names;
  std::uint64_t life = 1;
  std::size_t operations = 0;
  std::optional<std::size_t> cut_at;
  std::optional<std::size_t> fail_at;
  bool out = false;
  std::array<bool, 4> ignored{};
  std::array<std::size_t, 4> syncs{};
};

// The new node is the only one that files opened from now on see; files of before keep the old one and get errors.
void ForgetfulVfs::Disk::settle(Node& node, Survivors survivors) {
  for (const Change& change : node.changes) {
    if (survivors == Survivors::kNothing || !lucky(survivors)) continue;
    if (survivors != Survivors::kTornWrites || change.truncates) {
      perform(change, node.synced);
      continue;
    }
    for (std::size_t at = 0; at < change.bytes.size();) {
      const std::size_t sector = std::min(kSector - (change.offset + at) % kSector, change.bytes.size() - at);
      if (lucky(survivors))
        perform({.offset = change.offset + at, .bytes = change.bytes.substr(at, sector)}, node.synced);
      at += sector;
    }
  }
  node.changes.clear();
  node.bytes = node.synced;
}

Names ForgetfulVfs::Disk::surviving_names(Survivors survivors) {
  if (survivors == Survivors::kNothing) return synced_names;
  Names result = synced_names;
  for (const auto& [name, node] : names)
    if (const auto known = synced_names.find(name);
        (known == synced_names.end() || known->second != node) && lucky(survivors))
      result[name] = node;
  for (const auto& [name, node] : synced_names)
    if (!names.contains(name) && lucky(survivors)) result.erase(name);
  return result;
}

namespace {

using Disk = ForgetfulVfs::Disk;
using Sync = ForgetfulVfs::Sync;

/// What SQLite knows as an open file. It allocates the memory and never destroys it: see close().
struct Handle {
  sqlite3_file base;
  Disk* disk;
  NodePointer* node;
  std::uint64_t life;
  Sync kind;
  bool syncs_directory;  ///< With its first sync, since it may have made the name.
  int lock;
  std::array<bool, kShmLocks> shm_shared;
  bool uses_shm;
};

Handle& handle_of(sqlite3_file* file) {
  return *reinterpret_cast<Handle*>(file);
}
Disk& disk_of(sqlite3_vfs* vfs) {
  return *static_cast<Disk*>(vfs->pAppData);
}
bool is_dead(const Handle& handle) {
  return handle.life != handle.disk->life;
}

// --- Locks ---

int lock(sqlite3_file* file, int level) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  Node& node = **handle.node;
  if (handle.lock >= level) return SQLITE_OK;
  if (node.exclusive != nullptr && node.exclusive != &handle) return SQLITE_BUSY;
  if (handle.lock == SQLITE_LOCK_NONE) ++node.readers;
  if (level >= SQLITE_LOCK_RESERVED) {
    if (node.reserved != nullptr && node.reserved != &handle) {
      if (handle.lock == SQLITE_LOCK_NONE) --node.readers;
      return SQLITE_BUSY;
    }
    node.reserved = &handle;
  }
  handle.lock = std::max(handle.lock, std::min(level, SQLITE_LOCK_RESERVED));
  if (level < SQLITE_LOCK_PENDING) return SQLITE_OK;
  node.exclusive = &handle;  // Nobody new may read.
  handle.lock = SQLITE_LOCK_PENDING;
  if (node.readers > 1) return SQLITE_BUSY;
  handle.lock = SQLITE_LOCK_EXCLUSIVE;
  return SQLITE_OK;
}

void unlock_to(Handle& handle, int level) {
  Node& node = **handle.node;
  if (handle.lock <= level) return;
  if (node.exclusive == &handle) node.exclusive = nullptr;
  if (node.reserved == &handle) node.reserved = nullptr;
  if (level == SQLITE_LOCK_NONE) --node.readers;
  handle.lock = level;
}

int unlock(sqlite3_file* file, int level) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  unlock_to(handle, level);
  return SQLITE_OK;
}

int check_reserved_lock(sqlite3_file* file, int* result) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  *result = (*handle.node)->reserved != nullptr ? 1 : 0;
  return SQLITE_OK;
}

// --- Shared memory ---

int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  *memory = nullptr;
  if (is_dead(handle)) return SQLITE_IOERR_SHMMAP;
  Shared& shared = (*handle.node)->shared;
  if (!handle.uses_shm) {
    handle.uses_shm = true;
    ++shared.connections;
  }
  const auto index = static_cast<std::size_t>(region);
  if (index >= shared.regions.size() && extend == 0) return SQLITE_OK;
  while (shared.regions.size() <= index)
    shared.regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
  *memory = shared.regions[index].get();
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  if (is_dead(handle)) return SQLITE_IOERR_SHMLOCK;
  Shared& shared = (*handle.node)->shared;
  const auto first = static_cast<std::size_t>(offset);
  const auto last = first + static_cast<std::size_t>(count);
  const bool is_shared = (flags & SQLITE_SHM_SHARED) != 0;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    for (auto i = first; i < last; ++i) {
      if (shared.owner[i] == &handle) shared.owner[i] = nullptr;
      if (handle.shm_shared[i]) --shared.readers[i];
      handle.shm_shared[i] = false;
    }
    return SQLITE_OK;
  }
  for (auto i = first; i < last; ++i) {
    if (shared.owner[i] != nullptr && shared.owner[i] != &handle) return SQLITE_BUSY;
    const int others = shared.readers[i] - (handle.shm_shared[i] ? 1 : 0);
    if (!is_shared && others > 0) return SQLITE_BUSY;
  }
  for (auto i = first; i < last; ++i) {
    if (!is_shared) {
      shared.owner[i] = &handle;
    } else if (!handle.shm_shared[i]) {
      handle.shm_shared[i] = true;
      ++shared.readers[i];
    }
  }
  return SQLITE_OK;
}

void shm_barrier(sqlite3_file* file) {
  const std::lock_guard guard(handle_of(file).disk->mutex);
}

void shm_leave(Handle& handle) {
  if (!handle.uses_shm) return;
  handle.uses_shm = false;
  Shared& shared = (*handle.node)->shared;
  for (std::size_t i = 0; i < kShmLocks; ++i) {
    if (shared.owner[i] == &handle) shared.owner[i] = nullptr;
    if (handle.shm_shared[i]) --shared.readers[i];
    handle.shm_shared[i] = false;
  }
  if (--shared.connections == 0) shared.regions.clear();
}

int shm_unmap(sqlite3_file* file, int) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  shm_leave(handle);
  return SQLITE_OK;
}

// --- Files ---

int close(sqlite3_file* file) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  shm_leave(handle);
  unlock_to(handle, SQLITE_LOCK_NONE);
  delete handle.node;
  handle.node = nullptr;
  return SQLITE_OK;
}

int read(sqlite3_file* file, void* buffer, int count, sqlite3_int64 offset) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  if (is_dead(handle)) return SQLITE_IOERR_READ;
  const std::string& bytes = (*handle.node)->bytes;
  const auto wanted = static_cast<std::size_t>(count);
  const auto at = std::min(static_cast<std::size_t>(offset), bytes.size());
  const std::size_t got = bytes.copy(static_cast<char*>(buffer), wanted, at);
  if (got == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(buffer) + got, 0, wanted - got);
  return SQLITE_IOERR_SHORT_READ;
}

int change(Handle& handle, Change change, int error) {
  const std::lock_guard guard(handle.disk->mutex);
  if (is_dead(handle) || !handle.disk->operate()) return error;
  Node& node = **handle.node;
  perform(change, node.bytes);
  node.changes.push_back(std::move(change));
  return SQLITE_OK;
}

int write(sqlite3_file* file, const void* data, int count, sqlite3_int64 offset) {
  return change(handle_of(file),
                {.offset = static_cast<std::size_t>(offset),
                 .bytes = std::string(static_cast<const char*>(data), static_cast<std::size_t>(count))},
                SQLITE_IOERR_WRITE);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  return change(handle_of(file), {.offset = static_cast<std::size_t>(size), .bytes = {}, .truncates = true},
                SQLITE_IOERR_TRUNCATE);
}

int sync(sqlite3_file* file, int) {
  Handle& handle = handle_of(file);
  Disk& disk = *handle.disk;
  const std::lock_guard guard(disk.mutex);
  if (is_dead(handle) || !disk.operate()) return SQLITE_IOERR_FSYNC;
  Node& node = **handle.node;
  if (disk.heeds(handle.kind)) {
    for (const Change& change : node.changes)
      perform(change, node.synced);
    node.changes.clear();
  }
  if (handle.syncs_directory) {
    handle.syncs_directory = false;
    if (!disk.operate()) return SQLITE_IOERR_DIR_FSYNC;
    disk.sync_directory();
  }
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  Handle& handle = handle_of(file);
  const std::lock_guard guard(handle.disk->mutex);
  *size = static_cast<sqlite3_int64>((*handle.node)->bytes.size());
  return is_dead(handle) ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
  return 4'096;
}
/// What SQLite assumes of the machine's disks, too: a write does not damage the bytes beside it.
int device_characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

const sqlite3_io_methods kMethods{2,
                                  close,
                                  read,
                                  write,
                                  truncate,
                                  sync,
                                  file_size,
                                  lock,
                                  unlock,
                                  check_reserved_lock,
                                  file_control,
                                  sector_size,
                                  device_characteristics,
                                  shm_map,
                                  shm_lock,
                                  shm_barrier,
                                  shm_unmap,
                                  nullptr,
                                  nullptr};

// --- The directory ---

Sync kind_of(int flags) {
  if ((flags & SQLITE_OPEN_WAL) != 0) return Sync::kLog;
  return (flags & SQLITE_OPEN_MAIN_DB) != 0 ? Sync::kDatabase : Sync::kJournal;
}

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  Disk& disk = disk_of(vfs);
  const std::lock_guard guard(disk.mutex);
  file->pMethods = nullptr;
  if (disk.out) return SQLITE_CANTOPEN;
  NodePointer node;
  if (name == nullptr) {
    node = std::make_shared<Node>();
  } else if (const auto known = disk.names.find(name); known != disk.names.end()) {
    node = known->second;
  } else {
    const bool may_make = (flags & SQLITE_OPEN_CREATE) != 0 || ::access(name, F_OK) == 0;
    if (!may_make || !disk.operate()) return SQLITE_CANTOPEN;
    node = disk.names.emplace(name, std::make_shared<Node>()).first->second;
  }
  const Sync kind = kind_of(flags);
  new (file) Handle{.base = {&kMethods},
                    .disk = &disk,
                    .node = new NodePointer(std::move(node)),
                    .life = disk.life,
                    .kind = kind,
                    .syncs_directory = name != nullptr&& kind != Sync::kDatabase && (flags & SQLITE_OPEN_CREATE) != 0,
                    .lock = SQLITE_LOCK_NONE,
                    .shm_shared = {},
                    .uses_shm = false};
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  Disk& disk = disk_of(vfs);
  const std::lock_guard guard(disk.mutex);
  if (!disk.operate()) return SQLITE_IOERR_DELETE;
  if (disk.names.erase(name) == 0) return SQLITE_IOERR_DELETE_NOENT;
  if (sync_directory == 0) return SQLITE_OK;
  if (!disk.operate()) return SQLITE_IOERR_DIR_FSYNC;
  disk.sync_directory();
  return SQLITE_OK;
}

int access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  Disk& disk = disk_of(vfs);
  const std::lock_guard guard(disk.mutex);
  const auto known = disk.names.find(name);
  const bool exists = known != disk.names.end();
  *result = exists && (flags != SQLITE_ACCESS_EXISTS || !known->second->bytes.empty()) ? 1 : 0;
  return disk.out ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

int full_path_name(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int count, char* out) {
  Disk& disk = disk_of(vfs);
  const std::lock_guard guard(disk.mutex);
  std::generate_n(out, count, [&] { return static_cast<char>(disk.random()); });
  return count;
}

int sleep(sqlite3_vfs*, int microseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
  return microseconds;
}

int current_time(sqlite3_vfs*, sqlite3_int64* milliseconds) {
  *milliseconds = 212'000'000'000'000;  // In Julian days; nobody asks for more than some time.
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

}  // namespace

ForgetfulVfs::ForgetfulVfs(std::uint64_t seed) : disk_(std::make_unique<Disk>(seed)) {
  sqlite3_initialize();
  disk_->before = sqlite3_vfs_find(nullptr);
  sqlite3_vfs& vfs = disk_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(Handle);
  vfs.mxPathname = 1'024;
  vfs.zName = "forgetful";
  vfs.pAppData = disk_.get();
  vfs.xOpen = open;
  vfs.xDelete = remove;
  vfs.xAccess = access;
  vfs.xFullPathname = full_path_name;
  vfs.xRandomness = randomness;
  vfs.xSleep = sleep;
  vfs.xCurrentTimeInt64 = current_time;
  vfs.xGetLastError = last_error;
  sqlite3_vfs_register(&vfs, 1);
  sqlite3_randomness(0, nullptr);  // Seeded anew, from here, when it is next asked for.
}

ForgetfulVfs::~ForgetfulVfs() {
  sqlite3_vfs_register(disk_->before, 1);
  sqlite3_vfs_unregister(&disk_->vfs);
  sqlite3_randomness(0, nullptr);
}

void ForgetfulVfs::crash(Survivors survivors) {
  const std::lock_guard guard(disk_->mutex);
  Names names = disk_->surviving_names(survivors);
  for (auto& [name, node] : names) {
    auto fresh = std::make_shared<Node>();
    fresh->bytes = node->bytes;
    fresh->synced = node->synced;
    fresh->changes = node->changes;
    disk_->settle(*fresh, survivors);
    node = std::move(fresh);
  }
  disk_->names = disk_->synced_names = std::move(names);
  ++disk_->life;
  disk_->out = false;
  disk_->cut_at.reset();
  disk_->fail_at.reset();
}

void ForgetfulVfs::cut_power_in(std::size_t operations) {
  const std::lock_guard guard(disk_->mutex);
  disk_->cut_at = disk_->operations + operations;
}

bool ForgetfulVfs::power_is_out() const {
  const std::lock_guard guard(disk_->mutex);
  return disk_->out;
}

void ForgetfulVfs::fail_in(std::size_t operations) {
  const std::lock_guard guard(disk_->mutex);
  disk_->fail_at = disk_->operations + operations;
}

void ForgetfulVfs::ignore(Sync kind) {
  const std::lock_guard guard(disk_->mutex);
  disk_->ignored[static_cast<std::size_t>(kind)] = true;
}

std::size_t ForgetfulVfs::syncs(Sync kind) const {
  const std::lock_guard guard(disk_->mutex);
  return disk_->syncs[static_cast<std::size_t>(kind)];
}

std::size_t ForgetfulVfs::operations() const {
  const std::lock_guard guard(disk_->mutex);
  return disk_->operations;
}

}  // namespace mito::testing
