#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/server.h"

namespace mito::coordinator {

/// Whether an answer may be replaced by a refusal when the memory for answers is used up. Those to workers may not: the
/// original's end on it, and each of them has one at most.
enum class Refusal { kAllowed, kNever };

/// What a refusal says.
inline constexpr std::string_view kTooManyAnswers =
    "Too many large answers wait for their readers: try again later, or ask for fewer with a limit";

/// Bounds the memory of large answers that wait for their readers. Any thread; outlives the answers.
class AnswerBudget {
 public:
  explicit AnswerBudget(std::uint64_t limit) : limit_(limit) {}

  /// The response, whose bytes count until it is sent or given up, or a 503 in its place. Small ones are not counted.
  http::Response admit(http::Response response, Refusal refusal);

  /// Whether another large answer would be refused, so that the work for it can be saved; counts as a refusal.
  bool refuses_more();

  [[nodiscard]] std::uint64_t bytes() const { return bytes_.load(); }
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(); }

 private:
  class Counted;
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace mito::coordinator
