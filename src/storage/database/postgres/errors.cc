#include "storage/database/postgres/errors.h"

#include <algorithm>
#include <array>
#include <libpq-fe.h>
#include <string>

#include <fmt/format.h>

namespace mito::storage::postgres {
namespace {

std::string_view field(const pg_result* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text != nullptr ? text : "";
}

// Codes: PostgreSQL's manual, appendix A.
constexpr std::array<std::string_view, 10> kPassing{
    "40001",  // serialization_failure
    "40P01",  // deadlock_detected
    "53200",  // out_of_memory
    "53300",  // too_many_connections
    "55P03",  // lock_not_available
    "57014",  // query_canceled: it took longer than statement_timeout
    "25006",  // read_only_sql_transaction: the server has become a standby
    "58030",  // io_error
    "25P03",  // idle_in_transaction_session_timeout
    "57P05",  // idle_session_timeout
};

bool is_passing(std::string_view code) {
  return code.empty() || code.starts_with("08") || code.starts_with("57P") ||
         std::ranges::find(kPassing, code) != kPassing.end();
}

}  // namespace

Error statement_error(const pg_result* result, std::string_view statement) {
  const std::string_view code = field(result, PG_DIAG_SQLSTATE);
  std::string_view message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) message = PQresultErrorMessage(result);
  const std::string internal = fmt::format("PostgreSQL {}: {} {} [{}]", code, message,
                                           field(result, PG_DIAG_MESSAGE_DETAIL), statement.substr(0, 120));
  if (code == "53100") return {ErrorCode::kStorageFull, "The volume of the database is full.", internal};
  if (is_passing(code)) return {ErrorCode::kUnavailable, "The database is away. Try again later.", internal};
  return {ErrorCode::kInternal, "", internal};
}

Error connection_error(std::string_view reason) {
  return {ErrorCode::kUnavailable, "The database is away. Try again later.",
          fmt::format("connection to PostgreSQL: {}", reason)};
}

bool is_division_by_zero(const pg_result* result) {
  return field(result, PG_DIAG_SQLSTATE) == "22012";
}

bool ends_connection(const pg_result* result) {
  const std::string_view code = field(result, PG_DIAG_SQLSTATE);
  const std::string_view severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == "FATAL" || severity == "PANIC" || code.starts_with("08");
}

}  // namespace mito::storage::postgres
