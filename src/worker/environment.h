#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/ids.h"
#include "domain/task_spec.h"
#include "worker/process.h"

namespace mito::worker {

using Environment = std::map<std::string, std::string>;

/// The environment of this process less the worker's own credentials (`MITO_USER`, `MITO_PASSWORD`, …) and its line to
/// a service manager: what tasks inherit.
Environment inherited_environment();

/// What of it isolated tasks inherit: PATH HOME USER SHELL LANG LC_* TZ TMPDIR and `pass` (a `*` at the end of a name
/// stands for anything).
Environment isolated_environment(const Environment& inherited, const std::vector<std::string>& pass);

/// Places a task is told about by `MITO_*` variables (reference/client-and-worker.md 1.9).
struct TaskPlaces {
  std::string result;
  std::string exec;
  std::string resource;
  std::string new_task;
};

/// The task's own variables, over them the `MITO_*` ones.
Environment task_variables(const TaskSpec& spec, const TaskPlaces& places, TaskUuid task,
                           const std::optional<TaskUuid>& upstream);

/// What `/usr/bin/env <args>` would execute in the environment of `inherited` and, over it, `own`. A plain first word
/// is looked up in PATH here and needs no env; when it is empty, an option or an assignment, env itself is the command.
/// Fails when a string holds a NUL character.
std::expected<Command, SpawnError> make_command(const std::vector<std::string>& args, const Environment& inherited,
                                                const Environment& own = {});

/// Exit code of env for a command that could not be started: 127 when it was not found, else 126.
int exit_code_of(const SpawnError& error);

}  // namespace mito::worker
