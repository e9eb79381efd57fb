#pragma once

#include <string_view>

#include <openssl/crypto.h>

namespace mito::security {

/// Whether two secrets are equal, in a time that does not depend on where they differ.
inline bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace mito::security
