#include <array>
#include <cassert>
#include <span>
#include <string_view>

#include "cli/commands.h"
#include "cli/task_filter.h"

// The command tree of the original's first releases (reference/client-and-worker.md, section 4), for scripts and
// fingers that know it. Where nothing but the words changed, the command of today is used as it is.
namespace mito::cli {

namespace {

constexpr std::array<std::string_view, 3> kTypes{"result", "exec-log", "std-log"};

/// The command of today that is found by these words.
const Command& today(std::initializer_list<std::string_view> words) {
  std::span<const Command> commands = words.begin()[0] == "tasks"     ? task_commands()
                                      : words.begin()[0] == "groups"  ? group_commands()
                                      : words.begin()[0] == "workers" ? worker_commands()
                                      : words.begin()[0] == "users"   ? user_commands()
                                                                      : admin_commands();
  const Command* command = nullptr;
  for (const auto* word = words.begin() + 1; word != words.end(); ++word) {
    command = find_command(commands, *word);
    assert(command != nullptr);
    commands = command->commands;
  }
  return *command;
}

/// That command under its old name.
Command renamed(std::string_view name, std::string_view successor, std::initializer_list<std::string_view> words) {
  Command command = today(words);
  command.name = name;
  command.alias = {};
  command.successor = successor;
  return command;
}

// --- Commands whose arguments were others

constexpr std::array kCreateUser{option("username", 'u', "USERNAME", "The name of the new user").required(),
                                 option("password", 'p', "PASSWORD", "The password").required().secret(),
                                 flag("admin", 0, "Make the user an admin of the coordinator")};
Result<int> create_user(Session& session, const Arguments& old) {
  Arguments arguments;
  arguments.add("USERNAME", old.at("username"));
  arguments.add("PASSWORD", old.at("password"));
  if (old.has("admin")) arguments.at_or_new("admin");
  return today({"admin", "users", "create"}).run(session, arguments);
}

constexpr std::array kGetTasks{option("creator", 'c', "USER", "Only tasks of this user"),
                               kFilterGroup,
                               kFilterTags,
                               kFilterLabels,
                               kFilterStates,
                               option("limit", 0, "N", "At most so many"),
                               option("offset", 0, "N", "Leave out so many first"),
                               flag("verbose", 'v', "Show everything about each task")};
Result<int> get_tasks(Session& session, const Arguments& old) {
  Arguments arguments = old;
  if (const auto creator = old.value("creator")) arguments.add("creators", *creator);
  return today({"tasks", "query"}).run(session, arguments);
}

constexpr Argument kOldGroup = word("GROUP", "The group the file stands in").of(Argument::Values::kGroup);
constexpr Argument kOldKey = word("KEY", "The key of the attachment").of(Argument::Values::kAttachment);
/// The group was a word of its own.
Arguments with_group(const Arguments& old) {
  Arguments arguments = old;
  arguments.add("group", old.at("GROUP"));
  return arguments;
}

constexpr std::array kGetAttachmentMeta{kOldGroup, kOldKey};
Result<int> get_attachment_meta(Session& session, const Arguments& old) {
  return today({"groups", "attachments", "get"}).run(session, with_group(old));
}

constexpr std::array kGetAttachment{kOldGroup, kOldKey,
                                    option("output", 'o', "PATH", "Where to download to").of(Argument::Values::kFile),
                                    flag("no-download", 0, "Only print the URL")};
Result<int> get_attachment(Session& session, const Arguments& old) {
  return today({"groups", "attachments", "download"}).run(session, with_group(old));
}

constexpr std::array kUploadArtifact{word("UUID", "The UUID of the task").of(Argument::Values::kTask),
                                     word("CONTENT_TYPE", "Which artifact").among(kTypes),
                                     word("LOCAL_FILE", "The file to upload").of(Argument::Values::kFile)};

// --- The tree

std::span<const Command> create_commands() {
  static const std::array kCommands{
      Command{.name = "user",
              .help = "Create a user",
              .arguments = kCreateUser,
              .run = create_user,
              .successor = "mito client admin users create USERNAME PASSWORD"},
      renamed("group", "mito client groups create GROUP_NAME", {"groups", "create"}),
  };
  return kCommands;
}

std::span<const Command> get_commands() {
  static const std::array kCommands{
      renamed("task", "mito client tasks get UUID", {"tasks", "get"}),
      Command{.name = "tasks",
              .help = "List the tasks of a group",
              .arguments = kGetTasks,
              .run = get_tasks,
              .successor = "mito client tasks query"},
      Command{.name = "attachment-meta",
              .help = "Show size and times of an attachment",
              .arguments = kGetAttachmentMeta,
              .run = get_attachment_meta,
              .successor = "mito client groups attachments get -g GROUP KEY"},
      renamed("attachments", "mito client groups attachments query", {"groups", "attachments", "query"}),
      renamed("worker", "mito client workers get UUID", {"workers", "get"}),
      renamed("workers", "mito client workers query", {"workers", "query"}),
      renamed("group", "mito client groups get GROUP_NAME", {"groups", "get"}),
      renamed("groups", "mito client users groups", {"users", "groups"}),
      renamed("artifact", "mito client tasks artifacts download UUID CONTENT_TYPE", {"tasks", "artifacts", "download"}),
      Command{.name = "attachment",
              .help = "Download an attachment",
              .arguments = kGetAttachment,
              .run = get_attachment,
              .successor = "mito client groups attachments download -g GROUP KEY"},
  };
  return kCommands;
}

std::span<const Command> upload_commands() {
  static const std::array kCommands{
      Command{.name = "artifact",
              .help = "Upload a file as artifact of a task",
              .arguments = kUploadArtifact,
              .run = today({"tasks", "artifacts", "upload"}).run,
              .successor = "mito client tasks artifacts upload LOCAL_FILE UUID CONTENT_TYPE"},
      renamed("attachment", "mito client groups attachments upload LOCAL_FILE [KEY]",
              {"groups", "attachments", "upload"}),
  };
  return kCommands;
}

std::span<const Command> manage_worker_commands() {
  static const std::array kCommands{
      renamed("cancel", "mito client workers cancel UUID", {"workers", "cancel"}),
      renamed("update-tags", "mito client workers update-tags UUID TAGS...", {"workers", "update-tags"}),
      renamed("update-roles", "mito client workers update-roles UUID GROUP:ROLE...", {"workers", "update-roles"}),
      renamed("remove-roles", "mito client workers remove-roles UUID GROUPS...", {"workers", "remove-roles"}),
  };
  return kCommands;
}

std::span<const Command> manage_task_commands() {
  static const std::array kCommands{
      renamed("cancel", "mito client tasks cancel UUID", {"tasks", "cancel"}),
      renamed("update-labels", "mito client tasks update-labels UUID LABELS...", {"tasks", "update-labels"}),
      renamed("change", "mito client tasks change UUID", {"tasks", "change"}),
  };
  return kCommands;
}

std::span<const Command> manage_group_commands() {
  static const std::array kCommands{
      renamed("update", "mito client groups update-user GROUP_NAME USER:ROLE...", {"groups", "update-user"}),
      renamed("remove", "mito client groups remove-user GROUP_NAME USERS...", {"groups", "remove-user"}),
  };
  return kCommands;
}

std::span<const Command> manage_commands() {
  static const std::array kCommands{
      Command{.name = "worker",
              .help = "Stop or change a worker: manage worker UUID cancel",
              .commands = manage_worker_commands(),
              .successor = "mito client workers"},
      Command{.name = "task",
              .help = "Cancel or change a task: manage task UUID cancel",
              .commands = manage_task_commands(),
              .successor = "mito client tasks"},
      Command{.name = "group",
              .help = "Change the users of a group: manage group NAME update USER:ROLE",
              .commands = manage_group_commands(),
              .successor = "mito client groups"},
  };
  return kCommands;
}

}  // namespace

std::span<const Command> old_commands() {
  static const std::array kCommands{
      Command{.name = "create",
              .help = "Create a user or a group",
              .commands = create_commands(),
              .successor = "mito client admin users create, mito client groups create"},
      Command{.name = "get",
              .help = "Show things, and download files",
              .commands = get_commands(),
              .successor = "mito client tasks, groups, users and workers"},
      renamed("submit", "mito client tasks submit -- COMMAND...", {"tasks", "submit"}),
      Command{.name = "upload",
              .help = "Upload an artifact or an attachment",
              .commands = upload_commands(),
              .successor = "mito client tasks artifacts upload, mito client groups attachments upload"},
      Command{.name = "manage",
              .help = "Change workers, tasks and groups",
              .commands = manage_commands(),
              .successor = "mito client workers, tasks and groups"},
      renamed("shutdown", "mito client admin shutdown SECRET", {"admin", "shutdown"}),
  };
  return kCommands;
}

}  // namespace mito::cli
