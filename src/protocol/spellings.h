#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/states.h"

namespace mito::protocol {

/// Every spelling of an enum that is understood, in the order of the original's error texts.
template <class E>
std::span<const std::string_view> accepted_names() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const auto& spelling : accepted_spellings<E>())
      names.push_back(spelling.name);
    return names;
  }();
  return kNames;
}

/// The spellings that are sent.
template <class E>
std::span<const std::string_view> sent_names() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const auto& [value, name] : accepted_spellings<E>())
      if (to_string(value) == name) names.push_back(name);
    return names;
  }();
  return kNames;
}

/// How documents call an enum.
template <class E>
inline constexpr std::string_view kEnumName = {};
#define MITO_ENUM_NAME(E) \
  template <>             \
  inline constexpr std::string_view kEnumName<E> = #E;
MITO_ENUM_NAME(UserState)
MITO_ENUM_NAME(GroupState)
MITO_ENUM_NAME(TaskState)
MITO_ENUM_NAME(WorkerState)
MITO_ENUM_NAME(Role)
MITO_ENUM_NAME(ArtifactContentType)
MITO_ENUM_NAME(AttachmentContentType)
MITO_ENUM_NAME(ShutdownOp)
MITO_ENUM_NAME(TaskExecState)
MITO_ENUM_NAME(TaskResultMessage)
#undef MITO_ENUM_NAME

}  // namespace mito::protocol
