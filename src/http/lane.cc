#include "http/lane.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "http/transfer.h"

namespace mito::http {
namespace {

constexpr std::chrono::milliseconds kLongestPoll{60'000};
constexpr long kKeptConnections = 4;  ///< The coordinator and some object stores.

}  // namespace

/// A transfer that libcurl works on; taken from it at the end of its life.
class Lane::Placed {
 public:
  Placed(CURLM* multi, CURL* handle) : multi_(multi), handle_(handle) { curl_multi_add_handle(multi_, handle_); }
  Placed(const Placed&) = delete;
  Placed& operator=(const Placed&) = delete;
  ~Placed() { curl_multi_remove_handle(multi_, handle_); }

  /// Goes on with it; its end, if that was it.
  [[nodiscard]] std::optional<CURLcode> advance() const {
    int running = 0;
    curl_multi_perform(multi_, &running);
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) return message->data.result;
    return std::nullopt;
  }

 private:
  CURLM* multi_;
  CURL* handle_;
};

Lane::Lane(const ClientSettings& settings) : settings_(settings), multi_(curl_multi_init()) {
  if (multi_ != nullptr) curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kKeptConnections);
}

Lane::~Lane() {
  idle_.reset();
  if (multi_ != nullptr) curl_multi_cleanup(multi_);
}

Result<ClientResponse> Lane::run(ClientRequest request, const std::stop_token& stop, const std::stop_token& ending) {
  constexpr Transfer::Id kAlone = 0;
  Transfer transfer(kAlone, std::move(request), stop, {});
  if (stop.stop_requested() || ending.stop_requested()) return fail(transfer.cancelled_error());
  transfer.reuse(idle_.release());
  auto outcome = transfer.prepare(settings_);
  if (!outcome) return fail(std::move(outcome).error());
  const auto wake = [this] { curl_multi_wakeup(multi_); };
  const std::stop_callback on_stop(stop, wake);
  const std::stop_callback on_ending(ending, wake);
  Result<ClientResponse> result;
  {
    const Placed placed(multi_, transfer.handle());
    for (;;) {
      if (const auto code = placed.advance()) {
        result = transfer.result(*code);
        break;
      }
      if (stop.stop_requested() || ending.stop_requested()) {
        result = fail(transfer.cancelled_error());
        break;
      }
      const auto due = transfer.due();
      auto wait = kLongestPoll;
      if (due != Transfer::Clock::time_point::max()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Transfer::Clock::now());
        if (left.count() <= 0) {
          result = fail(transfer.overdue_error());
          break;
        }
        wait = std::min(left, kLongestPoll);
      }
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(wait.count()), nullptr);
    }
  }
  idle_.reset(transfer.release());
  return result;
}

}  // namespace mito::http
