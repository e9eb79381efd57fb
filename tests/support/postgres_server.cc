#include "support/postgres_server.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <glob.h>
#include <libpq-fe.h>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace mito::testing {
namespace {

/// Starts tests/functional/postgres_server.py; the first line it writes. The end of its input that we keep open ends
/// with this process, and then the server.
std::string start_server() {
  std::array<int, 2> to{};
  std::array<int, 2> from{};
  if (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(to[0], STDIN_FILENO);
    ::dup2(from[1], STDOUT_FILENO);
    ::execlp("python3", "python3", MITO_SOURCE_DIR "/tests/functional/postgres_server.py", nullptr);
    ::_exit(127);
  }
  ::close(to[0]);
  ::close(from[1]);
  std::string line;
  for (char c = 0; ::read(from[0], &c, 1) == 1 && c != '\n';)
    line += c;
  ::close(from[0]);
  return line;
}

}  // namespace

const PostgresServer& PostgresServer::instance() {
  static const PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() {
  if (const char* url = std::getenv("MITO_TEST_POSTGRES")) {
    url_ = url;
    return;
  }
  url_ = start_server();
  if (url_.empty()) throw std::runtime_error("tests/functional/postgres_server.py did not start a server");
}

bool PostgresServer::can_run() {
  if (std::getenv("MITO_TEST_POSTGRES") != nullptr) return true;
  glob_t found{};
  const bool installed = ::glob("/usr/{lib/postgresql/*,pgsql-*}/bin/initdb", GLOB_BRACE, nullptr, &found) == 0;
  ::globfree(&found);
  if (installed) return true;
  const char* path = std::getenv("PATH");
  std::istringstream parts(path != nullptr ? path : "");
  for (std::string folder; std::getline(parts, folder, ':');)
    if (::access((folder + "/initdb").c_str(), X_OK) == 0) return true;
  return false;
}

std::string PostgresServer::run(const std::string& sql, const std::string& database) const {
  const std::string url = database.empty() ? url_ : url_.substr(0, url_.rfind('/') + 1) + database;
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(url.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection.get()));
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(sql + ": " + PQresultErrorMessage(result.get()));
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

std::string PostgresServer::new_database() const {
  static std::atomic<int> count{0};
  const std::string name = "contract_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
  run("CREATE ROLE " + name + " LOGIN PASSWORD '" + name + "'");
  run("CREATE DATABASE " + name + " OWNER " + name);
  return url_of(name, name);
}

std::string PostgresServer::copy_of(const std::string& url) const {
  static std::atomic<int> count{0};
  const std::string original = url.substr(url.rfind('/') + 1);
  const std::string name = original + "_" + std::to_string(++count);
  run("CREATE DATABASE " + name + " TEMPLATE " + original + " OWNER " + original);
  return url_of(original, name);
}

std::string PostgresServer::url_of(const std::string& role, const std::string& database) const {
  const auto host = url_.rfind('@');
  const auto end = url_.rfind('/');
  return "postgres://" + role + ":" + role + url_.substr(host, end - host) + "/" + database;
}

}  // namespace mito::testing
