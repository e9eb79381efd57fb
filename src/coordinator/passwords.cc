#include "coordinator/passwords.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "base/random.h"

namespace mito::coordinator {

http::Awaitable<Result<std::string>> hash_password(Services& services, security::PasswordDigest digest) {
  return run_on(services.password_threads, ErrorCode::kTooManyRequests,
                [digest](unsigned) { return security::hash_password(digest); });
}

http::Awaitable<Result<bool>> verify_password(Services& services, security::PasswordDigest digest, std::string phc) {
  return run_on(services.password_threads, ErrorCode::kTooManyRequests,
                [digest, phc = std::move(phc)](unsigned) { return security::verify_password(digest, phc); });
}

http::Awaitable<Result<bool>> verify_nothing(Services& services, security::PasswordDigest digest) {
  return run_on(services.password_threads, ErrorCode::kTooManyRequests, [digest](unsigned) -> Result<bool> {
    MITO_TRY(security::hash_password(digest));
    return false;
  });
}

std::int64_t new_signature() {
  std::uint32_t number = 0;
  while (number == 0) {
    const std::string bytes = random_bytes(sizeof number);
    std::memcpy(&number, bytes.data(), sizeof number);
  }
  return number;
}

void enter_sign_in(storage::User& user, std::string_view address, Timestamp now) {
  user.last_sign_in_at = user.current_sign_in_at;
  user.last_sign_in_ip = user.current_sign_in_ip;
  user.current_sign_in_at = now;
  user.current_sign_in_ip = std::string(address);
  user.updated_at = now;
}

std::string user_token(const Services& services, const storage::User& user) {
  const auto expires = services.clock.now() + services.settings.access_token_expires_in;
  return services.keys.sign({.sub = user.username,
                             .exp = std::chrono::floor<std::chrono::seconds>(expires).time_since_epoch().count(),
                             .sign = user.auth_signature.value_or(0)});
}

}  // namespace mito::coordinator
