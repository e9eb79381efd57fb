#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/command.h"

// The commands of `mito client`, a file for each group, and the other roles.
namespace mito::cli {

std::span<const Command> user_commands();
std::span<const Command> group_commands();
std::span<const Command> attachment_commands();
std::span<const Command> task_commands();
std::span<const Command> artifact_commands();
std::span<const Command> worker_commands();
std::span<const Command> admin_commands();
/// auth, login, cmd, quit.
std::span<const Command> session_commands();

/// The words of the original's first releases: hidden, and told to those who use them.
std::span<const Command> old_commands();

/// The whole tree of `mito client`.
const Command& client_tree();

/// `mito client …`, from the words behind `client`; the exit code of the program.
int run_client(std::span<const std::string> words);
int run_coordinator(std::span<const std::string> words);
int run_worker(std::span<const std::string> words);
/// Workers in the background of this machine.
int run_manager(std::span<const std::string> words);
/// Completion scripts, and what they ask for.
int run_completion(std::span<const std::string> words);
/// mito(1) on standard output.
int run_man_page(std::span<const std::string> words);
/// A coordinator and a worker for trying things.
int run_dev(std::span<const std::string> words);

}  // namespace mito::cli
