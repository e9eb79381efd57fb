#include "storage/database/postgres/connection.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <libpq-fe.h>
#include <poll.h>

#include <fmt/format.h>

#include "storage/database/postgres/errors.h"

namespace mito::storage::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kBinary = 1;
/// On top of the server's own limit, which answers better.
constexpr milliseconds kSlack{2'000};

bool succeeded(const pg_result* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

}  // namespace

void Rows::free(pg_result* result) {
  PQclear(result);
}

int Rows::count() const {
  return PQntuples(result_.get());
}

std::int64_t Rows::changed() const {
  const std::string_view text = PQcmdTuples(result_.get());
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<std::unique_ptr<Connection>> Connection::open(const Target& target, Role role) {
  std::unique_ptr<Connection> connection(
      new Connection(target.connect(), target.settings().statement_timeout + kSlack));
  if (PQstatus(connection->handle_) != CONNECTION_OK)
    return fail(connection_error(PQerrorMessage(connection->handle_)));
  MITO_TRY(connection->configure(target.settings(), role));
  return connection;
}

Connection::~Connection() {
  PQfinish(handle_);
}

// The writer finds all rows by key. A plan made while the tables were empty, or with old statistics, must not walk
// through them, so it is not offered the ways to do that. Every connection: no just-in-time compilation, which takes
// longer than our statements.
Result<void> Connection::configure(const PostgresSettings& settings, Role role) {
  // Notices ("relation exists, skipping") are no news.
  PQsetNoticeProcessor(handle_, [](void*, const char*) {}, nullptr);
  if (PQsetnonblocking(handle_, 1) != 0 || PQenterPipelineMode(handle_) != 1)
    return fail(connection_error(PQerrorMessage(handle_)));
  std::string sql = "SELECT set_config('jit', 'off', false), set_config('timezone', 'UTC', false)";
  const auto set = [&](std::string_view name, std::string_view value) {
    sql += fmt::format(", set_config('{}', '{}', false)", name, value);
  };
  set("statement_timeout", fmt::format("{}", settings.statement_timeout.count()));
  set("max_parallel_workers_per_gather", "0");
  if (role == Role::kWriter) {
    set("lock_timeout", fmt::format("{}", settings.lock_timeout.count()));
    set("idle_in_transaction_session_timeout", fmt::format("{}", settings.writer_timeout.count()));
    for (const char* way : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_bitmapscan"})
      set(way, "off");
    set("plan_cache_mode", "force_generic_plan");
  }
  // Known since version 14.
  if (role == Role::kTurn && server_version() >= 140'000)
    set("idle_session_timeout", fmt::format("{}", settings.writer_timeout.count()));
  MITO_TRY(ask_once(std::move(sql), {}));
  return {};
}

int Connection::server_version() const {
  return PQserverVersion(handle_);
}

Error Connection::lose(std::string_view reason) {
  broken_ = true;
  failed_ = true;
  std::string text(reason);
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return connection_error(text);
}

Result<void> Connection::prepare(const char* sql, const Params::Raw& raw) {
  std::string name = fmt::format("m{}", ++names_);
  if (PQsendPrepare(handle_, name.c_str(), sql, static_cast<int>(raw.types.size()), raw.types.data()) != 1)
    return fail(lose(PQerrorMessage(handle_)));
  prepared_.emplace(sql, std::move(name));
  return {};
}

Result<void> Connection::send(const Flight::Statement& statement) {
  const Params::Raw raw = statement.params.raw();
  const auto count = static_cast<int>(raw.types.size());
  const bool prepares = statement.keep == Flight::Keep::kPrepared && !prepared_.contains(statement.sql);
  if (prepares) MITO_TRY(prepare(statement.sql, raw));
  prepares_.push_back(prepares);
  const int sent = statement.keep == Flight::Keep::kPrepared
                       ? PQsendQueryPrepared(handle_, prepared_.at(statement.sql).c_str(), count, raw.values.data(),
                                             raw.lengths.data(), raw.formats.data(), kBinary)
                       : PQsendQueryParams(handle_, statement.text.c_str(), count, raw.types.data(), raw.values.data(),
                                           raw.lengths.data(), raw.formats.data(), kBinary);
  if (sent != 1) return fail(lose(PQerrorMessage(handle_)));
  return {};
}

Result<void> Connection::wait(Deadline deadline, bool for_writing) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
  if (left <= 0) return fail(lose(fmt::format("no answer within {} ms", patience_.count())));
  pollfd file{
      .fd = PQsocket(handle_), .events = static_cast<short>(for_writing ? POLLIN | POLLOUT : POLLIN), .revents = 0};
  const int ready = ::poll(&file, 1, static_cast<int>(left));
  if (ready < 0 && errno != EINTR) return fail(lose(std::strerror(errno)));
  if (ready > 0 && (file.revents & (POLLIN | POLLERR | POLLHUP)) != 0 && PQconsumeInput(handle_) != 1) {
    // What the server said before it closed the connection can still be read.
    if (PQisBusy(handle_) != 0) return fail(lose(PQerrorMessage(handle_)));
  }
  return {};
}

Result<void> Connection::push(Deadline deadline) {
  while (true) {
    const int left = PQflush(handle_);
    if (left == 0) return {};
    if (left < 0) return {};  // The reading side tells why.
    MITO_TRY(wait(deadline, true));
  }
}

Result<pg_result*> Connection::next(Deadline deadline) {
  while (PQisBusy(handle_) != 0) {
    const bool more_to_send = PQflush(handle_) == 1;
    MITO_TRY(wait(deadline, more_to_send));
  }
  return PQgetResult(handle_);
}

Landing Connection::fly(const Flight& flight) {
  Landing landing;
  landing.rows.reserve(flight.size());
  if (broken_) {
    landing.error = connection_error("it was lost before");
    return landing;
  }
  if (const auto done = land(flight, landing); !done) landing.error = done.error();
  if (landing.error) failed_ = true;
  return landing;
}

Result<void> Connection::land_prepared(Deadline deadline, const char* sql, std::optional<Error>& error) {
  MITO_TRY_ASSIGN(pg_result * raw, next(deadline));
  const Rows result(raw);
  if (raw == nullptr) return fail(lose("no answer to a statement"));
  if (!succeeded(raw)) {
    prepared_.erase(sql);
    if (!error && PQresultStatus(raw) != PGRES_PIPELINE_ABORTED) error = statement_error(raw, sql);
    if (ends_connection(raw) || PQstatus(handle_) == CONNECTION_BAD) return fail(lose(PQresultErrorMessage(raw)));
  }
  MITO_TRY_ASSIGN(pg_result * end, next(deadline));
  if (end != nullptr) {
    PQclear(end);
    return fail(lose("an answer that nobody asked for"));
  }
  return {};
}

Result<void> Connection::land(const Flight& flight, Landing& landing) {
  const auto deadline = steady_clock::now() + patience_;
  prepares_.clear();
  for (const auto& statement : flight.statements_)
    MITO_TRY(send(statement));
  if (PQpipelineSync(handle_) != 1) return fail(lose(PQerrorMessage(handle_)));
  MITO_TRY(push(deadline));
  for (std::size_t i = 0; i < flight.size(); ++i) {
    const auto& statement = flight.statements_[i];
    if (prepares_[i]) MITO_TRY(land_prepared(deadline, statement.sql, landing.error));
    MITO_TRY_ASSIGN(pg_result * raw, next(deadline));
    Rows result(raw);
    if (raw == nullptr) return fail(lose("no answer to a statement"));
    if (succeeded(raw)) {
      if (!landing.error) landing.rows.push_back(std::move(result));
    } else {
      if (!landing.error) {
        landing.error = statement_error(raw, statement.words());
        landing.condition_failed = is_division_by_zero(raw);
      }
      if (ends_connection(raw) || PQstatus(handle_) == CONNECTION_BAD) {
        broken_ = true;
        return {};
      }
    }
    MITO_TRY_ASSIGN(pg_result * end, next(deadline));
    if (end != nullptr) {
      PQclear(end);
      return fail(lose("an answer that nobody asked for"));
    }
  }
  MITO_TRY_ASSIGN(pg_result * sync, next(deadline));
  const Rows end(sync);
  if (sync == nullptr || PQresultStatus(sync) != PGRES_PIPELINE_SYNC) {
    const Error error = lose(sync != nullptr ? PQresultErrorMessage(sync) : "the end of an answer is missing");
    if (!landing.error) landing.error = error;
  }
  return {};
}

Result<std::vector<Rows>> Connection::run(const Flight& flight) {
  Landing landing = fly(flight);
  if (landing.error) return fail(*std::move(landing.error));
  return std::move(landing.rows);
}

Result<Rows> Connection::ask(const char* sql, Params params) {
  MITO_TRY_ASSIGN(std::vector<Rows> rows, run(Flight().add(sql, std::move(params))));
  return std::move(rows.front());
}

Result<Rows> Connection::ask_once(std::string sql, Params params) {
  MITO_TRY_ASSIGN(std::vector<Rows> rows, run(Flight().once(std::move(sql), std::move(params))));
  return std::move(rows.front());
}

Result<void> Connection::stream(const char* sql, const std::function<Result<void>(Columns&)>& take) {
  if (broken_) return fail(connection_error("it was lost before"));
  auto done = stream_rows(sql, take);
  if (!done) failed_ = true;
  return done;
}

Result<void> Connection::stream_rows(const char* sql, const std::function<Result<void>(Columns&)>& take) {
  auto deadline = steady_clock::now() + patience_;
  if (PQsendQueryParams(handle_, sql, 0, nullptr, nullptr, nullptr, nullptr, kBinary) != 1 ||
      PQsetSingleRowMode(handle_) != 1 || PQpipelineSync(handle_) != 1)
    return fail(lose(PQerrorMessage(handle_)));
  MITO_TRY(push(deadline));
  std::optional<Error> error;
  while (true) {
    MITO_TRY_ASSIGN(pg_result * raw, next(deadline));
    if (raw == nullptr) break;
    const Rows result(raw);
    if (PQresultStatus(raw) == PGRES_SINGLE_TUPLE) {
      deadline = steady_clock::now() + patience_;
      if (error) continue;
      Columns columns = result.row(0);
      if (auto taken = take(columns); !taken) error = taken.error();
    } else if (!succeeded(raw)) {
      if (!error) error = statement_error(raw, sql);
      if (ends_connection(raw) || PQstatus(handle_) == CONNECTION_BAD) {
        broken_ = true;
        return fail(*std::move(error));
      }
    }
  }
  MITO_TRY_ASSIGN(pg_result * sync, next(deadline));
  const Rows end(sync);
  if (sync == nullptr || PQresultStatus(sync) != PGRES_PIPELINE_SYNC)
    return fail(lose("the end of an answer is missing"));
  if (error) return fail(*std::move(error));
  return {};
}

}  // namespace mito::storage::postgres
