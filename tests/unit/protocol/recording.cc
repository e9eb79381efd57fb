#include "recording.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <stdexcept>

#include <boost/json.hpp>

namespace mito::protocol::test {
namespace {

namespace json = boost::json;

constexpr std::string_view kUuid = "00000000-0000-0000-0000-000000000000";
constexpr std::string_view kId = "           7";  // Of the width in which the recording sent ids.
constexpr std::string_view kTimestamp = "2025-11-21 23:24:00.123456 +00:00:00";

/// Replaces `<begin>…<end>` by what `fill` makes of the text between.
template <class Fill>
std::string replace_between(std::string text, std::string_view begin, std::string_view end, Fill fill) {
  for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
    const std::size_t close = text.find(end, at);
    if (close == std::string::npos) break;
    const std::string value = fill(text.substr(at + begin.size(), close - at - begin.size()));
    text.replace(at, close + end.size() - at, value);
    at += value.size();
  }
  return text;
}

std::string fill_request(std::string text) {
  return replace_between(std::move(text), "${", "}", [](const std::string& name) {
    if (name == "admin_md5") return std::string("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]");
    return std::string(name.starts_with("id.") ? kId : kUuid);
  });
}

std::string fill_answer(std::string text) {
  for (const std::string_view mark : {"<uuid:", "<differing-uuid:"})
    text = replace_between(std::move(text), mark, ">", [](const std::string&) { return std::string(kUuid); });
  text = replace_between(std::move(text), "\"<id:", ">\"", [](const std::string&) { return std::string("7"); });
  return replace_between(std::move(text), "<timestamp", ">",
                         [](const std::string&) { return std::string(kTimestamp); });
}

/// Bytes that are no UTF-8 were written as `\xff`.
std::string unescape_bytes(std::string text) {
  for (std::size_t at = text.find("\\xff"); at != std::string::npos; at = text.find("\\xff"))
    text.replace(at, 4, "\xff");
  return text;
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? std::string() : std::string(value->as_string());
}

RecordedStep read_step(const json::object& line, const std::string& scenario) {
  const auto& request = line.at("request").as_object();
  const auto& response = line.at("response").as_object();
  RecordedStep step;
  step.scenario = scenario;
  step.name = text_of(line, "step");
  step.method = text_of(request, "method");
  step.path = fill_request(text_of(request, "path"));
  if (const std::size_t mark = step.path.find('?'); mark != std::string::npos) {
    step.query = step.path.substr(mark + 1);
    step.path.resize(mark);
  }
  step.body = unescape_bytes(fill_request(text_of(request, "body")));
  step.body_is_whole = !step.body.starts_with('<');
  step.plain = !request.contains("content_length") && !request.contains("chunked");
  step.status = static_cast<unsigned>(response.at("status").to_number<int>());
  step.allow = text_of(response.at("headers").as_object(), "allow");
  step.answer = fill_answer(text_of(response, "body"));
  return step;
}

std::vector<RecordedStep> read_all() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(MITO_RECORDED_FOLDER))
    files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<RecordedStep> steps;
  for (const auto& file : files) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);)
      steps.push_back(read_step(json::parse(line).as_object(), file.stem().string()));
  }
  if (steps.empty()) throw std::runtime_error("no recording in " MITO_RECORDED_FOLDER);
  return steps;
}

}  // namespace

const std::vector<RecordedStep>& recording() {
  static const std::vector<RecordedStep> kSteps = read_all();
  return kSteps;
}

}  // namespace mito::protocol::test
