#pragma once

#include "cli/command.h"
#include "cli/session.h"

namespace mito::cli {

/// Reads command lines from the terminal and runs them, until quit, Ctrl-D or the end of the input. The exit code: that
/// of the last command when the input is no terminal, else 0.
int run_shell(Session& session, const Command& tree);

}  // namespace mito::cli
