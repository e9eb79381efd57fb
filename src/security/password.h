#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito::security {

/// The raw MD5 digest of a password: what the protocol calls `md5_password`.
using PasswordDigest = std::array<std::uint8_t, 16>;

PasswordDigest digest_password(std::string_view password);

/// PHC string `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>` of the 16 digest bytes with a random salt. Takes tens of
/// milliseconds and 19 MiB: never on an I/O thread.
Result<std::string> hash_password(const PasswordDigest& digest);
/// The same with a given salt, for test vectors.
Result<std::string> hash_password(const PasswordDigest& digest, std::string_view salt);

/// Whether `digest` is what `phc` was made of; algorithm, version and parameters are those of `phc`. kInternal when it
/// cannot be read.
Result<bool> verify_password(const PasswordDigest& digest, std::string_view phc);

}  // namespace mito::security
