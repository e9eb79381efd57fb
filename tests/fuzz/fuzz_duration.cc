// Any text as a duration: a value that reads back from its own text, or an error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/duration.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto duration = mito::Duration::parse(text);
  if (duration && mito::Duration::parse(duration->to_string()) != *duration) std::abort();
  return 0;
}
