#include "worker/output.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/size.h"

namespace mito::worker {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::size_t kDrainBytes = 4 << 20;  // then the caller looks at its other descriptors
// A pipe through which so much has gone gets room for more at once: fewer turns of the two processes.
constexpr std::uint64_t kMuchOutput = 16 << 20;
constexpr int kWidePipeBytes = 1 << 20;

std::unexpected<Error> file_error(const std::filesystem::path& file, std::string_view what) {
  return fail(ErrorCode::kIo, fmt::format("cannot {} {}: {}", what, file.native(), std::strerror(errno)));
}

}  // namespace

Result<OutputRing> OutputRing::open(const std::filesystem::path& file, std::uint64_t limit) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return file_error(file, "create");
  return OutputRing(descriptor, CapturedStream{.file = file, .limit = std::max<std::uint64_t>(limit, 1)});
}

OutputRing::OutputRing(OutputRing&& other) noexcept
    : file_(std::exchange(other.file_, -1)), widened_(other.widened_), stream_(std::move(other.stream_)) {}

OutputRing& OutputRing::operator=(OutputRing&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(widened_, other.widened_);
  std::swap(stream_, other.stream_);
  return *this;
}

OutputRing::~OutputRing() {
  if (file_ >= 0) close(file_);
}

bool OutputRing::drain(int pipe) {
  if (stream_.total >= kMuchOutput && !std::exchange(widened_, true))
    fcntl(pipe, F_SETPIPE_SZ, kWidePipeBytes);  // refused where the user has many pipes, which does no harm
  std::array<char, kPieceBytes> buffer;
  for (std::size_t moved = 0; moved < kDrainBytes;) {
    const ssize_t got = read(pipe, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    append({buffer.data(), static_cast<std::size_t>(got)});
    moved += static_cast<std::size_t>(got);
  }
  return true;
}

void OutputRing::append(std::string_view bytes) {
  while (!bytes.empty() && !stream_.failed) {
    const std::uint64_t at = stream_.total % stream_.limit;
    const auto piece = bytes.substr(0, std::min<std::uint64_t>(bytes.size(), stream_.limit - at));
    const ssize_t written = pwrite(file_, piece.data(), piece.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      stream_.failed = true;
      return;
    }
    stream_.total += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

Result<CapturedStream> write_stream(const std::filesystem::path& file, std::string_view text) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return file_error(file, "create");
  const ssize_t written = write(descriptor, text.data(), text.size());
  close(descriptor);
  if (written != static_cast<ssize_t>(text.size())) return file_error(file, "write");
  return CapturedStream{.file = file, .total = text.size(), .limit = std::max<std::uint64_t>(text.size(), 1)};
}

std::string cut_mark(const CapturedStream& stream) {
  if (stream.dropped() == 0) return {};
  return fmt::format("[the first {} ({} bytes) were cut off: the limit for output is {}]\n",
                     format_size(stream.dropped()), stream.dropped(), format_size(stream.limit));
}

std::uint64_t readable_size(const CapturedStream& stream) {
  return std::min(stream.total, stream.limit) + cut_mark(stream).size();
}

Result<void> read_stream(const CapturedStream& stream, const std::function<bool(std::string_view)>& sink) {
  const int file = ::open(stream.file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return file_error(stream.file, "open");
  const auto mark = cut_mark(stream);
  bool wanted = mark.empty() || sink(mark);
  const std::uint64_t kept = std::min(stream.total, stream.limit);
  const std::uint64_t start = stream.dropped() > 0 ? stream.total % stream.limit : 0;
  std::array<char, kPieceBytes> buffer;
  for (std::uint64_t done = 0; wanted && done < kept;) {
    const std::uint64_t at = (start + done) % stream.limit;
    const auto size = std::min<std::uint64_t>({buffer.size(), kept - done, stream.limit - at});
    const ssize_t got = pread(file, buffer.data(), size, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      if (got == 0) errno = EIO;  // shorter than what was written to it
      auto error = file_error(stream.file, "read");
      close(file);
      return error;
    }
    wanted = sink({buffer.data(), static_cast<std::size_t>(got)});
    done += static_cast<std::uint64_t>(got);
  }
  close(file);
  return {};
}

}  // namespace mito::worker
