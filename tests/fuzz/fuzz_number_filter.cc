// Any text as a number filter: one that accepts what its operator says, or an error in the original's words.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "domain/rules.h"

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Operator = mito::NumberFilter::Operator;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto filter = mito::NumberFilter::parse(text);
  if (!filter) {
    expect(filter.error().text().starts_with("Failed to parse number from "));
    return 0;
  }
  const std::int64_t value = filter->value;
  const bool takes_equal =
      filter->op == Operator::kEqual || filter->op == Operator::kLessEqual || filter->op == Operator::kGreaterEqual;
  expect(filter->accepts(value) == takes_equal);
  const bool takes_more =
      filter->op == Operator::kGreater || filter->op == Operator::kGreaterEqual || filter->op == Operator::kNotEqual;
  expect(filter->accepts(value + 1) == takes_more);
  return 0;
}
