#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "base/result.h"
#include "coordinator/settings.h"
#include "storage/database/database.h"

namespace mito::coordinator {

/// Waits until this coordinator may write to the database (hot standby, architecture 4.4). Meanwhile nobody listens on
/// `bind`; on `standby_bind`, when it is set, every request is answered 503, /health with `{"status":"standby"}`.
/// `lost` is called on another thread when another coordinator has taken over later.
/// `check` is asked when the wait begins and then every few seconds, on a thread of its own; what it finds wrong ends
/// the wait, so that nobody relies on a standby that could not take over. kCancelled: `stop` was requested. kUsage:
/// standby_bind cannot be used.
Result<std::unique_ptr<storage::Turn>> wait_for_turn(storage::Database& database, const Settings& settings,
                                                     const std::stop_token& stop, std::function<Result<void>()> check,
                                                     std::function<void()> lost);

}  // namespace mito::coordinator
