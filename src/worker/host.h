#pragma once

#include <optional>
#include <string>

#include "protocol/messages.h"

namespace mito::worker {

/// What this machine is: for the registration.
protocol::WorkerHostInfo describe_host(const std::optional<std::string>& name);

}  // namespace mito::worker
