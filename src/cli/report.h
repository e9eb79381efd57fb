#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace mito::cli {

/// What is written about a failure: `error: <what and why>` and, where there is one, a line with the next step.
/// `look_up` says how to find the things a command is about.
std::string describe_failure(const Error& error, std::string_view look_up = {});

/// Writes that to standard error; the exit code that goes with it.
int report(const Error& error, std::string_view look_up = {});

/// The same without a next step, for a program that is not a client: what its own engines say is not about a
/// coordinator.
int report_plainly(const Error& error);

}  // namespace mito::cli
