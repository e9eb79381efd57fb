#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/logging.h"

namespace mito::log {

/// Which lines pass, as RUST_LOG states it: directives `level`, `target` or `target=level`, separated by commas. A
/// directive holds for every target that begins with its own; of several the longest one decides. Immutable, any
/// thread.
class Filter {
 public:
  /// Nothing when the text is not such a list. An empty text lets errors through, as it does in the original.
  static std::optional<Filter> parse(std::string_view text);

  [[nodiscard]] bool accepts(Level level, std::string_view target) const;
  /// The lowest level that any target may pass with; kOff when nothing can.
  [[nodiscard]] Level lowest() const;

 private:
  struct Directive {
    std::string target;
    Level level;
  };
  void add(std::string target, Level level);

  /// Longest target first.
  std::vector<Directive> directives_;
};

}  // namespace mito::log
