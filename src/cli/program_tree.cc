#include "cli/program_tree.h"

#include <array>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/interpret.h"
#include "cli/role_options.h"
#include "coordinator/settings.h"
#include "worker/settings.h"

namespace mito::cli {

namespace {

constexpr std::array kManagerSpawn{word("COUNT", "How many workers to start; the options of mito worker may follow")};
constexpr std::array kManagerCommands{
    Command{.name = "status", .help = "List the workers on this machine"},
    Command{.name = "spawn", .help = "Start workers in the background", .arguments = kManagerSpawn},
    Command{.name = "kill", .help = "Stop the workers on this machine"},
};
constexpr std::array kDev{
    option("data-dir", 0, "DIR", "Keep everything in this directory").of(Argument::Values::kDirectory),
    option("port", 0, "PORT", "Where to listen on 127.0.0.1"),
    option("slots", 0, "N", "How many tasks run side by side"),
};
constexpr std::array<std::string_view, 3> kShells{"bash", "zsh", "fish"};
constexpr std::array kCompletion{word("SHELL", "The shell it is for").among(kShells)};

}  // namespace

const Command& program_tree() {
  static const RoleOptions kCoordinator{coordinator::settings_declaration()};
  static const RoleOptions kWorker{worker::settings_declaration()};
  static const std::vector<Command> kRoles{
      {.name = "coordinator", .help = "Run a coordinator", .arguments = kCoordinator.arguments()},
      {.name = "worker", .help = "Run a worker", .arguments = kWorker.arguments()},
      client_tree(),
      {.name = "manager", .help = "Start, list and stop workers on this machine", .commands = kManagerCommands},
      {.name = "dev", .help = "Run a coordinator and a worker here, for trying things", .arguments = kDev},
      {.name = "completion", .help = "Print a completion script: mito completion bash", .arguments = kCompletion},
      {.name = "help", .help = "Show the help of a role or command"},
  };
  static const Command kProgram{.name = "mito", .help = "runs commands on many machines", .commands = kRoles};
  return kProgram;
}

}  // namespace mito::cli
