#pragma once

#include "base/result.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "domain/ids.h"
#include "protocol/messages.h"

// Waiting for a task, and showing what it wrote.
namespace mito::cli {

/// Waits until the result of the task is recorded; then its artifacts can be downloaded too. A coordinator that is away
/// for less than a minute is waited for. Ctrl-C ends the wait with kCancelled. With progress, a line on standard error
/// says what the task does meanwhile.
Result<protocol::TaskQueryResp> wait_for_task(Session& session, TaskUuid uuid, ShowProgress show = ShowProgress::kNo);

enum class Streams { kBoth, kOut, kErr };

/// Writes what the task wrote to standard output to ours, and to standard error likewise.
Result<void> print_task_output(Session& session, TaskUuid uuid, Streams streams);

/// The exit code for a task that is over: that of its command, 128 + signal when it was killed, and 1 when it did not
/// run to its end.
int task_exit_code(const protocol::TaskQueryResp& task);

}  // namespace mito::cli
