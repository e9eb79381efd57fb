#include "storage/database/postgres/schema.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "storage/database/facts.h"
#include "storage/database/postgres/rows.h"

namespace mito::storage::postgres {
namespace {

// Our additions: tables of our own, and columns that may be NULL, so that the original can go on with the database.
// `mito_watch` is explained at Reading::each_active_task. Values of facts are bytes.
constexpr const char* kVersion1[] = {
    "CREATE TABLE mito_writer (id integer PRIMARY KEY CHECK (id = 1), epoch bigint NOT NULL, batch bigint NOT NULL)",
    "INSERT INTO mito_writer VALUES (1, 0, 0)",
    "CREATE TABLE mito_facts (name text PRIMARY KEY, value bytea NOT NULL)",
    R"sql(CREATE TABLE mito_workers (worker_id bigint PRIMARY KEY REFERENCES workers (id)
      ON UPDATE CASCADE ON DELETE CASCADE, lease_ms bigint, features text[] NOT NULL, info text NOT NULL))sql",
    "CREATE TABLE mito_task_details (id bigint PRIMARY KEY, detail text NOT NULL)",
    "ALTER TABLE active_tasks ADD COLUMN mito_losses integer, ADD COLUMN mito_watch integer",
    "ALTER TABLE archived_tasks ADD COLUMN mito_losses integer, ADD COLUMN mito_watch integer",
};

/// The step at index i makes version i + 1 out of version i. Steps that were released are never changed.
const std::vector<std::span<const char* const>> kSteps{kVersion1};

constexpr std::string_view kAdminMigration = kOriginalMigrations[1];
/// Any number, the same in all our programs: who migrates.
constexpr std::int64_t kMigrationLock = 0x6d69'746f'0001;

std::string read_text(Columns& columns) {
  return columns.text();
}

/// What the database holds now.
struct State {
  std::string schema;  ///< Where tables go; empty: nowhere.
  bool may_create = false;
  bool has_tables = false;       ///< One of the names that we need is there.
  bool has_migrations = false;   ///< seaql_migrations.
  std::int64_t our_version = 0;  ///< 0: none of ours.
  std::vector<std::string> migrations;
};

State read_state(Columns& c) {
  return {.schema = c.text(),
          .may_create = c.flag(),
          .has_tables = c.flag(),
          .has_migrations = c.flag(),
          .our_version = c.flag() ? 1 : 0,
          .migrations = {}};
}

Result<State> state_of(Connection& connection) {
  static constexpr const char* kSql =
      "SELECT coalesce(current_schema(), ''), coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),"
      " coalesce(to_regclass('users'), to_regclass('groups'), to_regclass('workers'), to_regclass('active_tasks'))"
      " IS NOT NULL, to_regclass('seaql_migrations') IS NOT NULL, to_regclass('mito_schema') IS NOT NULL";
  MITO_TRY_ASSIGN(std::optional<State> state, one(connection.ask(kSql, {}), read_state));
  if (!state) return fail(ErrorCode::kInternal, "", "no answer about the schema");
  if (state->our_version != 0) {
    MITO_TRY_ASSIGN(state->our_version, number(connection.ask("SELECT version::bigint FROM mito_schema", {})));
  }
  if (state->has_migrations) {
    MITO_TRY_ASSIGN(state->migrations,
                    all(connection.ask("SELECT version::text FROM seaql_migrations ORDER BY version", {}), read_text));
  }
  return *std::move(state);
}

bool is_done(const State& state, std::string_view migration) {
  return std::ranges::find(state.migrations, migration) != state.migrations.end();
}

bool is_up_to_date(const State& state) {
  return state.our_version == static_cast<std::int64_t>(kSteps.size()) &&
         std::ranges::all_of(kOriginalMigrations, [&](auto migration) { return is_done(state, migration); });
}

