#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace mito::cli {

/// `Usage: mito client tasks get [OPTIONS] <UUID>`; `path` is everything up to and with the command's name.
std::string usage_line(std::string_view path, const Command& command);

/// The whole help of a command or group, wrapped to `width` columns. `common`: options that stand beside the command's
/// own.
std::string render_help(std::string_view path, const Command& command, std::span<const Argument> common,
                        std::size_t width);

/// Columns for help: those of the terminal, within reason.
std::size_t help_width();

}  // namespace mito::cli
