#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/humane.h"
#include "cli/table.h"
#include "protocol/messages.h"

// Tasks in words and tables.
namespace mito::cli {

/// What is known of a task's state.
TaskCondition condition_of(const protocol::TaskQueryResp& task);
TaskCondition condition_of(const protocol::TaskQueryInfo& task);

/// Everything about one task, a line each, and its artifacts.
std::string render_task(const protocol::TaskQueryResp& task, Timestamp now, Colour colour = Colour::kNo);
/// The same of a task in a list, without artifacts.
std::string render_task(const protocol::TaskQueryInfo& task, Timestamp now, Colour colour = Colour::kNo);

/// A row for each task.
Table task_table(const std::vector<protocol::TaskQueryInfo>& tasks, Timestamp now);

}  // namespace mito::cli
