#include "storage/database/postgres/target.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <libpq-fe.h>
#include <memory>
#include <poll.h>
#include <string_view>

#include <fmt/format.h>

namespace mito::storage::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How long the attempt that asks for the reason may take.
constexpr milliseconds kDiagnosis{5'000};

/// What we ask for where the URL says nothing: a peer that is gone is noticed within half a minute.
constexpr std::pair<const char*, const char*> kDefaults[] = {
    {"application_name", "mitosis"}, {"connect_timeout", "5"},  {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},    {"keepalives_count", "4"}, {"tcp_user_timeout", "30000"},
    {"client_encoding", "UTF8"},
};

std::string trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.remove_suffix(1);
  return std::string(text);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody changes the environment
  return value != nullptr ? value : "";
}

using Option = std::pair<std::string, std::string>;
using Handle = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

Handle start_connecting(const std::vector<Option>& options) {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : options) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  return {PQconnectStartParams(keys.data(), values.data(), 0), &PQfinish};
}

/// libpq's complaint about a text of the user. What it quotes may be a password that stands in the wrong place, unless
/// it is the name of an option.
std::string without_quotations(std::string_view message) {
  std::string out = trimmed(message);
  constexpr std::string_view kHarmless[] = {"invalid connection option", "invalid URI query parameter",
                                            "invalid sslmode value", "definition of service"};
  if (std::ranges::any_of(kHarmless, [&](std::string_view begin) { return out.starts_with(begin); })) return out;
  const auto first = out.find('"');
  const auto last = out.rfind('"');
  if (first != std::string::npos && last > first) out.replace(first + 1, last - first - 1, "…");
  return out;
}

Error not_understood(std::string_view message) {
  return {ErrorCode::kUsage,
          fmt::format("The PostgreSQL database is not understood: {}. Write it as postgres://role:password@host:5432/"
                      "database or as 'host=… port=5432 dbname=… user=… password=…'.",
                      without_quotations(message))};
}

bool is_about_tls(std::string_view message) {
  return message.find("SSL") != std::string_view::npos || message.find("certificate") != std::string_view::npos;
}

/// `FATAL:  3D000: database "x" does not exist` and a line with the place in the server's source.
std::pair<std::string, std::string> taken_apart(std::string_view message) {
  const auto mark = message.find("FATAL:  ");
  if (mark == std::string_view::npos) return {"", trimmed(message)};
  std::string_view rest = message.substr(mark + 8);
  rest = rest.substr(0, rest.find('\n'));
  constexpr std::size_t kCode = 5;
  if (rest.size() < kCode + 2 || rest.substr(kCode, 2) != ": ") return {"", std::string(rest)};
  return {std::string(rest.substr(0, kCode)), std::string(rest.substr(kCode + 2))};
}

}  // namespace

std::string quote_name(const std::string& name) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  const bool digit_first = !name.empty() && name.front() >= '0' && name.front() <= '9';
  if (!name.empty() && !digit_first && std::ranges::all_of(name, is_plain)) return name;
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted += '"';
}

Result<Target> Target::parse(const PostgresSettings& settings) {
  char* error = nullptr;
  const Options options(PQconninfoParse(settings.url.c_str(), &error), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> message(error, &PQfreemem);
  if (!options) return fail(not_understood(message ? message.get() : "out of memory"));
  Target target(settings);
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr) target.options_.emplace_back(option->keyword, option->val);
  MITO_TRY(target.resolve());
  return target;
}

// libpq reads its environment and its service file when it begins to connect. Here it is made to begin, at a socket
// that does not exist; what it then says is everything but the host and the port that a service file or the environment
// name.
Result<void> Target::resolve() {
  std::string host;
  std::string port;
  for (const auto& [key, value] : options_) {
    if (key == "host" || (key == "hostaddr" && host.empty())) host = value;
    if (key == "port") port = value;
  }
  std::vector<Option> elsewhere = options_;
  std::erase_if(elsewhere, [](const Option& option) {
    return option.first == "host" || option.first == "hostaddr" || option.first == "port";
  });
  elsewhere.emplace_back("host", "/nonexistent");
  elsewhere.emplace_back("port", "5432");
  const Handle probe = start_connecting(elsewhere);
  if (!probe) return fail(not_understood("out of memory"));
  const std::string_view message = PQerrorMessage(probe.get());
  const bool began = PQstatus(probe.get()) != CONNECTION_BAD || message.starts_with("connection to server");
  if (PQuser(probe.get()) == nullptr || !began) return fail(not_understood(message));
  const Options resolved(PQconninfo(probe.get()), &PQconninfoFree);
  if (!resolved) return fail(not_understood("out of memory"));
  std::vector<std::string> chosen;
  for (const PQconninfoOption* option = resolved.get(); option->keyword != nullptr; ++option) {
    const std::string_view key = option->keyword;
    if (option->val == nullptr) continue;
    chosen.emplace_back(key);
    if (key == "user") role_ = option->val;
    if (key == "dbname") database_ = option->val;
    if (key == "service" && host.empty()) host = fmt::format("the service {}", option->val);
  }
  for (const auto& [key, value] : kDefaults)
    if (std::ranges::find(chosen, key) == chosen.end()) options_.emplace_back(key, value);
  if (host.empty()) host = environment("PGHOST");
  if (host.empty()) host = environment("PGHOSTADDR");
  if (port.empty()) port = environment("PGPORT");
  if (host.empty()) host = "the local socket";
  place_ = port.empty() ? host : fmt::format("{}:{}", host, port);
  return {};
}

