#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/task_spec.h"

namespace mito::core {

/// A stored spec with its `watch` set to null. A text that is no JSON object stays as it is.
std::string without_watch(std::string spec);

/// What a stored result says; nothing when it is not understood.
std::optional<TaskResult> read_result(std::string_view result);

}  // namespace mito::core
