#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "coordinator/context.h"
#include "http/server.h"
#include "security/password.h"
#include "storage/database/rows.h"

namespace mito::coordinator {

/// Argon2id on a password thread, in turn with others; kTooManyRequests when too many wait.
http::Awaitable<Result<std::string>> hash_password(Context& context, security::PasswordDigest digest);
/// Whether this is the password of `username`, which is stored as `phc`. Without `phc` there is no such user: takes as
/// long, and answers false. kTooManyRequests when too many wait, or when too many were wrong of late for this user or
/// from this address; Context::retry_after then says how long.
http::Awaitable<Result<bool>> verify_password(Context& context, std::string username, security::PasswordDigest digest,
                                              std::optional<std::string> phc);

/// A new `auth_signature`: random, never 0, below 2^32.
std::int64_t new_signature();
/// Enters a sign-in from `address` at `now`; what was current becomes last.
void enter_sign_in(storage::User& user, std::string_view address, Timestamp now);
/// A bearer token for the user as he is now.
std::string user_token(const Services& services, const storage::User& user);

}  // namespace mito::coordinator
