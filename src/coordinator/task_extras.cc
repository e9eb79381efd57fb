#include "coordinator/task_extras.h"

#include <string_view>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace mito::coordinator {

namespace json = boost::json;

namespace {

constexpr std::string_view kWorker = "worker";

/// Nothing: not a JSON object.
std::optional<json::object> object_in(std::string_view text) {
  if (text.empty()) return std::nullopt;
  json::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::optional<std::string> text_member(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return std::string(member->get_string());
}

protocol::TaskWorker worker_of(WorkerUuid uuid, const json::object& info) {
  return {.worker_id = uuid, .host = text_member(info, "host"), .name = text_member(info, "name")};
}

}  // namespace

TaskExtras extras_of(const Services& services, const storage::Task& task, const std::string& stored_detail) {
  TaskExtras extras{
      .exec_state = services.events.latest_exec_state(task.uuid), .worker = std::nullopt, .detail = std::nullopt};
  auto detail = object_in(stored_detail);
  if (task.archived) {
    const json::value* told = detail ? detail->if_contains(kWorker) : nullptr;
    const json::object* info = told != nullptr ? told->if_object() : nullptr;
    if (task.reporter) extras.worker = worker_of(*task.reporter, info != nullptr ? *info : json::object());
  } else if (task.assigned_worker) {
    if (const auto worker = services.directory.worker(*task.assigned_worker))
      extras.worker = worker_of(worker->uuid, object_in(worker->info).value_or(json::object()));
  }
  if (detail) {
    detail->erase(kWorker);
    if (!detail->empty()) extras.detail = protocol::RawObject{json::serialize(*detail)};
  }
  return extras;
}

std::string detail_with_worker(std::string detail, const std::string& info) {
  const auto told = object_in(info);
  json::object worker;
  for (const std::string_view name : {"host", "name"})
    if (const auto text = told ? text_member(*told, name) : std::nullopt) worker.emplace(name, *text);
  // A member of that name is ours alone.
  if (detail.find(kWorker) != std::string::npos) {
    auto sent = object_in(detail);
    if (sent && sent->erase(kWorker) != 0) detail = sent->empty() ? std::string() : json::serialize(*sent);
  }
  if (worker.empty()) return detail;
  const std::string member = "{\"worker\":" + json::serialize(worker);
  const auto first = detail.find_first_not_of(" \t\r\n{");
  if (first == std::string::npos || detail[first] == '}') return member + "}";
  return member + "," + detail.substr(first);
}

}  // namespace mito::coordinator