Result<void> check(const State& state, const Target& target) {
  const std::string role = quote_name(target.role());
  const std::string psql = fmt::format("As superuser (psql -U postgres -d {}) run:\n  ", quote_name(target.database()));
  if (state.schema.empty())
    return fail(
        ErrorCode::kUsage,
        fmt::format("The role {} may not use any schema of the database {}. {}GRANT ALL ON SCHEMA public TO {};",
                    target.role(), target.database(), psql, role));
  for (const std::string& version : state.migrations) {
    if (std::ranges::find(kOriginalMigrations, version) == kOriginalMigrations.end())
      return fail(ErrorCode::kUsage,
                  fmt::format("The database {} was migrated to {}, which this program does not know: it belongs to a "
                              "newer version. Use that version, or another database.",
                              target.database(), version));
  }
  if (state.our_version > static_cast<std::int64_t>(kSteps.size()))
    return fail(ErrorCode::kUsage, fmt::format("The database {} has schema version {}, and this program knows those up "
                                               "to {}: use the newer program that made it.",
                                               target.database(), state.our_version, kSteps.size()));
  if (state.has_tables && !state.has_migrations)
    return fail(
        ErrorCode::kUsage,
        fmt::format("The database {} holds tables of another program, some with names that Mitosis needs. Make "
                    "one of its own. As superuser (psql -U postgres) run:\n  CREATE DATABASE mitosis OWNER {};\n"
                    "and name it in db_url.",
                    target.database(), role));
  if (!state.may_create && !is_up_to_date(state))
    return fail(ErrorCode::kUsage,
                fmt::format("The role {} may not create tables in the schema {} of the database {}. {}GRANT ALL ON "
                            "SCHEMA {} TO {};",
                            target.role(), state.schema, target.database(), psql, quote_name(state.schema), role));
  return {};
}

Result<void> set_fact(Connection& connection, std::string_view name, std::string_view value) {
  MITO_TRY(connection.ask("INSERT INTO mito_facts (name, value) VALUES ($1, $2)", Params::of(name, Binary{value})));
  return {};
}

/// What is to be known later about a database that we find for the first time.
Result<void> remember_origin(Connection& connection, const State& state) {
  if (!state.has_migrations) return {};
  MITO_TRY(set_fact(connection, kOriginFact, kOriginOriginal));
  // The admin is made once in the life of a database.
  if (is_done(state, kAdminMigration)) MITO_TRY(set_fact(connection, kFirstAdminFact, ""));
  return {};
}

Result<void> run_steps(Connection& connection, const Target& target) {
  MITO_TRY(connection.ask("SELECT pg_advisory_xact_lock($1)", Params::of(kMigrationLock)));
  MITO_TRY_ASSIGN(const State state, state_of(connection));
  MITO_TRY(check(state, target));
  if (is_up_to_date(state)) return {};
  Flight original;
  for (const char* statement : original_schema())
    original.once(statement);
  for (const std::string_view migration : kOriginalMigrations) {
    original.once(
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ($1::text, extract(epoch FROM now())::bigint)"
        " ON CONFLICT DO NOTHING",
        Params::of(migration));
  }
  MITO_TRY(connection.run(original));
  Flight ours;
  if (state.our_version == 0)
    ours.once("CREATE TABLE mito_schema (version integer NOT NULL)").once("INSERT INTO mito_schema VALUES (0)");
  for (auto step = static_cast<std::size_t>(state.our_version); step < kSteps.size(); ++step)
    for (const char* statement : kSteps[step])
      ours.once(statement);
  ours.once("UPDATE mito_schema SET version = $1", Params::of(static_cast<std::int32_t>(kSteps.size())));
  MITO_TRY(connection.run(ours));
  if (state.our_version == 0) MITO_TRY(remember_origin(connection, state));
  return {};
}

}  // namespace

Result<void> migrate(const Target& target) {
  // Indexes of large tables take their time.
  PostgresSettings patient = target.settings();
  patient.statement_timeout = std::chrono::hours(6);
  MITO_TRY_ASSIGN(const Target patient_target, Target::parse(patient));
  MITO_TRY_ASSIGN(auto connection, Connection::open(patient_target, Connection::Role::kReader));
  MITO_TRY(connection->ask("BEGIN", {}));
  Result<void> done = run_steps(*connection, target);
  if (done) {
    MITO_TRY(connection->ask("COMMIT", {}));
    return {};
  }
  // The connection ends here, and with it the transaction.
  if (done.error().code() != ErrorCode::kInternal) return done;
  return fail(
      ErrorCode::kUsage,
      fmt::format("The tables of the database {} cannot be made or brought up to date: {}. The role {} must own "
                  "them.",
                  target.describe(), done.error().internal(), target.role()));
}

Result<std::string> inspect(Connection& connection, const Target& target) {
  MITO_TRY_ASSIGN(const State state, state_of(connection));
  MITO_TRY(check(state, target));
  const int version = connection.server_version();
  std::string server = fmt::format("PostgreSQL {}.{}, {}", version / 10'000, version % 10'000, target.describe());
  if (state.our_version != 0) return server;
  return server + (state.has_migrations ? ": made by the original; it is taken over at the first start"
                                        : ": empty; its tables are made at the first start");
}

}  // namespace mito::storage::postgres
