#include "coordinator/login_throttle.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <boost/asio/ip/address.hpp>

namespace mito::coordinator {

namespace {

/// Whoever has one IPv6 address has 2^64 of them.
std::string network_of(std::string_view address) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(std::string(address), error);
  if (error || !parsed.is_v6()) return std::string(address);
  auto bytes = parsed.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return boost::asio::ip::make_address_v6(bytes).to_string();
}

std::string pair_key(std::string_view user, const std::string& network) {
  return network + '\n' + std::string(user);
}

}  // namespace

double LoginThrottle::level(const Entry& entry, double allowed, Clock::Monotonic now) const {
  const double faded = allowed * std::chrono::duration<double>(now - entry.counted) / limits_.window;
  return std::max(0.0, entry.wrong - faded);
}

std::optional<std::chrono::seconds> LoginThrottle::wait_of(const State& state, const std::string& key, double allowed,
                                                           Clock::Monotonic now) const {
  const auto found = state.places.find(key);
  if (found == state.places.end()) return std::nullopt;
  const double above = level(*found->second, allowed, now) - (allowed - 1);
  if (above <= 0) return std::nullopt;
  const std::chrono::duration<double> wait = limits_.window * (above / allowed);
  return std::chrono::seconds(std::max<std::int64_t>(1, std::llround(std::ceil(wait.count()))));
}

std::optional<std::chrono::seconds> LoginThrottle::must_wait(std::string_view user, std::string_view address,
                                                             Clock::Monotonic now) {
  if (limits_.attempts == 0) return std::nullopt;
  const std::string network = network_of(address);
  const double allowed = limits_.attempts;
  auto state = state_.lock();
  const auto for_user = wait_of(*state, pair_key(user, network), allowed, now);
  const auto for_all = wait_of(*state, network, allowed * kUsersOfAnAddress, now);
  if (!for_user && !for_all) return std::nullopt;
  ++state->refused;
  return std::max(for_user.value_or(std::chrono::seconds(0)), for_all.value_or(std::chrono::seconds(0)));
}

void LoginThrottle::count(State& state, std::string key, double allowed, Clock::Monotonic now) {
  if (const auto found = state.places.find(key); found != state.places.end()) {
    Entry& entry = *found->second;
    entry.wrong = std::min(allowed, level(entry, allowed, now) + 1);
    entry.counted = now;
    state.entries.splice(state.entries.end(), state.entries, found->second);
    return;
  }
  if (state.entries.size() >= limits_.max_entries) {
    state.places.erase(state.entries.front().key);
    state.entries.pop_front();
  }
  state.entries.push_back(Entry{.key = std::move(key), .wrong = 1, .counted = now});
  state.places.emplace(state.entries.back().key, std::prev(state.entries.end()));
}

void LoginThrottle::count_wrong(std::string_view user, std::string_view address, Clock::Monotonic now) {
  auto state = state_.lock();
  ++state->wrong;
  if (limits_.attempts == 0) return;
  const std::string network = network_of(address);
  count(*state, pair_key(user, network), limits_.attempts, now);
  count(*state, network, static_cast<double>(limits_.attempts) * kUsersOfAnAddress, now);
}

LoginThrottle::Statistics LoginThrottle::statistics() const {
  const auto state = state_.lock();
  return {.wrong = state->wrong, .refused = state->refused, .entries = state->entries.size()};
}

}  // namespace mito::coordinator
