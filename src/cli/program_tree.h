#pragma once

#include "cli/command.h"

namespace mito::cli {

/// Every role of `mito` with its options and commands, as completion and the man page show them. The roles but the
/// client have no function to run here.
const Command& program_tree();

}  // namespace mito::cli
