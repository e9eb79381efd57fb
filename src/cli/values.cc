#include "cli/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <fmt/core.h>

#include "cli/suggest.h"
#include "cli/text.h"
#include "client/client.h"
#include "domain/rules.h"
#include "domain/states.h"

namespace mito::cli {

namespace {

std::unexpected<Error> invalid(std::string_view name, std::string_view value, std::string_view reason) {
  return fail(ErrorCode::kUsage, fmt::format("invalid value '{}' for '{}': {}", value, name, reason));
}

template <class Number>
Result<Number> whole_number(std::string_view name, const std::string& text, Number least) {
  Number number{};
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = !digits.empty() && end == digits.data() + digits.size();
  if (!whole || error != std::errc() || number < least) {
    return invalid(name, text,
                   fmt::format("a whole number from {} to {} is needed", least, std::numeric_limits<Number>::max()));
  }
  return number;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

template <class Id>
Result<Id> uuid_value(std::string_view name, const std::string& text) {
  const auto uuid = Uuid::parse(text);
  if (!uuid) return invalid(name, text, uuid.error());
  return Id{*uuid};
}

template <class Id>
Result<std::vector<Id>> uuid_list(std::string_view name, const std::vector<std::string>& texts) {
  std::vector<Id> ids;
  for (const auto& text : texts) {
    for (const auto& part : split(text, ',')) {
      MITO_TRY_ASSIGN(const Id id, uuid_value<Id>(name, part));
      ids.push_back(id);
    }
  }
  return ids;
}

Result<Resource> artifact_resource(std::string_view name, const std::string& text, std::string_view rest) {
  const auto parts = split(rest, ':');
  if (parts.size() != 3) {
    return invalid(name, text,
                   fmt::format("artifact format requires exactly 3 parts separated by ':' "
                               "(uuid:content_type:local_path), got {} parts in '{}'",
                               parts.size(), rest));
  }
  MITO_TRY_ASSIGN(const TaskUuid uuid, uuid_value<TaskUuid>(name, parts[0]));
  std::string type = parts[1];
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto content_type = parse_enum<ArtifactContentType>(type);
  if (!content_type)
    return invalid(
        name, text,
        fmt::format("invalid artifact content type '{}', expected one of: result, exec-log, std-log", parts[1]));
  return Resource{.remote_file = ArtifactReference{.uuid = uuid, .content_type = *content_type},
                  .local_path = parts[2]};
}

Result<Resource> attachment_resource(std::string_view name, const std::string& text, std::string_view rest) {
  const auto parts = split(rest, ':');
  if (parts.size() != 2) {
    return invalid(
        name, text,
        fmt::format(
            "attachment format requires exactly 2 parts separated by ':' (key:local_path), got {} parts in '{}'",
            parts.size(), rest));
  }
  return Resource{.remote_file = AttachmentReference{.key = client::clean_key(parts[0])}, .local_path = parts[1]};
}

}  // namespace

Result<Duration> duration_value(std::string_view name, const std::string& text) {
  auto duration = Duration::parse(text);
  if (!duration) return invalid(name, text, duration.error().text());
  return *duration;
}

Result<std::int32_t> number_value(std::string_view name, const std::string& text) {
  return whole_number(name, text, std::numeric_limits<std::int32_t>::min());
}

Result<std::uint64_t> count_value(std::string_view name, const std::string& text, std::uint64_t least) {
  MITO_TRY_ASSIGN(const auto number, whole_number(name, text, static_cast<std::int64_t>(least)));
  return static_cast<std::uint64_t>(number);
}

Result<TaskUuid> task_uuid(std::string_view name, const std::string& text) {
  return uuid_value<TaskUuid>(name, text);
}
Result<WorkerUuid> worker_uuid(std::string_view name, const std::string& text) {
  return uuid_value<WorkerUuid>(name, text);
}

Result<std::vector<TaskUuid>> task_uuids(std::string_view name, const std::vector<std::string>& texts) {
  return uuid_list<TaskUuid>(name, texts);
}

Result<std::vector<WorkerUuid>> worker_uuids(std::string_view name, const std::vector<std::string>& texts) {
  return uuid_list<WorkerUuid>(name, texts);
}

Result<std::map<std::string, std::string>> environment_value(std::string_view name,
                                                             const std::vector<std::string>& texts) {
  std::map<std::string, std::string> environment;
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos)
      return invalid(name, text, fmt::format("invalid KEY=value: no `=` found in `{}`", text));
    if (equals == 0) return invalid(name, text, "the name before the `=` is missing");
    environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return environment;
}

Result<std::vector<Resource>> resources_value(std::string_view name, const std::vector<std::string>& texts) {
  constexpr std::string_view kArtifact = "artifact=";
  constexpr std::string_view kAttachment = "attachment=";
  std::vector<Resource> resources;
  for (const auto& text : texts) {
    const std::string_view view = text;
    if (view.starts_with(kArtifact)) {
      MITO_TRY_ASSIGN(auto resource, artifact_resource(name, text, view.substr(kArtifact.size())));
      resources.push_back(std::move(resource));
    } else if (view.starts_with(kAttachment)) {
      MITO_TRY_ASSIGN(auto resource, attachment_resource(name, text, view.substr(kAttachment.size())));
      resources.push_back(std::move(resource));
    } else {
      return invalid(name, text,
                     fmt::format("resource string must start with 'artifact=' or 'attachment=', got '{}'", text));
    }
  }
  return resources;
}

Result<Watch> watch_value(std::string_view name, const std::string& text) {
  const auto comma = text.find(',');
  if (comma == std::string::npos)
    return invalid(name, text, fmt::format("invalid watched task: no `,` found in `{}`", text));
  MITO_TRY_ASSIGN(const TaskUuid task, uuid_value<TaskUuid>(name, text.substr(0, comma)));
  const std::string state_name = text.substr(comma + 1);
  const auto state = parse_enum<TaskExecState>(state_name);
  if (!state || *state == TaskExecState::kUnknown) {
    std::vector<std::string> names;
    std::string all;
    for (const auto& spelling : accepted_spellings<TaskExecState>()) {
      if (spelling.value == TaskExecState::kUnknown) continue;
      names.emplace_back(spelling.name);
      all += fmt::format("{}{}", all.empty() ? "" : ", ", spelling.name);
    }
    return invalid(name, text,
                   fmt::format("no state is called '{}'{} [possible values: {}]", state_name,
                               did_you_mean(state_name, names), all));
  }
  return Watch{.task = task, .state = *state};
}

Result<protocol::Roles> roles_value(std::string_view name, const std::vector<std::string>& texts,
                                    std::string_view what) {
  protocol::Roles roles;
  for (const auto& text : texts) {
    const auto colon = text.find(':');
    if (colon == std::string::npos)
      return invalid(name, text, fmt::format("invalid key-value pair: no `:` found in `{}`", text));
    const auto role = parse_enum<Role>(text.substr(colon + 1));
    if (!role) {
      return invalid(name, text,
                     fmt::format("Invalid {}: {} [possible values: read, write, admin]", what, text.substr(colon + 1)));
    }
    roles[text.substr(0, colon)] = *role;
  }
  return roles;
}

std::vector<TaskState> task_states(const std::vector<std::string>& texts) {
  constexpr std::array kStates{TaskState::kPending,  TaskState::kReady,     TaskState::kRunning,
                               TaskState::kFinished, TaskState::kCancelled, TaskState::kUnknown};
  std::vector<TaskState> states;
  for (const auto state : kStates) {
    std::string name(to_string(state));
    name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
    if (std::ranges::find(texts, name) != texts.end()) states.push_back(state);
  }
  return states;
}

std::vector<Role> roles(const std::vector<std::string>& texts) {
  std::vector<Role> found;
  for (const auto& text : texts)
    if (const auto role = parse_enum<Role>(text)) found.push_back(*role);
  return found;
}

Result<ArtifactContentType> content_type_value(std::string_view name, const std::string& text) {
  if (const auto type = parse_enum<ArtifactContentType>(text)) return *type;
  return invalid(name, text,
                 fmt::format("no artifact is called so{} [possible values: result, exec-log, std-log]",
                             did_you_mean(text, std::vector<std::string>{"result", "exec-log", "std-log"})));
}

Result<std::string> comparison_value(std::string_view name, const std::string& text) {
  if (const auto filter = NumberFilter::parse(text); !filter)
    return invalid(name, text, filter.error().text() + "; write N, =N, !=N, <N, <=N, >N or >=N");
  return text;
}

Result<std::string> exit_status_value(std::string_view name, const std::string& text) {
  constexpr std::string_view kRaw = "raw:";
  if (text.starts_with(kRaw)) return comparison_value(name, text.substr(kRaw.size()));
  MITO_TRY(comparison_value(name, text));
  const auto filter = *NumberFilter::parse(text);
  if (filter.value < 0 || filter.value > 255) return text;
  const std::int32_t raw = filter.value * 256;
  switch (filter.op) {
    case NumberFilter::Operator::kEqual:
      return fmt::format("={}", raw);
    case NumberFilter::Operator::kNotEqual:
      return fmt::format("!={}", raw);
    case NumberFilter::Operator::kLess:
      return fmt::format("<{}", raw);
    case NumberFilter::Operator::kLessEqual:
      return fmt::format("<{}", raw + 256);
    case NumberFilter::Operator::kGreater:
      return fmt::format(">={}", raw + 256);
    case NumberFilter::Operator::kGreaterEqual:
      return fmt::format(">={}", raw);
  }
  return text;
}

Error with_names(const Error& error, const std::vector<std::string>& names) {
  if (!error.text().ends_with("do not exist")) return error;
  return {error.code(), fmt::format("{}: {}{}", error.text(), names.size() > 1 ? "one or more of " : "", join(names))};
}

std::vector<std::string> names_of(const protocol::Roles& roles) {
  std::vector<std::string> names;
  for (const auto& [name, role] : roles)
    names.push_back(name);
  return names;
}

}  // namespace mito::cli
