#include "protocol/query.h"

#include <algorithm>

#include "base/encoding.h"
#include "protocol/spellings.h"
#include "protocol/text.h"
#include "protocol/value_codec.h"

namespace mito::protocol {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;
/// Nothing, or why the parameters are refused.
using Refusal = std::optional<std::string>;

Refusal read(ShutdownOp& value, std::string_view text) {
  const auto parsed = parse_enum<ShutdownOp>(text);
  if (!parsed) return unknown_variant(text, accepted_names<ShutdownOp>());
  value = *parsed;
  return {};
}

Refusal read(Duration& value, std::string_view text) {
  const auto parsed = Duration::parse(text);
  if (!parsed) return "invalid value: string " + show_string(text) + ", expected a duration";
  value = *parsed;
  return {};
}

Refusal read(bool& value, std::string_view text) {
  if (text != "true" && text != "false" && text != "1" && text != "0")
    return "invalid value: string " + show_string(text) + ", expected `true` or `false`";
  value = text == "true" || text == "1";
  return {};
}

Refusal read(std::string& value, std::string_view text) {
  value = text;
  return {};
}

/// A state of tasks or of their execution. `Unknown` is both, and means the latter: tasks are never in that state.
Refusal read(std::variant<TaskState, TaskExecState>& value, std::string_view text) {
  if (const auto state = parse_enum<TaskExecState>(text)) {
    value = *state;
  } else if (const auto task_state = parse_enum<TaskState>(text)) {
    value = *task_state;
  } else {
    return "unknown state `" + std::string(text) +
           "`, expected a task state (`Ready`, …) or an execution state (`ExecSpawned`, …)";
  }
  return {};
}

std::string write(ShutdownOp value) {
  return std::string(to_string(value));
}
std::string write(const Duration& value) {
  return value.to_string();
}
std::string write(bool value) {
  return value ? "true" : "false";
}
std::string write(const std::string& value) {
  return value;
}
std::string write(const std::variant<TaskState, TaskExecState>& value) {
  return std::visit([](auto state) { return std::string(to_string(state)); }, value);
}

/// Takes the parameters one struct knows. The first error stays.
class Decoder {
 public:
  explicit Decoder(Parameters parameters) : parameters_(std::move(parameters)) {}

  template <class T>
  void take(std::string_view name, std::optional<T>& member) {
    if (const std::string* text = single(name)) store(name, read(member.emplace(), *text));
  }
  void take(std::string_view name, bool& member) {
    if (const std::string* text = single(name)) store(name, read(member, *text));
  }
  void take(std::string_view name, std::vector<std::string>& member) {
    for (auto& [key, value] : parameters_)
      if (key == name) member.push_back(std::move(value));
    std::ranges::sort(member);
    const auto repeated = std::ranges::unique(member);
    member.erase(repeated.begin(), repeated.end());
  }

  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

 private:
  const std::string* single(std::string_view name) {
    const std::string* found = nullptr;
    for (const auto& [key, value] : parameters_) {
      if (key != name) continue;
      if (found != nullptr && !refusal_) refusal_ = "duplicate field `" + std::string(name) + "`";
      if (found == nullptr) found = &value;
    }
    return found;
  }
  void store(std::string_view name, Refusal refusal) {
    if (refusal && !refusal_) refusal_ = std::string(name) + ": " + *refusal;
  }

  Parameters parameters_;
  Refusal refusal_;
};

class Encoder {
 public:
  template <class T>
  void take(std::string_view name, const std::optional<T>& member) {
    if (member) add(name, write(*member));
  }
  void take(std::string_view name, bool member) {
    if (member) add(name, write(member));
  }
  void take(std::string_view name, const std::vector<std::string>& member) {
    for (const std::string& value : member)
      add(name, value);
  }

  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  void add(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += '&';
    text_.append(name).append("=").append(percent_encode(value));
  }

