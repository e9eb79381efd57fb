#pragma once

#include <optional>
#include <span>
#include <string>

namespace mito::cli {

/// `mito coordinator set-password USER`, `backup DIR` and `restore DIR`, from the words behind `coordinator`: the exit
/// code of the program; nothing when the first word is none of these.
std::optional<int> run_coordinator_task(std::span<const std::string> words);

}  // namespace mito::cli
