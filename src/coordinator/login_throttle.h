#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/sync.h"
#include "base/time.h"

namespace mito::coordinator {

/// Counts wrong passwords for each user and address, and for each address, and says who has to wait. What was counted
/// fades away evenly over the window. An IPv6 address counts with its /64 network. Of too many, those that were counted
/// longest ago are forgotten. Any thread.
class LoginThrottle {
 public:
  struct Limits {
    unsigned attempts = 20;  ///< For one user from one address; 0: any number.
    std::chrono::milliseconds window{60'000};
    std::size_t max_entries = 65'536;
  };
  /// How many wrong passwords for all users together one address has more than for one.
  static constexpr unsigned kUsersOfAnAddress = 10;

  explicit LoginThrottle(Limits limits) : limits_(limits) {}

  /// How long no password is looked at any more; nothing: it may be tried now.
  [[nodiscard]] std::optional<std::chrono::seconds> must_wait(std::string_view user, std::string_view address,
                                                              Clock::Monotonic now);
  void count_wrong(std::string_view user, std::string_view address, Clock::Monotonic now);

  struct Statistics {
    std::uint64_t wrong = 0;
    std::uint64_t refused = 0;
    std::size_t entries = 0;
  };
  [[nodiscard]] Statistics statistics() const;

 private:
  struct Entry {
    std::string key;
    double wrong = 0;  ///< At `counted`.
    Clock::Monotonic counted;
  };
  struct State {
    std::list<Entry> entries;  ///< Counted last at the end.
    std::unordered_map<std::string_view, std::list<Entry>::iterator> places;
    std::uint64_t wrong = 0;
    std::uint64_t refused = 0;
  };
  [[nodiscard]] double level(const Entry& entry, double allowed, Clock::Monotonic now) const;
  [[nodiscard]] std::optional<std::chrono::seconds> wait_of(const State& state, const std::string& key, double allowed,
                                                            Clock::Monotonic now) const;
  void count(State& state, std::string key, double allowed, Clock::Monotonic now);

  const Limits limits_;
  Sync<State> state_;
};

}  // namespace mito::coordinator
