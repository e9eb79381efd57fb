#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito::client {

/// Where a coordinator answers: scheme, host, port and an optional path prefix, as for one behind a proxy. There may be
/// several, where one coordinator stands by for another; copies share which of them is in use. Any thread.
class Address {
 public:
  /// `http://host:port/prefix`; without a scheme `http` is meant. Several are separated by commas, the one to begin
  /// with first. kUsage with a text that says what is allowed.
  static Result<Address> parse(std::string_view text);

  /// The absolute URL of a path that begins with `/`, at the address in use.
  [[nodiscard]] std::string url(std::string_view path) const;
  /// The first address, without a trailing slash: the name of this coordinator for credentials and the like.
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] std::size_t count() const;
  /// Nobody answered at `url`, one that url() gave: the same path at the next address, which is in use from now on.
  [[nodiscard]] std::string elsewhere(std::string_view url) const;
  /// Likewise, for a request that is not sent again.
  void leave(std::string_view url) const { static_cast<void>(elsewhere(url)); }

 private:
  struct Places;
  explicit Address(std::shared_ptr<Places> places) : places_(std::move(places)) {}
  std::shared_ptr<Places> places_;
};

}  // namespace mito::client
