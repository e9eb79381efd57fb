#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/task_spec.h"

// What the tables keep as JSON text.
namespace mito::storage {

/// `["a","b"]`, in the given order.
std::string encode_list(const std::vector<std::string>& items);
/// kInternal: not a JSON array of strings.
Result<std::vector<std::string>> decode_list(std::string_view json);

/// Whether each member of the list `wanted` is one of `list`. Both as encode_list makes them; compared as they are
/// written, without taking them apart.
bool list_contains(std::string_view list, std::string_view wanted);

/// `exit_status` of a stored result; nothing when it has none.
std::optional<std::int64_t> exit_status_of(std::string_view result);

/// The watch of a stored spec; nothing when it has none. kInternal: it is not `["<uuid>","<state>"]`.
Result<std::optional<Watch>> watch_of(std::string_view spec);

}  // namespace mito::storage
