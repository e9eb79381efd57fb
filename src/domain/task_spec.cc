#include "domain/task_spec.h"

#include <algorithm>
#include <string_view>

namespace mito {
namespace {

bool stays_inside(std::string_view path) {
  if (path.starts_with('/')) return false;
  while (true) {
    const std::size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

bool local_paths_are_safe(const TaskSpec& spec) {
  return std::ranges::all_of(spec.resources,
                             [](const Resource& resource) { return stays_inside(resource.local_path); });
}

}  // namespace mito
