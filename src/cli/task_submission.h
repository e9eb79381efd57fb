#pragma once

#include <array>

#include "cli/arguments.h"
#include "cli/session.h"

// The commands that make and change tasks.
namespace mito::cli {

inline constexpr Argument kTaskEnvs = list("envs", 'e', "KEY=VALUE", "Environment variables of the command");
inline constexpr Argument kTaskTerminal = flag("terminal", 0, "Keep what the command writes, as artifact std-log");
inline constexpr Argument kTaskResources = list("resources", 'r', "RESOURCE", "Input files (see below)");
inline constexpr Argument kTaskWatch = option(
    "watch", 0, "UUID,STATE", "Run it only when another task has reached a state, for instance UUID,ExecFinished");

inline constexpr std::array kSubmitArguments{
    option("group", 'g', "GROUP_NAME", "The group the task is submitted to (default: your own)")
        .of(Argument::Values::kGroup),
    list("tags", 't', "TAG", "What a worker must offer to run the task"),
    list("labels", 'l', "LABEL", "Labels to find the task by"),
    option("timeout", 0, "DURATION", "How long the command may run").by_default("10min"),
    option("priority", 'p', "N", "Higher ones run first").by_default("0"),
    kTaskEnvs,
    kTaskTerminal,
    kTaskResources,
    kTaskWatch,
    flag("progress", 0, "With --wait: show on the terminal what the task does meanwhile"),
    flag("wait", 0, "Wait for its end, print what it wrote (implies --terminal) and exit with its exit code"),
    command_line("COMMAND", "The command to run and its arguments; no shell takes part"),
};
Result<int> submit_task(Session& session, const Arguments& arguments);

inline constexpr std::array kSubmitManyArguments{
    option("file", 'f', "PATH", "A file with the tasks; - is standard input, as without it where that is no terminal")
        .of(Argument::Values::kFile),
};
Result<int> submit_many_tasks(Session& session, const Arguments& arguments);

inline constexpr std::array kChangeArguments{
    word("UUID", "The UUID of the task").of(Argument::Values::kTask),
    list("tags", 't', "TAG", "What a worker must offer"),
    option("timeout", 0, "DURATION", "How long the command may run"),
    option("priority", 'p', "N", "Higher ones run first"),
    kTaskEnvs,
    kTaskTerminal,
    kTaskResources,
    kTaskWatch,
    command_line("COMMAND", "Another command"),
};
Result<int> change_task(Session& session, const Arguments& arguments);

}  // namespace mito::cli
