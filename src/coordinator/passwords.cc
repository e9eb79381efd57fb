#include "coordinator/passwords.h"

#include <chrono>
#include <cstring>
#include <exception>
#include <type_traits>
#include <utility>

#include "base/random.h"

namespace mito::coordinator {

namespace {

/// Runs `work` on a password thread; whoever asks from the same address for the same user shares a turn.
template <class Work>
http::Awaitable<std::invoke_result_t<Work&>> run_in_turn(Services& services, std::string who, Work work) {
  using T = std::invoke_result_t<Work&>;
  return await_callback<T>(
      [&services, who = std::move(who), work = std::move(work)](std::move_only_function<void(T)> done) mutable {
        services.password_threads.post(
            who, [work = std::move(work), done = std::move(done)](std::optional<unsigned> thread) mutable {
              if (!thread) return done(fail(ErrorCode::kTooManyRequests));
              try {
                done(work());
              } catch (const std::exception& error) {
                done(fail(ErrorCode::kInternal, {}, error.what()));
              }
            });
      });
}

}  // namespace

http::Awaitable<Result<std::string>> hash_password(Context& context, security::PasswordDigest digest) {
  return run_in_turn(context.services, client_address(context), [digest] { return security::hash_password(digest); });
}

http::Awaitable<Result<bool>> verify_password(Context& context, std::string username, security::PasswordDigest digest,
                                              std::optional<std::string> phc) {
  Services& services = context.services;
  const std::string address = client_address(context);
  // Asked again when its turn comes: those in front of it may have been wrong.
  const auto refused = [&]() -> bool {
    const auto wait = services.logins.must_wait(username, address, services.clock.monotonic());
    if (wait) context.retry_after = *wait;
    return wait.has_value();
  };
  if (refused()) co_return fail(ErrorCode::kTooManyRequests);
  const auto check = [&]() -> Result<bool> {
    if (refused()) return fail(ErrorCode::kTooManyRequests);
    bool good = false;
    if (phc) {
      MITO_TRY_ASSIGN(good, security::verify_password(digest, *phc));
    } else {
      MITO_TRY(security::hash_password(digest));
    }
    if (!good) services.logins.count_wrong(username, address, services.clock.monotonic());
    return good;
  };
  co_return co_await run_in_turn(services, address + '\n' + username, check);
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
