#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mito::client {

/// Where a coordinator answers: scheme, host, port and an optional path prefix, as for one behind a proxy.
class Address {
 public:
  /// `http://host:port/prefix`; without a scheme `http` is meant. kUsage with a text that says what is allowed.
  static Result<Address> parse(std::string_view text);

  /// The absolute URL of a path that begins with `/`.
  [[nodiscard]] std::string url(std::string_view path) const { return base_ + std::string(path); }
  /// Without a trailing slash.
  [[nodiscard]] const std::string& text() const { return base_; }

 private:
  explicit Address(std::string base) : base_(std::move(base)) {}
  std::string base_;
};

}  // namespace mito::client
