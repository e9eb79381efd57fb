#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "storage/database/sqlite/connection.h"

namespace mito::storage::sqlite {

/// Copies the write-ahead log into the database on a thread of its own ("checkpoints"), so that no commit waits for it.
///
/// A log that is copied while the writer goes on never ends by itself; when it has become longer than
/// SqliteSettings::restart_bytes the writer is locked out for as long as the last few pages take, and starts it over.
class Checkpoints {
 public:
  /// Opens its own connection and starts the thread.
  static Result<std::unique_ptr<Checkpoints>> start(const SqliteSettings& settings);
  /// Ends the thread; a checkpoint under way is finished.
  ~Checkpoints();
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;

  /// Says how long the log is after a commit, in pages. Any thread; never waits for a checkpoint.
  void log_has(int pages);
  /// Makes `writer` call log_has after each commit. This object must outlive the connection.
  void watch(Connection& writer);

 private:
  Checkpoints(std::unique_ptr<Connection> connection, int step_pages, int restart_pages);
  void run();
  void checkpoint();

  std::unique_ptr<Connection> connection_;
  int step_pages_;
  int restart_pages_;
  std::mutex mutex_;
  std::condition_variable wake_;
  int log_pages_ = 0;  ///< As told by the writer.
  int next_at_pages_;  ///< A checkpoint is made when the log is this long.
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mito::storage::sqlite
