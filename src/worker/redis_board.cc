#include "worker/redis_board.h"

#include <string_view>

#include "base/logging.h"
#include "redis/task_states.h"

namespace mito::worker {
namespace {

constexpr log::Source kLog{"netmito::worker"};
constexpr std::chrono::seconds kAnswerTimeout{1};

}  // namespace

Result<std::shared_ptr<RedisBoard>> RedisBoard::open(const std::string& url) {
  redis::ClientSettings settings;
  MITO_TRY_ASSIGN(settings.address, redis::Address::parse(url));
  return std::shared_ptr<RedisBoard>(new RedisBoard(std::move(settings)));
}

void RedisBoard::announce(const TaskUuid& task, TaskExecState state, std::chrono::seconds timeout) {
  client_.send(redis::announcement(task, state, redis::state_life(state, timeout)));
}

Result<redis::Listening> RedisBoard::listen(const TaskUuid& task, OnChange on_change) {
  auto shared = std::make_shared<OnChange>(std::move(on_change));
  redis::Client::Callbacks callbacks;
  callbacks.message = [shared](std::string_view, std::string_view payload) {
    const auto state = redis::parse_state(payload);
    if (state) (*shared)(state);
  };
  callbacks.joined = [shared] { (*shared)(std::nullopt); };
  return client_.listen({redis::Topic::Kind::kChannel, redis::task_key(task)}, std::move(callbacks));
}

std::optional<TaskExecState> RedisBoard::state_of(const TaskUuid& task) {
  const auto reply = client_.ask({"GET", redis::task_key(task)}, kAnswerTimeout);
  if (!reply || reply->kind != redis::Reply::Kind::kText) return std::nullopt;
  return redis::parse_state(reply->text);
}

std::shared_ptr<RedisBoard> RedisBoards::get(const std::optional<std::string>& url) {
  if (!url) return nullptr;
  auto current = current_.lock();
  if (current->url == *url)
    if (auto board = current->board.lock()) return board;
  auto board = RedisBoard::open(*url);
  if (!board) {
    kLog.warn("Worker cannot setup redis conn: {}", board.error().text());
    return nullptr;
  }
  *current = {*url, *board};
  return std::move(*board);
}

}  // namespace mito::worker
