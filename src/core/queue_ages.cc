#include "core/queue_ages.h"

#include <algorithm>
#include <utility>

namespace mito::core {

void QueueAges::submitted(TaskId id, Clock::Monotonic at) {
  for (auto span = spans_.rbegin(); span != spans_.rend() && span->at > at; ++span)
    span->at = at;
  const bool is_new = id > highest_;
  highest_ = std::max(highest_, id);
  if (!spans_.empty() && (!is_new || at - spans_.back().at < kShortest)) return;
  make_room(at);
  spans_.push_back({.first = id, .at = at});
}

// A task that is counted stays in its span: a new span begins with an id above all others, and spans are dropped when
// they count no task, or joined with the next one. Of the joined ones each is a part of its age long, so some 300 cover
// years.
void QueueAges::make_room(Clock::Monotonic now) {
  const auto used = std::ranges::find_if(spans_, [](const Span& span) { return span.queued != 0; });
  spans_.erase(spans_.begin(), used);
  if (spans_.size() < kMaxSpans) return;
  std::vector<Span> joined;
  joined.reserve(kMaxSpans);
  for (std::size_t i = 0; i < spans_.size(); ++i) {
    const auto end = i + 1 < spans_.size() ? spans_[i + 1].at : now;
    if (!joined.empty() && end - joined.back().at <= (now - joined.back().at) / kPartOfAge)
      joined.back().queued += spans_[i].queued;
    else
      joined.push_back(spans_[i]);
  }
  spans_ = std::move(joined);
}

QueueAges::Span& QueueAges::span_of(TaskId id) {
  const auto next = std::ranges::upper_bound(spans_, id, {}, &Span::first);
  return next == spans_.begin() ? spans_.front() : *(next - 1);
}

void QueueAges::add(TaskId id) {
  ++span_of(id).queued;
}

void QueueAges::remove(TaskId id) {
  --span_of(id).queued;
}

std::optional<Clock::Monotonic> QueueAges::oldest() const {
  const auto used = std::ranges::find_if(spans_, [](const Span& span) { return span.queued != 0; });
  if (used == spans_.end()) return std::nullopt;
  return used->at;
}

}  // namespace mito::core
