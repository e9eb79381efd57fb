// Any text as a timestamp: a value that reads back from its own text, or nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto time = mito::parse_timestamp(text);
  if (time && mito::parse_timestamp(mito::format_timestamp(*time)) != *time) std::abort();
  return 0;
}
