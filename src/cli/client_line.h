#pragma once

#include <cstdio>

#include "cli/interpret.h"
#include "cli/session.h"

// One command line of the client, from the program's arguments or a line of the shell.
namespace mito::cli {

/// Runs the command; failures are written to standard error. The exit code.
int run_in(Session& session, const Invocation& invocation);

/// Writes the help of a command or group.
void print_help(const Node& node, const CommonOptions& options, std::FILE* file);

}  // namespace mito::cli
