#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string>

#include "protocol/messages.h"

namespace mito::worker {

/// The task that a task wants submitted when it is over: the file MITO_NEW_TASK names. Nothing when it was not written
/// or is blank; the reason when it cannot be used.
std::expected<std::optional<protocol::SubmitTaskReq>, std::string> read_new_task(const std::filesystem::path& file);

}  // namespace mito::worker
