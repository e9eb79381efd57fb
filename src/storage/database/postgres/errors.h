#pragma once

#include <string_view>

#include "base/error.h"

struct pg_result;

namespace mito::storage::postgres {

/// What a failed statement means. `statement` is for the log.
/// kUnavailable: the server ends, is starting or overloaded; kStorageFull: its volume is full; else kInternal.
Error statement_error(const pg_result* result, std::string_view statement);

/// The connection is gone or does not answer. `reason` is for the log.
Error connection_error(std::string_view reason);

bool is_division_by_zero(const pg_result* result);

/// Whether the server ended the connection with this error.
bool ends_connection(const pg_result* result);

}  // namespace mito::storage::postgres
