#include "worker/output.h"

#include <array>
#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/worker/temporary_directory.h"

namespace mito::worker {
namespace {

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends.data(), O_NONBLOCK), 0); }
  ~Pipe() {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  void write(std::string_view text) const {
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close_writer() {
    close(ends[1]);
    ends[1] = -1;
  }
  std::array<int, 2> ends{};
};

std::string content(const CapturedStream& stream) {
  std::string text;
  EXPECT_TRUE(read_stream(stream, [&](std::string_view bytes) {
    text += bytes;
    return true;
  }));
  EXPECT_EQ(text.size(), readable_size(stream));
  return text;
}

TEST(OutputRing, KeepsEverythingBelowItsLimit) {
  const TemporaryDirectory directory;
  Pipe pipe;
  auto ring = OutputRing::open(directory.path() / "out", 10);
  ASSERT_TRUE(ring);
  EXPECT_TRUE(ring->drain(pipe.ends[0]));
  pipe.write("01234");
  EXPECT_TRUE(ring->drain(pipe.ends[0]));
  pipe.write("56789");
  pipe.close_writer();
  EXPECT_FALSE(ring->drain(pipe.ends[0]));
  EXPECT_EQ(ring->captured().dropped(), 0U);
  EXPECT_EQ(content(ring->captured()), "0123456789");
}

TEST(OutputRing, KeepsTheTailAndMarksTheCut) {
  const TemporaryDirectory directory;
  const Pipe pipe;
  auto ring = OutputRing::open(directory.path() / "out", 10);
  ASSERT_TRUE(ring);
  pipe.write("0123456789abcdefghijklm");
  EXPECT_TRUE(ring->drain(pipe.ends[0]));
  EXPECT_EQ(ring->captured().dropped(), 13U);
  EXPECT_EQ(std::filesystem::file_size(directory.path() / "out"), 10U);
  EXPECT_EQ(content(ring->captured()),
            "[the first 13 B (13 bytes) were cut off: the limit for output is 10 B]\ndefghijklm");
}

TEST(OutputRing, KeepsDrainingWhenTheDiskIsFull) {
  const Pipe pipe;
  auto ring = OutputRing::open("/dev/full", 10);
  ASSERT_TRUE(ring);
  pipe.write("text");
  EXPECT_TRUE(ring->drain(pipe.ends[0]));
  EXPECT_TRUE(ring->captured().failed);
  std::array<char, 8> rest{};
  EXPECT_EQ(::read(pipe.ends[0], rest.data(), rest.size()), -1);
}

TEST(WriteStream, ReadsBack) {
  const TemporaryDirectory directory;
  const auto stream = write_stream(directory.path() / "err", "no such program\n");
  ASSERT_TRUE(stream);
  EXPECT_EQ(content(*stream), "no such program\n");
  EXPECT_FALSE(write_stream(directory.path() / "none" / "err", "x"));
}

}  // namespace
}  // namespace mito::worker
