#include <vector>

#include "cli/commands.h"

namespace mito::cli {

namespace {

std::vector<Command> top_level() {
  const auto session = session_commands();
  std::vector<Command> commands{
      {.name = "admin",
       .help = "Users, groups, workers and the coordinator itself, for admins",
       .commands = admin_commands()},
      {.name = "users",
       .help = "Your account: its groups and its password",
       .commands = user_commands(),
       .look_up = "mito client users groups lists the groups you are in"},
      {.name = "groups",
       .help = "Groups, their users and their files",
       .commands = group_commands(),
       .look_up = "mito client users groups lists the groups you are in"},
      {.name = "tasks",
       .help = "Submit tasks, watch them, get their results",
       .commands = task_commands(),
       .look_up = "mito client tasks query lists the tasks of your group (-g names another)"},
      {.name = "workers",
       .help = "See, change and stop workers",
       .commands = worker_commands(),
       .look_up = "mito client workers query lists the workers of your group (-g names another)"},
  };
  commands.insert(commands.begin() + 1, session.begin(), session.begin() + 2);
  commands.insert(commands.end(), session.begin() + 2, session.end());
  commands.push_back({.name = "help", .help = "Show the help of a command: help tasks submit"});
  const auto old = old_commands();
  commands.insert(commands.end(), old.begin(), old.end());
  return commands;
}

}  // namespace

const Command& client_tree() {
  static const auto kCommands = top_level();
  static const Command kTree{
      .name = "client",
      .help = "Talk to a coordinator: submit tasks, get their results, manage users, groups and workers",
      .commands = kCommands};
  return kTree;
}

}  // namespace mito::cli
