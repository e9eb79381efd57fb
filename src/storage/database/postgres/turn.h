#pragma once

#include <memory>
#include <stop_token>
#include <thread>

#include "storage/database/database.h"
#include "storage/database/postgres/connection.h"
#include "storage/database/postgres/target.h"
#include "storage/database/postgres/writer.h"

namespace mito::storage::postgres {

/// Holds the advisory lock that lets one coordinator write at a time, on a connection of its own.
///
/// A thread ("turn") shows the server three times per PostgresSettings::writer_timeout that this process lives; the
/// server ends a session that is silent for longer, and with it the lock. So a frozen coordinator loses its turn as a
/// dead one does. The lock only decides who waits; what is written is guarded by the row of mito_writer. A lock that
/// was lost is taken again unless another writer has appeared meanwhile.
class PostgresTurn final : public Turn {
 public:
  /// Waits for the lock. kCancelled: `stop` was requested.
  static Result<std::unique_ptr<PostgresTurn>> take(const Target& target, std::shared_ptr<const Epoch> epoch,
                                                    const std::stop_token& stop, TurnEvents events);
  ~PostgresTurn() override;

 private:
  PostgresTurn(Target target, std::shared_ptr<const Epoch> epoch, TurnEvents events,
               std::unique_ptr<Connection> connection);
  void keep(const std::stop_token& stop);
  /// False: another coordinator has the turn now.
  bool regain();

  Target target_;
  std::shared_ptr<const Epoch> epoch_;
  TurnEvents events_;
  std::unique_ptr<Connection> connection_;
  std::jthread thread_;
};

}  // namespace mito::storage::postgres
