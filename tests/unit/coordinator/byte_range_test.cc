#include "coordinator/byte_range.h"

#include <ostream>
#include <string>

#include <gtest/gtest.h>

namespace mito::coordinator {
namespace {

using Kind = RequestedRange::Kind;

struct Case {
  std::string header;
  std::uint64_t size;
  RequestedRange expected;
  friend void PrintTo(const Case& value, std::ostream* out) { *out << "`" << value.header << "` of " << value.size; }
};

class ParseRange : public testing::TestWithParam<Case> {};

TEST_P(ParseRange, Reads) {
  EXPECT_EQ(parse_range(GetParam().header, GetParam().size), GetParam().expected);
}

RequestedRange whole(std::uint64_t size) {
  return {.kind = Kind::kWhole, .range = {0, size}};
}
RequestedRange part(std::uint64_t first, std::uint64_t length) {
  return {.kind = Kind::kPart, .range = {first, length}};
}
RequestedRange none() {
  return {.kind = Kind::kUnsatisfiable, .range = {}};
}

INSTANTIATE_TEST_SUITE_P(
    Table, ParseRange,
    testing::Values(Case{"", 10, whole(10)}, Case{"bytes=0-9", 10, part(0, 10)}, Case{"bytes=1-1", 10, part(1, 1)},
                    Case{"bytes=3-", 10, part(3, 7)}, Case{"bytes=-4", 10, part(6, 4)},
                    Case{"bytes=-40", 10, part(0, 10)}, Case{"bytes=5-400", 10, part(5, 5)},
                    Case{"bytes=9-", 10, part(9, 1)}, Case{"bytes=10-", 10, none()}, Case{"bytes=10-12", 10, none()},
                    Case{"bytes=-0", 10, none()}, Case{"bytes=0-", 0, none()}, Case{"bytes=-5", 0, none()},
                    Case{"bytes=5-3", 10, whole(10)}, Case{"bytes=", 10, whole(10)}, Case{"bytes=-", 10, whole(10)},
                    Case{"bytes=a-b", 10, whole(10)}, Case{"bytes=1-b", 10, whole(10)},
                    Case{"bytes=0-1,3-4", 10, whole(10)}, Case{"lines=0-1", 10, whole(10)},
                    Case{"bytes= 0-1", 10, whole(10)}, Case{"bytes=99999999999999999999-", 10, whole(10)},
                    Case{"bytes=0-18446744073709551615", 10, part(0, 10)}));

}  // namespace
}  // namespace mito::coordinator
