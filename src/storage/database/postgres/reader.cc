#include "storage/database/postgres/reader.h"

#include <algorithm>
#include <chrono>

namespace mito::storage::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstPause{20};
constexpr milliseconds kLongestPause{500};

}  // namespace

bool Waiting::wait_for(milliseconds time) {
  std::unique_lock lock(mutex_);
  return !ended_.wait_for(lock, time, [this] { return over_; });
}

void Waiting::end() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_all();
}

Result<void> LastingConnection::connect() {
  if (connection_ && !connection_->broken()) return {};
  MITO_TRY_ASSIGN(connection_, Connection::open(target_, Connection::Role::kReader));
  return {};
}

template <class Ask>
Result<Rows> LastingConnection::persist(Ask ask) {
  const auto deadline = steady_clock::now() + target_.settings().read_patience;
  milliseconds pause = kFirstPause;
  // A connection that was kept may have been closed since: one more attempt costs nothing.
  for (bool first = true;; first = false) {
    Result<void> connected = connect();
    Error error(ErrorCode::kUnavailable, "");
    if (connected) {
      Result<Rows> answer = ask(*connection_);
      if (answer || answer.error().code() != ErrorCode::kUnavailable || !connection_->broken()) return answer;
      error = answer.error();
    } else {
      error = connected.error();
    }
    if (first) continue;
    if (steady_clock::now() + pause > deadline || !waiting_->wait_for(pause)) return fail(std::move(error));
    pause = std::min(pause * 2, kLongestPause);
  }
}

Result<Rows> LastingConnection::ask(const char* sql, Params params) {
  return persist([&](Connection& connection) { return connection.ask(sql, params); });
}

Result<Rows> LastingConnection::ask_once(std::string sql, Params params) {
  return persist([&](Connection& connection) { return connection.ask_once(sql, params); });
}

Result<void> LastingConnection::stream(const char* sql, const std::function<Result<void>(Columns&)>& take) {
  MITO_TRY(connect());
  return connection_->stream(sql, take);
}

}  // namespace mito::storage::postgres
