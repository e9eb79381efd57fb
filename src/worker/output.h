#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "worker/process.h"

namespace mito::worker {

/// Takes the output of a command from a pipe to a file that never grows over a limit: once full, the oldest bytes are
/// overwritten. One thread.
class OutputRing {
 public:
  /// Creates or empties the file. kIo when that is not possible.
  static Result<OutputRing> open(const std::filesystem::path& file, std::uint64_t limit);
  OutputRing(OutputRing&& other) noexcept;
  OutputRing& operator=(OutputRing&& other) noexcept;
  ~OutputRing();

  /// Moves what the non-blocking descriptor `pipe` holds now, at most some MiB. False at its end. When the file cannot
  /// be written the bytes are dropped, so that the command does not block, and the stream is marked as failed.
  bool drain(int pipe);
  /// What was captured up to now.
  [[nodiscard]] CapturedStream captured() const { return stream_; }

 private:
  OutputRing(int file, CapturedStream stream) : file_(file), stream_(std::move(stream)) {}
  void append(std::string_view bytes);

  int file_ = -1;
  bool widened_ = false;  ///< The pipe was made larger, or could not be.
  CapturedStream stream_;
};

/// A stream that holds `text`, as if a command had written it.
Result<CapturedStream> write_stream(const std::filesystem::path& file, std::string_view text);

/// The line that stands in front of a stream that lost its beginning; empty when it did not.
std::string cut_mark(const CapturedStream& stream);
/// Bytes read_stream() gives: those kept, with the mark.
std::uint64_t readable_size(const CapturedStream& stream);
/// Gives the stream in order, oldest byte first, to `sink` in pieces; ends early when it answers false. kIo when the
/// file cannot be read.
Result<void> read_stream(const CapturedStream& stream, const std::function<bool(std::string_view)>& sink);

}  // namespace mito::worker
