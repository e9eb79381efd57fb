#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/result.h"
#include "storage/database/sqlite/connection.h"

struct sqlite3_file;

namespace mito::storage::sqlite {

/// Copies the write-ahead log into the database on a thread of its own ("checkpoints"), so that no commit waits for it.
///
/// A log to which a busy writer appends is never copied to its end, and so never started over. When it has become
/// longer than SqliteSettings::restart_bytes, it is copied until little is missing, and then the writer's next
/// transaction waits for the rest. SQLite's own lock would not do: it is polled, and a writer without pauses always
/// gets it first.
///
/// A log that is in use is also given its room on the volume beforehand (SqliteSettings::room_bytes).
class Checkpoints {
 public:
  /// Opens its own connection and starts the thread.
  static Result<std::unique_ptr<Checkpoints>> start(const SqliteSettings& settings);
  /// Ends the thread; a checkpoint under way is finished. No Turn may be left.
  ~Checkpoints();
  Checkpoints(const Checkpoints&) = delete;
  Checkpoints& operator=(const Checkpoints&) = delete;

  /// Makes `writer` say after each commit how long the log is. This object must outlive the connection.
  void watch(Connection& writer);

  /// A writing transaction: while it lives the log is not started over. Waits for a start under way.
  class Turn {
   public:
    explicit Turn(Checkpoints& checkpoints);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Checkpoints& checkpoints_;
  };

 private:
  struct Pages {
    int step = 0;
    int restart = 0;
    int room_after = 0;
  };
  Checkpoints(std::unique_ptr<Connection> connection, Pages pages, std::int64_t room_bytes, std::filesystem::path path);
  void log_has(int pages);
  void run();
  void copy_and_restart();
  void restart();
  void make_room();
  /// One piece of it; how many bytes the log then has, nothing on failure.
  std::optional<std::int64_t> add_room();
  std::optional<std::int64_t> extend_log(std::int64_t wanted);
  [[nodiscard]] sqlite3_file* log_file() const;
  /// Runs `work` while no transaction is open. False: one took too long.
  bool alone(const std::function<void()>& work);
  /// Answers how many pages were not copied because they came meanwhile; nothing on failure.
  std::optional<int> copy();
  void warn_unless_busy(int code);

  std::unique_ptr<Connection> connection_;
  const Pages pages_;
  const std::int64_t room_bytes_;
  const std::filesystem::path path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int log_pages_ = 0;      ///< As told by the writer.
  int next_at_pages_;      ///< The next copy is made when the log is this long.
  int transactions_ = 0;   ///< Turns that live.
  bool alone_ = false;     ///< No transaction begins.
  bool has_room_ = false;  ///< The log's, or it cannot be had. Its own thread only.
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mito::storage::sqlite
