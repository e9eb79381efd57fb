#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "client/checksum.h"
#include "client/client.h"
#include "client/credential_lines.h"
#include "http/client.h"

// Downloads that survive a broken connection. The bytes go to a hidden file beside the target; a second one says of
// what they are the beginning (URL without its signature, entity tag), so that a later call can go on behind them, and
// only behind them: the request says `If-Range`.
namespace mito::client {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr int kTriesWithoutProgress = 5;
constexpr milliseconds kFirstPause(200);

/// A beginning of a file, and what it is the beginning of.
class PartialFile {
 public:
  PartialFile(const fs::path& target, const std::string& url)
      : path_(target.parent_path() / fmt::format(".{}.part", target.filename().string().substr(0, 200))),
        note_(path_.string() + "-of"),
        source_(url.substr(0, url.find('?'))) {
    const auto lines = read_lines(note_);
    std::error_code error;
    if (lines && lines->size() == 2 && lines->front() == source_ && fs::exists(path_, error)) {
      tag_ = lines->back();
    } else {
      drop();
    }
  }

  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] const std::string& tag() const { return tag_; }
  [[nodiscard]] std::uint64_t size() const {
    std::error_code error;
    const auto size = fs::file_size(path_, error);
    return error ? 0 : size;
  }
  /// What comes now is of this version. Without a tag it could not be continued.
  void set_tag(std::string tag) {
    if (tag == tag_) return;
    tag_ = std::move(tag);
    std::error_code ignored;
    fs::remove(note_, ignored);
    if (!tag_.empty()) std::ofstream(note_) << source_ << '\n' << tag_ << '\n';
  }
  void drop() {
    std::error_code ignored;
    fs::remove(path_, ignored);
    fs::remove(note_, ignored);
    tag_.clear();
  }
  Result<void> become(const fs::path& target) {
    std::error_code error;
    fs::rename(path_, target, error);
    if (!error) fs::remove(note_, error);
    if (error) return fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", target.string(), error.message()));
    return {};
  }

 private:
  fs::path path_;
  fs::path note_;
  std::string source_;
  std::string tag_;
};

Result<void> prepare(const fs::path& target) {
  std::error_code error;
  if (target.has_parent_path()) fs::create_directories(target.parent_path(), error);
  if (error)
    return fail(ErrorCode::kIo,
                fmt::format("cannot make the directory {}: {}", target.parent_path().string(), error.message()));
  const auto there = fs::status(target, error);
  if (fs::is_directory(there)) return fail(ErrorCode::kIo, fmt::format("{} is a directory", target.string()));
  // What is there is replaced by a rename: a device or a pipe would be lost.
  if (fs::exists(there) && !fs::is_regular_file(there))
    return fail(ErrorCode::kIo, fmt::format("{} is not a regular file; name a file to write to", target.string()));
  return {};
}

bool may_go_on(ErrorCode code) {
  return code == ErrorCode::kProtocol || code == ErrorCode::kTimeout || code == ErrorCode::kUnreachable;
}

void pause(milliseconds length, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, length, [] { return false; });
}

/// Size and checksum, as far as the server told them.
Result<void> verify(const PartialFile& part, const http::ClientResponse& response, const fs::path& target) {
  const auto* announced = response.headers.find("Content-Length");
  if (announced != nullptr && std::to_string(response.bytes_received) != *announced)
    return fail(ErrorCode::kProtocol, fmt::format("{} is incomplete: {} of {} bytes came", target.string(),
                                                  response.bytes_received, *announced));
  const auto* range = response.headers.find("Content-Range");
  const auto slash = range == nullptr ? std::string::npos : range->find('/');
  if (slash != std::string::npos && range->substr(slash + 1) != std::to_string(part.size()))
    return fail(ErrorCode::kProtocol, fmt::format("{} is incomplete: it has {} of {} bytes", target.string(),
                                                  part.size(), range->substr(slash + 1)));
  const std::string wanted = md5_of_tag(part.tag());
  if (wanted.empty()) return {};
  MITO_TRY_ASSIGN(const auto found, md5_of_file(part.path()));
  if (found != wanted)
    return fail(ErrorCode::kProtocol, fmt::format("{} was damaged on its way: its checksum is {} instead of {}",
                                                  target.string(), found, wanted));
  return {};
}

}  // namespace

Result<Download> Client::download(const std::string& url, const fs::path& target, const Progress& progress,
                                  std::stop_token stop) const {
  MITO_TRY(prepare(target));
  PartialFile part(target, url);
  milliseconds rest = kFirstPause;
  for (int tries = 0;;) {
    const std::uint64_t before = part.tag().empty() ? 0 : part.size();
    http::ClientRequest request;
    request.url = url;
    request.download_file = part.path().string();
    request.resume_from = before;
    if (before > 0) request.headers.add("If-Range", part.tag());
    request.progress = progress;
    request.on_head = [&part](const http::Headers& headers) {
      const auto* tag = headers.find("ETag");
      part.set_tag(tag == nullptr ? std::string() : *tag);
    };
    auto response = transport_->send_and_wait(std::move(request), stop);
    if (response && response->status / 100 == 2) {
      auto sound = verify(part, *response, target);
      if (sound) {
        const std::uint64_t size = part.size();
        MITO_TRY(part.become(target));
        return Download{.path = target, .size = size};
      }
      response = fail(std::move(sound).error());
      part.drop();
    } else if (response) {
      part.drop();
      if (response->status != 416 || before == 0) return fail(error_of_answer(response->status, response->body));
      response = fail(ErrorCode::kProtocol, "the file became shorter on the server");
    }
    const bool has_moved = part.size() > before;
    tries = has_moved ? 0 : tries + 1;
    // Nobody could tell what it is the beginning of, or it is none, or it fills a volume that has no room for the rest.
    if (part.tag().empty() || part.size() == 0 || response.error().code() == ErrorCode::kIo) part.drop();
    if (!may_go_on(response.error().code()) || tries >= kTriesWithoutProgress || stop.stop_requested())
      return fail(std::move(response).error());
    if (!has_moved) {
      pause(rest, stop);
      rest *= 2;
    }
  }
}

}  // namespace mito::client
