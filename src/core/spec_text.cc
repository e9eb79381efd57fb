#include "core/spec_text.h"

#include <boost/json.hpp>

namespace mito::core {

namespace json = boost::json;

std::string without_watch(std::string spec) {
  // Keys are stored in alphabetical order, so this is how nearly every spec ends.
  if (spec.ends_with(R"("watch":null})")) return spec;
  boost::system::error_code error;
  json::value value = json::parse(spec, error);
  json::object* const object = error ? nullptr : value.if_object();
  if (object == nullptr) return spec;
  const auto watch = object->find("watch");
  if (watch == object->end() || watch->value().is_null()) return spec;
  watch->value() = nullptr;
  return json::serialize(value);
}

std::optional<TaskResult> read_result(std::string_view result) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(result.data(), result.size()), error);
  const json::object* const object = error ? nullptr : value.if_object();
  if (object == nullptr) return std::nullopt;
  TaskResult read;
  if (const auto* status = object->if_contains("exit_status"); status != nullptr && status->is_int64())
    read.exit_status = static_cast<std::int32_t>(status->get_int64());
  if (const auto* message = object->if_contains("msg"); message != nullptr && message->is_string()) {
    const auto& text = message->get_string();
    read.message = parse_enum<TaskResultMessage>(std::string_view(text.data(), text.size()));
  }
  return read;
}

}  // namespace mito::core