  std::string text_;
};

const TypeInfo& state_type() {
  static const std::vector<std::string_view> kNames = [] {
    const auto task = sent_names<TaskState>();
    std::vector<std::string_view> names(task.begin(), task.end());
    for (const std::string_view name : sent_names<TaskExecState>())
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    return names;
  }();
  static const TypeInfo kInfo{.kind = TypeInfo::Kind::kEnum, .spellings = kNames, .accepted = kNames};
  return kInfo;
}

class Describer {
 public:
  template <class T>
  void take(std::string_view name, const std::optional<T>& /*member*/) {
    parameters_.push_back({name, &type_of<T>(), false});
  }
  void take(std::string_view name, const std::optional<std::variant<TaskState, TaskExecState>>& /*member*/) {
    parameters_.push_back({name, &state_type(), false});
  }
  void take(std::string_view name, bool /*member*/) { parameters_.push_back({name, &type_of<bool>(), false}); }
  void take(std::string_view name, const std::vector<std::string>& /*member*/) {
    parameters_.push_back({name, &type_of<std::string>(), true});
  }

  [[nodiscard]] std::vector<QueryParameter> parameters() && { return std::move(parameters_); }

 private:
  std::vector<QueryParameter> parameters_;
};

// One line for each parameter of each struct.
template <class Coder, class Query>
void each_parameter(Coder& coder, Query& query) {
  using T = std::remove_const_t<Query>;
  if constexpr (std::is_same_v<T, WorkerShutdownQuery>) {
    coder.take("op", query.op);
  } else if constexpr (std::is_same_v<T, WaitQuery>) {
    coder.take("wait", query.wait);
  } else if constexpr (std::is_same_v<T, TaskQuery>) {
    coder.take("wait", query.wait);
    coder.take("after", query.after);
    coder.take("detail", query.detail);
  } else if constexpr (std::is_same_v<T, WorkerQuery>) {
    coder.take("detail", query.detail);
  } else if constexpr (std::is_same_v<T, EventsQuery>) {
    coder.take("group", query.group);
  } else if constexpr (std::is_same_v<T, RemoveUserGroupRoleReq>) {
    coder.take("users", query.users);
  } else {
    static_assert(std::is_same_v<T, RemoveGroupWorkerRoleReq>);
    coder.take("groups", query.groups);
  }
}

std::string decode_part(std::string_view text) {
  std::string decoded = percent_decode(text, true);
  return is_utf8(decoded) ? decoded : replace_bad_utf8(decoded);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    parameters.emplace_back(decode_part(part.substr(0, equals)), decode_part(value));
  }
  return parameters;
}

template <class T>
std::expected<T, std::string> decode_query(std::string_view query) {
  T result;
  if (query.empty()) return result;
  Decoder decoder(parse_query(query));
  each_parameter(decoder, result);
  if (decoder.refusal()) return std::unexpected(*decoder.refusal());
  return result;
}

template <class T>
std::string encode_query(const T& query) {
  Encoder encoder;
  each_parameter(encoder, query);
  return std::move(encoder).text();
}

#define MITO_QUERIES(X)  \
  X(WorkerShutdownQuery) \
  X(WaitQuery) X(TaskQuery) X(WorkerQuery) X(EventsQuery) X(RemoveUserGroupRoleReq) X(RemoveGroupWorkerRoleReq)

std::vector<QueryParameter> query_parameters(std::string_view query) {
  Describer describer;
#define MITO_DESCRIBE(T)                \
  if (query == #T) {                    \
    const T message;                    \
    each_parameter(describer, message); \
  }
  MITO_QUERIES(MITO_DESCRIBE)
#undef MITO_DESCRIBE
  return std::move(describer).parameters();
}

#define MITO_INSTANTIATE(T)                                                 \
  template std::expected<T, std::string> decode_query<T>(std::string_view); \
  template std::string encode_query<T>(const T&);
MITO_QUERIES(MITO_INSTANTIATE)
#undef MITO_INSTANTIATE
#undef MITO_QUERIES

}  // namespace mito::protocol
