#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "base/uuid.h"

namespace mito {

/// A row's number in the database. Ids of different things do not mix.
template <class Tag>
struct RowId {
  std::int64_t value = 0;
  friend auto operator<=>(const RowId&, const RowId&) = default;
};
using UserId = RowId<struct UserIdTag>;
using GroupId = RowId<struct GroupIdTag>;
using TaskId = RowId<struct TaskIdTag>;  ///< `id` of the worker protocol; not the number within the group.
using WorkerId = RowId<struct WorkerIdTag>;

/// A UUID that says what it names.
template <class Tag>
struct TypedUuid {
  Uuid value;
  [[nodiscard]] std::string to_string() const { return value.to_string(); }
  friend auto operator<=>(const TypedUuid&, const TypedUuid&) = default;
};
using TaskUuid = TypedUuid<struct TaskUuidTag>;
using WorkerUuid = TypedUuid<struct WorkerUuidTag>;

}  // namespace mito

template <class Tag>
struct std::hash<mito::RowId<Tag>> {
  std::size_t operator()(const mito::RowId<Tag>& id) const noexcept { return std::hash<std::int64_t>{}(id.value); }
};
template <class Tag>
struct std::hash<mito::TypedUuid<Tag>> {
  std::size_t operator()(const mito::TypedUuid<Tag>& uuid) const noexcept {
    return std::hash<mito::Uuid>{}(uuid.value);
  }
};
