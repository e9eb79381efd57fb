#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "base/logging.h"
#include "simulation/world.h"

// simulate --seed N           one story, told when it breaks a promise
// simulate --seeds COUNT      the stories 1 … COUNT
// simulate --list FILE        those of a list, a line each: storage, seed, steps, and what it once showed
// --steps N                   events of each story before it calms down (400)
// --storage memory|sqlite     where the coordinator keeps its data: tables in memory, or SQLite on a disk that forgets
//                             at each crash what was not synced

namespace {

using mito::simulation::Storage;

constexpr std::string_view kUsage =
    "usage: simulate [--seed N | --seeds COUNT | --list FILE] [--steps N] [--storage memory|sqlite]\n";

bool read(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<Storage> storage_of(std::string_view name) {
  if (name == "memory") return Storage::kMemory;
  if (name == "sqlite") return Storage::kSqlite;
  return std::nullopt;
}

struct Story {
  std::uint64_t seed = 0;
  std::uint64_t steps = 400;
  Storage storage = Storage::kMemory;
};

std::optional<std::vector<Story>> read_list(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::vector<Story> stories;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::string storage;
    Story story;
    words >> storage >> story.seed >> story.steps;
    const auto known = storage_of(storage);
    if (!words || !known) return std::nullopt;
    story.storage = *known;
    stories.push_back(story);
  }
  return stories;
}

int tell(const std::vector<Story>& stories) {
  std::size_t failed = 0;
  for (const Story& story : stories) {
    const auto broken = mito::simulation::simulate(story.seed, static_cast<int>(story.steps), story.storage);
    if (!broken) continue;
    ++failed;
    fmt::print("{}replay with: simulate --seed {} --steps {} --storage {}\n\n", *broken, story.seed, story.steps,
               story.storage == Storage::kSqlite ? "sqlite" : "memory");
  }
  fmt::print("{} of {} seeds kept every promise\n", stories.size() - failed, stories.size());
  return failed == 0 ? 0 : 1;
}

int refuse() {
  fmt::print(stderr, "{}", kUsage);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t count = 100;
  Story sample;
  std::string list;
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
      understood = read(value, sample.steps);
    } else if (option == "--storage") {
      understood = storage_of(value).has_value();
      sample.storage = storage_of(value).value_or(Storage::kMemory);
    } else if (option == "--list") {
      understood = !value.empty();
      list = value;
    }
    if (!understood) return refuse();
  }
  if (argc % 2 == 0) return refuse();
  mito::log::Settings quiet;
  quiet.console_filter = "off";
  if (const auto error = mito::log::setup(quiet); !error.empty()) fmt::print(stderr, "{}\n", error);
  std::vector<Story> stories;
  if (list.empty()) {
    for (sample.seed = first; sample.seed < first + count; ++sample.seed)
      stories.push_back(sample);
  } else if (auto kept = read_list(list)) {
    stories = *std::move(kept);
  } else {
    fmt::print(stderr, "{} cannot be read: a line of it is `memory|sqlite SEED STEPS what it showed`\n", list);
    return 2;
  }
  return tell(stories);
}
