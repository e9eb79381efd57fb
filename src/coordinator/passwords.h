#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "coordinator/services.h"
#include "http/server.h"
#include "security/password.h"
#include "storage/database/rows.h"

namespace mito::coordinator {

/// Argon2id on a password thread; kTooManyRequests when too many wait.
http::Awaitable<Result<std::string>> hash_password(Services& services, security::PasswordDigest digest);
http::Awaitable<Result<bool>> verify_password(Services& services, security::PasswordDigest digest, std::string phc);
/// Takes as long as verify_password and answers false: for names that do not exist, so that the time does not tell.
http::Awaitable<Result<bool>> verify_nothing(Services& services, security::PasswordDigest digest);

/// A new `auth_signature`: random, never 0, below 2^32.
std::int64_t new_signature();
/// Enters a sign-in from `address` at `now`; what was current becomes last.
void enter_sign_in(storage::User& user, std::string_view address, Timestamp now);
/// A bearer token for the user as he is now.
std::string user_token(const Services& services, const storage::User& user);

}  // namespace mito::coordinator
