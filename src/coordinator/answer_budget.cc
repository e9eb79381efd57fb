#include "coordinator/answer_budget.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "coordinator/responses.h"

namespace mito::coordinator {

namespace {

constexpr std::size_t kSmall = 64 << 10;

}  // namespace

/// The body of a counted answer.
class AnswerBudget::Counted final : public http::BodySource {
 public:
  Counted(std::atomic<std::uint64_t>& bytes, std::string body) : bytes_(bytes), body_(std::move(body)) {}
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() override { bytes_ -= body_.size(); }

  http::Awaitable<Result<std::size_t>> read(std::span<char> buffer) override {
    const std::size_t count = std::min(buffer.size(), body_.size() - sent_);
    std::memcpy(buffer.data(), body_.data() + sent_, count);
    sent_ += count;
    co_return count;
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return body_.size(); }

 private:
  std::atomic<std::uint64_t>& bytes_;
  const std::string body_;
  std::size_t sent_ = 0;
};

bool AnswerBudget::refuses_more() {
  if (bytes_.load() < limit_) return false;
  ++refused_;
  return true;
}

http::Response AnswerBudget::admit(http::Response response, Refusal refusal) {
  const std::size_t size = response.body.size();
  if (response.source || size <= kSmall) return response;
  const std::uint64_t before = bytes_.fetch_add(size);
  // One that is larger than all we allow is sent when it is alone.
  if (refusal == Refusal::kAllowed && before != 0 && before + size > limit_) {
    bytes_ -= size;
    ++refused_;
    return error_response({ErrorCode::kUnavailable, std::string(kTooManyAnswers)});
  }
  response.source = std::make_unique<Counted>(bytes_, std::move(response.body));
  response.body.clear();
  return response;
}

}  // namespace mito::coordinator
