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

}  // namespace mito::protocol
