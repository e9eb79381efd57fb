#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/humane.h"
#include "protocol/messages.h"

// Tasks in words and tables.
namespace mito::cli {

/// What is known of a task's state.
TaskCondition condition_of(const protocol::TaskQueryResp& task);
TaskCondition condition_of(const protocol::TaskQueryInfo& task);

/// Everything about one task, a line each, and its artifacts.
std::string render_task(const protocol::TaskQueryResp& task, Timestamp now);
/// The same of a task in a list, without artifacts.
std::string render_task(const protocol::TaskQueryInfo& task, Timestamp now);

/// A row for each task.
std::string render_tasks(const std::vector<protocol::TaskQueryInfo>& tasks, Timestamp now, std::size_t width);

}  // namespace mito::cli
