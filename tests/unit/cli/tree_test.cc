#include <functional>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "client/settings.h"

namespace mito::cli {
namespace {

/// Calls `visit` for every command below `command`, with its path.
void walk(const Command& command, const std::string& path,
          const std::function<void(const Command&, const std::string&)>& visit) {
  visit(command, path);
  for (const auto& sub : command.commands)
    walk(sub, path + " " + std::string(sub.name), visit);
}

TEST(Tree, EveryCommandIsEitherAGroupOrDoesSomething) {
  walk(client_tree(), "client", [](const Command& command, const std::string& path) {
    if (path == "client help") return;  // answered before the tree is asked
    EXPECT_FALSE(command.help.empty()) << path;
    EXPECT_NE(command.commands.empty(), command.run == nullptr) << path;
  });
}

TEST(Tree, NamesAreUnique) {
  walk(client_tree(), "client", [](const Command& command, const std::string& path) {
    std::set<std::string_view> names;
    for (const auto& sub : command.commands) {
      EXPECT_TRUE(names.insert(sub.name).second) << path << " " << sub.name;
      const bool alias_is_new = sub.alias.empty() || names.insert(sub.alias).second;
      EXPECT_TRUE(alias_is_new) << path << " " << sub.alias;
    }
  });
}

TEST(Tree, ArgumentsDoNotCollide) {
  walk(client_tree(), "client", [](const Command& command, const std::string& path) {
    if (is_old(command)) return;  // `create user` has -p and --password of its own
    std::set<std::string> names{"help", "config", "quiet", "format", "no-headers", "interactive"};
    for (const auto& entry : client::settings_declaration().entries())
      names.insert(entry.long_flag().substr(2));
    std::set<char> letters{'h', 'q'};
    for (const auto& argument : command.arguments) {
      EXPECT_FALSE(argument.help.empty()) << path << " " << argument.name;
      EXPECT_TRUE(names.insert(std::string(argument.name)).second) << path << " --" << argument.name;
      const bool letter_is_new = argument.short_name == 0 || letters.insert(argument.short_name).second;
      EXPECT_TRUE(letter_is_new) << path << " -" << argument.short_name;
    }
  });
}

TEST(Tree, HasTheCommandsOfTheOriginal) {
  std::set<std::string> paths;
  walk(client_tree(), "", [&paths](const Command&, const std::string& path) { paths.insert(path); });
  for (const std::string path : {" auth",
                                 " login",
                                 " cmd",
                                 " quit",
                                 " help",
                                 " users change-password",
                                 " users groups",
                                 " groups create",
                                 " groups get",
                                 " groups update-user",
                                 " groups remove-user",
                                 " groups attachments upload",
                                 " groups attachments download",
                                 " groups attachments get",
                                 " groups attachments delete",
                                 " groups attachments query",
                                 " groups attachments download-many",
                                 " groups attachments download-list",
                                 " groups attachments delete-many",
                                 " groups attachments delete-list",
                                 " tasks submit",
                                 " tasks submit-many",
                                 " tasks get",
                                 " tasks query",
                                 " tasks cancel",
                                 " tasks cancel-many",
                                 " tasks cancel-list",
                                 " tasks update-labels",
                                 " tasks change",
                                 " tasks artifacts upload",
                                 " tasks artifacts download",
                                 " tasks artifacts delete",
                                 " tasks artifacts download-many",
                                 " tasks artifacts download-list",
                                 " tasks artifacts delete-many",
                                 " tasks artifacts delete-list",
                                 " workers cancel",
                                 " workers cancel-many",
                                 " workers cancel-list",
                                 " workers update-tags",
                                 " workers update-labels",
                                 " workers update-roles",
                                 " workers remove-roles",
                                 " workers get",
                                 " workers query",
                                 " admin users create",
                                 " admin users delete",
                                 " admin users change-password",
                                 " admin users group-quota",
                                 " admin groups storage-quota",
                                 " admin groups attachments delete",
                                 " admin tasks artifacts delete",
                                 " admin workers cancel",
                                 " admin shutdown"})
    EXPECT_TRUE(paths.contains(path)) << path;
}

TEST(Tree, AliasesAreFound) {
  EXPECT_EQ(find_command(client_tree().commands, "exit")->name, "quit");
  EXPECT_EQ(find_command(find_command(client_tree().commands, "users")->commands, "my-groups")->name, "groups");
  EXPECT_EQ(find_command(client_tree().commands, "nonsense"), nullptr);
}

TEST(Help, ListsArgumentsOptionsAndCommands) {
  const auto& tasks = *find_command(client_tree().commands, "tasks");
  const auto group_help = render_help("mito client tasks", tasks, {}, 100);
  EXPECT_NE(group_help.find("Usage: mito client tasks <COMMAND>"), std::string::npos);
  EXPECT_NE(group_help.find("\n  submit-many"), std::string::npos);
  const auto help = render_help("mito client tasks submit", *find_command(tasks.commands, "submit"), {}, 100);
  EXPECT_NE(help.find("Usage: mito client tasks submit [OPTIONS] -- COMMAND..."), std::string::npos);
  EXPECT_NE(help.find("  -g, --group <GROUP_NAME>"), std::string::npos);
  EXPECT_NE(help.find("[default: 10min]"), std::string::npos);
}

TEST(Help, PutsTextsBelowOnANarrowTerminal) {
  const auto& tasks = *find_command(client_tree().commands, "tasks");
  const auto help = render_help("mito client tasks submit", *find_command(tasks.commands, "submit"), {}, 40);
  EXPECT_NE(help.find("\n  -p, --priority <N>\n      Higher ones run first"), std::string::npos) << help;
}

}  // namespace
}  // namespace mito::cli
