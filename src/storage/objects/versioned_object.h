#pragma once

#include <string>

namespace mito::storage {

/// What an ObjectReader also is when it can tell its bytes from other ones under the same key. Any thread.
class VersionedObject {
 public:
  virtual ~VersionedObject() = default;
  /// The MD5 digest of the object in hexadecimal digits, or another text that changes with its bytes; empty: unknown.
  [[nodiscard]] virtual std::string version() const = 0;
};

}  // namespace mito::storage
