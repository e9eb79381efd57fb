#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include <fmt/core.h>

#include "base/logging.h"
#include "simulation/world.h"

// simulate --seed N           one story, told when it breaks a promise
// simulate --seeds COUNT      the stories 1 … COUNT
// --steps N                   events of each story before it calms down (400)

namespace {

constexpr std::string_view kUsage = "usage: simulate [--seed N | --seeds COUNT] [--steps N]\n";

bool read(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t count = 100;
  std::uint64_t steps = 400;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    const std::string_view value = argv[i + 1];
    bool understood = false;
    if (option == "--seed") {
      understood = read(value, first);
      count = 1;
    } else if (option == "--seeds") {
      understood = read(value, count);
    } else if (option == "--steps") {
      understood = read(value, steps);
    }
    if (!understood) {
      fmt::print(stderr, "{}", kUsage);
      return 2;
    }
  }
  if (argc % 2 == 0) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  mito::log::Settings quiet;
  quiet.console_filter = "off";
  if (const auto error = mito::log::setup(quiet); !error.empty()) fmt::print(stderr, "{}\n", error);
  int failed = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const auto broken = mito::simulation::simulate(seed, static_cast<int>(steps));
    if (!broken) continue;
    ++failed;
    fmt::print("{}replay with: simulate --seed {} --steps {}\n\n", *broken, seed, steps);
  }
  fmt::print("{} of {} seeds kept every promise\n", count - static_cast<std::uint64_t>(failed), count);
  return failed == 0 ? 0 : 1;
}
