#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mito::cli {

/// The candidate that was probably meant by `word` (few typing errors away, or beginning with it); empty when none is
/// near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// ` (did you mean 'submit'?)`, or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace mito::cli