pg_conn* Target::connect() const {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : options_) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectdbParams(keys.data(), values.data(), 0);
}

// PQconnectdb tells errors in the server's language only; with this verbosity their code comes first.
Target::Attempt Target::attempt() const {
  const Handle connection = start_connecting(options_);
  if (!connection) return {"", "out of memory"};
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  const auto deadline = steady_clock::now() + kDiagnosis;
  auto wanted = PGRES_POLLING_WRITING;
  while (wanted != PGRES_POLLING_OK && wanted != PGRES_POLLING_FAILED && PQstatus(connection.get()) != CONNECTION_BAD) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return {"", "no answer within 5 s"};
    pollfd file{.fd = PQsocket(connection.get()),
                .events = static_cast<short>(wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT),
                .revents = 0};
    if (::poll(&file, 1, static_cast<int>(left)) == 0) continue;
    wanted = PQconnectPoll(connection.get());
  }
  if (wanted == PGRES_POLLING_OK) return {"", ""};
  auto [code, message] = taken_apart(PQerrorMessage(connection.get()));
  return {std::move(code), std::move(message)};
}

Error Target::why_not() const {
  const Attempt known = attempt();
  const std::string role = quote_name(role_);
  const std::string database = quote_name(database_);
  const std::string create_role = fmt::format("CREATE ROLE {} LOGIN PASSWORD '<the password in the URL>';", role);
  if (known.sqlstate == "3D000")
    return {ErrorCode::kUsage,
            fmt::format("The PostgreSQL server at {} has no database {}. As its superuser (psql -U postgres) run:\n  "
                        "CREATE DATABASE {} OWNER {};",
                        place_, database_, database, role)};
  if (known.sqlstate == "28000" && known.message.find(role_) != std::string::npos &&
      known.message.find("pg_hba") == std::string::npos)
    return {ErrorCode::kUsage,
            fmt::format("The PostgreSQL server at {} refuses the role {}: {}. When it is missing, run as superuser "
                        "(psql -U postgres):\n  {}\n  CREATE DATABASE {} OWNER {};",
                        place_, role_, known.message, create_role, database, role)};
  if (known.sqlstate == "28P01")
    return {ErrorCode::kUsage,
            fmt::format("The PostgreSQL server at {} refuses the password of the role {}, or there is no such role. "
                        "As its superuser (psql -U postgres) run one of:\n  {}\n  ALTER ROLE {} PASSWORD '<the "
                        "password in the URL>';",
                        place_, role_, create_role, role)};
  if (known.sqlstate == "42501")
    return {ErrorCode::kUsage,
            fmt::format("The role {} may not connect to the database {} at {}. As superuser (psql -U postgres) run:\n  "
                        "GRANT CONNECT ON DATABASE {} TO {};",
                        role_, database_, place_, database, role)};
  if (known.sqlstate == "28000")
    return {ErrorCode::kUsage,
            fmt::format("The PostgreSQL server at {} does not let us in: {}. Look at its pg_hba.conf, or at sslmode in "
                        "the URL.",
                        place_, known.message)};
  if (known.sqlstate.empty() && is_about_tls(known.message))
    return {
        ErrorCode::kUsage,
        fmt::format("No TLS connection to the PostgreSQL database {}: {}. Look at sslmode, sslrootcert, sslcert and "
                    "sslkey in db_url, and at the server's certificate.",
                    describe(), known.message)};
  return {ErrorCode::kUnavailable,
          fmt::format("The PostgreSQL database {} cannot be reached: {}. Is the server running, and is the address in "
                      "db_url right?",
                      describe(), known.message.empty() ? "the connection was closed" : known.message)};
}

std::string Target::describe() const {
  return fmt::format("{} at {} as {}", database_, place_, role_);
}

}  // namespace mito::storage::postgres
