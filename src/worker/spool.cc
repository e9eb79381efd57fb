#include "worker/spool.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/logging.h"
#include "protocol/codec.h"
#include "worker/archive.h"
#include "worker/work_directory.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
constexpr auto kUndeliveredLife = std::chrono::days{7};
constexpr std::chrono::seconds kHalfMadeLife{3'600};
constexpr std::size_t kHeaderBytes = 11;  // `0000000123\n`: how long the record is; 0: there is none
constexpr std::size_t kMaxRecordBytes = 16 << 20;

std::unexpected<Error> io_error(std::string_view what, const std::filesystem::path& path) {
  return fail(ErrorCode::kIo, fmt::format("cannot {} {}: {}; check the work directory (--work-dir)", what,
                                          path.native(), std::strerror(errno)));
}

Result<void> make_private_directory(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return io_error("create the directory", path);
  return {};
}

bool write_all(int fd, std::string_view text, off_t at) {
  while (!text.empty()) {
    const ssize_t written = pwrite(fd, text.data(), text.size(), at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
    at += written;
  }
  return true;
}

std::optional<std::string> read_all(int fd) {
  std::string text;
  std::array<char, 64 << 10> buffer;
  for (;;) {
    const ssize_t got = pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || text.size() > kMaxRecordBytes) return std::nullopt;
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

bool sync_path(const std::filesystem::path& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return file && fsync(file.get()) == 0;
}

/// Opens what a task's record is in; made if it is not there.
Descriptor open_record(const std::filesystem::path& directory) {
  return Descriptor(open((directory / "result").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
}

std::optional<SpooledResult> read_record(int fd) {
  const auto text = read_all(fd);
  if (!text || text->size() < kHeaderBytes) return std::nullopt;
  std::size_t length = 0;
  for (const char digit : text->substr(0, kHeaderBytes - 1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    length = length * 10 + static_cast<std::size_t>(digit - '0');
  }
  if (length == 0 || length > text->size() - kHeaderBytes) return std::nullopt;
  return decode_result(std::string_view(*text).substr(kHeaderBytes, length));
}

std::string member_text(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// Names in a directory.
std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  DIR* handle = opendir(directory.c_str());
  if (handle == nullptr) return names;
  while (const dirent* entry = readdir(handle))
    if (const std::string_view name(&entry->d_name[0]); name != "." && name != "..") names.emplace_back(name);
  closedir(handle);
  return names;
}

std::string encode_registration(const Session& session, const HostIdentity& host, const std::string& coordinator) {
  const protocol::RegisterWorkerResp answer{
      .worker_id = session.uuid,
      .token = session.token,
      .redis_url = session.redis_url,
      .features = session.features.any ? std::optional(session.feature_names) : std::nullopt};
  boost::json::object object;
  object["host"] = host.host;
  object["boot"] = host.boot;
  object["pid"] = getpid();
  object["coordinator"] = coordinator;
  object["registered_at"] = session.registered_at.time_since_epoch().count();
  object["registration"] = protocol::encode(answer);
  return boost::json::serialize(object);
}

}  // namespace

std::string encode_result(const SpooledResult& result) {
  const protocol::ReportTaskReq report{
      result.id, protocol::CompleteOp{.exit_status = result.exit_status,
                                      .msg = result.message,
                                      .state = result.state,
                                      .next = false,
                                      .detail = protocol::RawObject{protocol::encode(result.detail)}}};
  std::string archives;
  for (const auto& archive : result.archives)
    archives += fmt::format(R"({}{{"type":"{}","size":{},"md5":"{}"}})", archives.empty() ? "" : ",",
                            to_string(archive.type), archive.size, archive.md5);
  std::string text = R"({"task":")" + result.task.to_string();
  text.append(R"(","report":)").append(protocol::encode(report));
  text.append(R"(,"new_task":)").append(result.new_task ? protocol::encode(*result.new_task) : "null");
  return text.append(R"(,"archives":[)").append(archives).append("]}");
}

std::optional<SpooledResult> decode_result(std::string_view text) {
  boost::system::error_code error;
  const auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& object = value.as_object();
  const auto task = Uuid::parse(member_text(object, "task"));
  const auto* report_value = object.if_contains("report");
  const auto* archives = object.if_contains("archives");
  if (!task || report_value == nullptr || archives == nullptr || !archives->is_array()) return std::nullopt;
  const auto report = protocol::decode<protocol::ReportTaskReq>(boost::json::serialize(*report_value));
  if (!report) return std::nullopt;
  const auto* complete = std::get_if<protocol::CompleteOp>(&report->op);
  if (complete == nullptr) return std::nullopt;
  SpooledResult result{.task = TaskUuid{*task},
                       .id = report->id,
                       .state = complete->state,
                       .exit_status = complete->exit_status,
                       .message = complete->msg,
                       .detail = {},
                       .new_task = std::nullopt,
                       .archives = {}};
  if (complete->detail)
    if (auto detail = protocol::decode<protocol::TaskDetail>(complete->detail->text))
      result.detail = std::move(*detail);
  if (const auto* child = object.if_contains("new_task"); child != nullptr && child->is_object())
    if (auto decoded = protocol::decode<protocol::SubmitTaskReq>(boost::json::serialize(*child)))
      result.new_task = std::move(*decoded);
  for (const auto& entry : archives->as_array()) {
    if (!entry.is_object()) return std::nullopt;
    const auto& archive = entry.as_object();
    const auto type = parse_enum<ArtifactContentType>(member_text(archive, "type"));
    const auto* size = archive.if_contains("size");
    if (!type || size == nullptr || !size->is_int64() || size->as_int64() < 0) return std::nullopt;
    result.archives.push_back({*type, static_cast<std::uint64_t>(size->as_int64()), member_text(archive, "md5")});
  }
  return result;
}

SpoolEntry::SpoolEntry(std::filesystem::path directory, std::filesystem::path undelivered, Descriptor registration,
                       Descriptor record)
    : directory_(std::move(directory)),
      undelivered_(std::move(undelivered)),
      registration_(std::move(registration)),
      record_(std::move(record)) {}

SpoolEntry::~SpoolEntry() {
  if (remove_ && !remove_tree(directory_)) kLog.warn("The directory {} could not be removed", directory_.native());
}

std::filesystem::path SpoolEntry::archive(ArtifactContentType type) const {
  return directory_ / file_name(type);
}

std::filesystem::path SpoolEntry::new_archive(ArtifactContentType type) {
  dirty_ = true;
  return archive(type);
}

Result<void> SpoolEntry::keep(const SpooledResult& result) {
  auto text = encode_result(result);
  text.insert(0, fmt::format("{:010}\n", text.size()));
  if (!write_all(record_.get(), text, 0)) return io_error("write", directory_ / "result");
  kept_ = result;
  return {};
}

Result<void> SpoolEntry::sync() {
  if (kept_)
    for (const auto& archived : kept_->archives)
      if (!sync_path(archive(archived.type))) return io_error("write", archive(archived.type));
  if (fdatasync(record_.get()) != 0) return io_error("write", directory_ / "result");
  if (!sync_path(directory_)) return io_error("write", directory_);
  return {};
}

void SpoolEntry::forget() {
  if (kept_ && !write_all(record_.get(), "0000000000\n", 0))
    kLog.warn("The record {} could not be emptied: {}", (directory_ / "result").native(), std::strerror(errno));
  kept_.reset();
  if (!std::exchange(dirty_, false)) return;
  for (const auto type : {ArtifactContentType::kResult, ArtifactContentType::kExecLog, ArtifactContentType::kStdLog})
    unlink(archive(type).c_str());
  unlink(stdout_file().c_str());
  unlink(stderr_file().c_str());
}

void SpoolEntry::set_aside(std::string_view why) {
  if (!kept_) return;
  const auto now = Clock::system().now().time_since_epoch().count();
  const auto place = undelivered_ / fmt::format("{}.{}", kept_->task.to_string(), now);
  auto made = make_private_directory(place);
  if (made) {
    for (const auto& archived : kept_->archives) {
      const auto file = archive(archived.type);
      if (rename(file.c_str(), (place / file.filename()).c_str()) != 0)
        kLog.error("{} could not be moved to {}: {}", file.native(), place.native(), std::strerror(errno));
    }
    const Descriptor record(open((place / "result.json").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    auto text = encode_result(*kept_);
    text.insert(1, fmt::format(R"("worker":"{}","why":{},)", directory_.filename().native(),
                               boost::json::serialize(boost::json::string_view(why.data(), why.size()))));
    if (!record || !write_all(record.get(), text + "\n", 0) || fsync(record.get()) != 0)
      made = io_error("write", place / "result.json");
  }
  if (made)
    kLog.warn("The result of task {} was not delivered: {}. It is kept in {} for 7 days", kept_->task.to_string(), why,
              place.native());
  else
    kLog.error("The result of task {} was not delivered ({}) and cannot be kept: {}", kept_->task.to_string(), why,
               made.error().text());
  forget();
}

Spool::Spool(std::filesystem::path work_directory, HostIdentity host, std::string coordinator)
    : entries_(work_directory / "spool"),
      undelivered_(work_directory / "undelivered"),
      host_(std::move(host)),
      coordinator_(std::move(coordinator)) {}

Result<Spool> Spool::open(const std::filesystem::path& work_directory, HostIdentity host, std::string coordinator) {
  Spool spool(work_directory, std::move(host), std::move(coordinator));
  MITO_TRY(make_private_directory(spool.entries_));
  MITO_TRY(make_private_directory(spool.undelivered_));
  return spool;
}

Result<std::unique_ptr<SpoolEntry>> Spool::create(const Session& session) const {
  const auto directory = entries_ / session.uuid.to_string();
  MITO_TRY(make_private_directory(directory));
  // Locked and complete before it gets its name: whoever finds the name finds the lock.
  const auto fresh = directory / "registration.new";
  Descriptor registration(::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!registration) return io_error("create", fresh);
  if (flock(registration.get(), LOCK_EX | LOCK_NB) != 0) return io_error("lock", fresh);
  if (!write_all(registration.get(), encode_registration(session, host_, coordinator_), 0) ||
      fsync(registration.get()) != 0)
    return io_error("write", fresh);
  auto record = open_record(directory);
  if (!record) return io_error("create", directory / "result");
  constexpr off_t kRoom = 4'096;  // most records fit in, also when the disk is full by then
  [[maybe_unused]] const int reserved = posix_fallocate(record.get(), 0, kRoom);
  if (rename(fresh.c_str(), (directory / "registration.json").c_str()) != 0 || !sync_path(directory) ||
      !sync_path(entries_))
    return io_error("write", directory);
  return std::unique_ptr<SpoolEntry>(
      new SpoolEntry(directory, undelivered_, std::move(registration), std::move(record)));
}

std::optional<Spool::Found> Spool::take(const std::filesystem::path& directory) const {
  const auto file = directory / "registration.json";
  Descriptor registration(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!registration || flock(registration.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  // The entry may have been removed by its owner between the two.
  if (struct stat stat{}; fstat(registration.get(), &stat) != 0 || stat.st_nlink == 0) return std::nullopt;
  const auto text = read_all(registration.get());
  boost::system::error_code error;
  const auto value = boost::json::parse(text.value_or(""), error);
  const auto* object = error ? nullptr : value.if_object();
  const auto answer =
      object == nullptr
          ? std::nullopt
          : std::optional(protocol::decode<protocol::RegisterWorkerResp>(member_text(*object, "registration")));
  if (!answer || !*answer) {
    kLog.warn("{} is not what a worker writes and is left alone", file.native());
    return std::nullopt;
  }
  if (member_text(*object, "host") != host_.host) return std::nullopt;
  if (const auto coordinator = member_text(*object, "coordinator"); coordinator != coordinator_) {
    kLog.info("{} belongs to a worker that has ended, of the coordinator {}; a worker of that coordinator takes it up",
              directory.native(), coordinator);
    return std::nullopt;
  }
  const auto* at = object->if_contains("registered_at");
  const Timestamp registered{std::chrono::microseconds{at != nullptr && at->is_int64() ? at->as_int64() : 0}};
  auto record = open_record(directory);
  if (!record) return std::nullopt;
  Found found{.entry = nullptr, .session = std::make_unique<Session>(**answer, registered), .result = std::nullopt};
  found.result = read_record(record.get());
  found.entry.reset(new SpoolEntry(directory, undelivered_, std::move(registration), std::move(record)));
  found.entry->kept_ = found.result;
  found.entry->dirty_ = true;
  return found;
}

std::vector<Spool::Found> Spool::take_over() const {
  std::vector<Found> all;
  for (const auto& name : names_in(entries_)) {
    const auto directory = entries_ / name;
    struct stat stat{};
    // Left by a worker that died within create(): nothing is in it.
    if (access((directory / "registration.json").c_str(), F_OK) != 0 && errno == ENOENT) {
      if (lstat(directory.c_str(), &stat) == 0 && time(nullptr) - stat.st_mtim.tv_sec > kHalfMadeLife.count())
        remove_tree(directory);
      continue;
    }
    if (auto found = take(directory)) all.push_back(std::move(*found));
  }
  return all;
}

void Spool::clean_undelivered(Timestamp now) const {
  for (const auto& name : names_in(undelivered_)) {
    struct stat stat{};
    const auto path = undelivered_ / name;
    if (lstat(path.c_str(), &stat) != 0 || !S_ISDIR(stat.st_mode)) continue;
    if (now - Timestamp{std::chrono::seconds{stat.st_mtim.tv_sec}} < kUndeliveredLife) continue;
    kLog.info("Removing {}, which nobody has looked after for 7 days", path.native());
    remove_tree(path);
  }
}

}  // namespace mito::worker
