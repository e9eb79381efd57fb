#include "storage/database/postgres/postgres.h"

#include <utility>

#include <fmt/format.h>

#include "storage/database/postgres/connection.h"
#include "storage/database/postgres/reader.h"
#include "storage/database/postgres/schema.h"
#include "storage/database/postgres/target.h"
#include "storage/database/postgres/turn.h"
#include "storage/database/postgres/writer.h"

namespace mito::storage {
namespace {

using postgres::Connection;
using postgres::Target;

/// A first connection, or the reason why there is none with what to do about it.
Result<std::unique_ptr<Connection>> first_connection(const Target& target) {
  auto connection = Connection::open(target, Connection::Role::kReader);
  if (!connection) return fail(target.why_not());
  return connection;
}

class PostgresDatabase final : public Database {
 public:
  PostgresDatabase(Target target, int version) : target_(std::move(target)), version_(version) {}

  Result<std::unique_ptr<Turn>> take_turn(const std::stop_token& stop, TurnEvents events) override {
    return postgres::PostgresTurn::take(target_, epoch_, stop, std::move(events));
  }
  void stop_waiting() override { waiting_->end(); }
  Result<std::unique_ptr<Writer>> open_writer() override { return postgres::PostgresWriter::open(target_, epoch_); }
  Result<std::unique_ptr<Queries>> open_reader() override {
    MITO_TRY_ASSIGN(auto connection, Connection::open(target_, Connection::Role::kReader));
    return std::make_unique<postgres::PostgresReader>(target_, waiting_, std::move(connection));
  }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("PostgreSQL {}.{}, {}", version_ / 10'000, version_ % 10'000, target_.describe());
  }

 private:
  Target target_;
  int version_;
  std::shared_ptr<postgres::Epoch> epoch_ = std::make_shared<postgres::Epoch>(0);
  std::shared_ptr<postgres::Waiting> waiting_ = std::make_shared<postgres::Waiting>();
};

}  // namespace

bool is_postgres_url(std::string_view url) {
  if (url.starts_with("postgres://") || url.starts_with("postgresql://")) return true;
  const auto key = url.substr(0, url.find_first_of(" \t="));
  const auto rest = url.substr(key.size()).find_first_not_of(" \t");
  return !key.empty() && rest != std::string_view::npos && url[key.size() + rest] == '=' &&
         key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
}

Result<std::unique_ptr<Database>> open_postgres(const PostgresSettings& settings) {
  MITO_TRY_ASSIGN(Target target, Target::parse(settings));
  MITO_TRY_ASSIGN(const auto connection, first_connection(target));
  MITO_TRY(postgres::inspect(*connection, target));
  const int version = connection->server_version();
  return std::make_unique<PostgresDatabase>(std::move(target), version);
}

Result<std::string> check_postgres(const PostgresSettings& settings) {
  MITO_TRY_ASSIGN(const Target target, Target::parse(settings));
  MITO_TRY_ASSIGN(const auto connection, first_connection(target));
  return postgres::inspect(*connection, target);
}

}  // namespace mito::storage
