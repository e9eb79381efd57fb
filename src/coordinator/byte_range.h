#pragma once

#include <cstdint>
#include <string_view>

namespace mito::coordinator {

/// Bytes of an object.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// What a Range header asks for.
struct RequestedRange {
  enum class Kind {
    kWhole,  ///< No header, or one that is to be ignored (RFC 9110 14.2: another unit, several ranges, nonsense).
    kPart,   ///< One range, cut to the object.
    kUnsatisfiable,  ///< It begins behind the end: 416.
  };
  Kind kind = Kind::kWhole;
  ByteRange range;
  friend bool operator==(const RequestedRange&, const RequestedRange&) = default;
};

/// `bytes=0-99`, `bytes=100-`, `bytes=-5` of an object of `size` bytes; an empty text stands for no header.
RequestedRange parse_range(std::string_view header, std::uint64_t size);

}  // namespace mito::coordinator
