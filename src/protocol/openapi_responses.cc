#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/uuid.h"
#include "protocol/errors.h"
#include "protocol/openapi_parts.h"

namespace mito::protocol::openapi {
namespace {

namespace json = boost::json;

json::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

/// One body that an operation may answer.
struct Body {
  std::string name;
  std::string when;
  Failure failure;
};

Body body(std::string name, std::string when, Failure failure) {
  return {std::move(name), std::move(when), std::move(failure)};
}

Failure of_code(ErrorCode code, std::string_view text = {}) {
  return failure_of(Error(code, std::string(text)));
}

std::vector<Body> authentication_bodies(Auth auth) {
  if (auth == Auth::kNone || auth == Auth::kEntries) return {};
  std::vector<Body> bodies{
      body("missing_authorization", "There is no `Authorization` header.", missing_authorization()),
      body("bad_authorization", "The header is not `Bearer <token>`.", bad_authorization()),
      body("invalid_token", "The token does not verify.", of_code(ErrorCode::kInvalidToken)),
      body("wrong_credentials",
           auth == Auth::kWorker ? "The worker was removed." : "The user is gone, or the token no longer counts.",
           of_code(ErrorCode::kWrongCredentials))};
  if (auth != Auth::kWorker)
    bodies.push_back(body("inactive_user",
                          auth == Auth::kAdmin ? "The caller is no admin, or not active." : "The user is not active.",
                          of_code(ErrorCode::kPermissionDenied)));
  return bodies;
}

/// What the extractors refuse: path, query, body, in this order.
std::vector<Body> extractor_bodies(const Route& route) {
  std::vector<Body> bodies;
  if (route.path.contains("{uuid}"))
    bodies.push_back(
        body("bad_uuid", "The UUID in the path cannot be read.",
             bad_path("Cannot parse `uuid` with value `abc`: UUID parsing failed: " + Uuid::parse("abc").error())));
  if (route.path.contains("{content_type}"))
    bodies.push_back(body("bad_content_type", "The path names no kind of artifact.",
                          bad_path("unknown variant `x`, expected one of `RESULT`, …")));
  if (route.path.contains('{'))
    bodies.push_back(body("bad_utf8", "A part of the path is not UTF-8.", bad_path("Invalid UTF-8 in `<parameter>`")));
  if (!route.query.empty())
    bodies.push_back(body("bad_query", "A parameter of the query cannot be read.", bad_query("<parameter>: <reason>")));
  if (route.request.empty()) return bodies;
  bodies.push_back(body("bad_content_type", "The body is not announced as JSON.", bad_content_type()));
  bodies.push_back(body("body_too_large", "The body has more than 2 MiB.", body_too_large()));
  bodies.push_back(body("body_unreadable", "The body ends early or is badly chunked.", body_unreadable()));
  DecodeError error;
  error.message = "EOF while parsing an object";
  error.column = 1;
  bodies.push_back(body("not_json", "The body is not JSON.", bad_body(error)));
  error.kind = DecodeError::Kind::kShape;
  error.message = "missing field `<member>`";
  bodies.push_back(body("wrong_shape", "The JSON does not have the shape of the request.", bad_body(error)));
  return bodies;
}

std::vector<Body> own_bodies(const OperationDoc& doc) {
  std::vector<Body> bodies;
  for (const FailureDoc& failure : doc.failures) {
    Failure answer = of_code(failure.code, failure.text);
    if (failure.status != 0)
      answer = {.status = failure.status,
                .content_type = Failure::kJson,
                .body = encode(ErrorMsg{std::string(failure.text)})};
    bodies.push_back(body(std::string(to_string(failure.code)), std::string(failure.when), std::move(answer)));
  }
  return bodies;
}

/// Operations that ask nobody cannot fail but by a bug.
bool needs_nothing(Endpoint endpoint) {
  return endpoint == Endpoint::kHealth || endpoint == Endpoint::kOpenApi || endpoint == Endpoint::kDocs ||
         endpoint == Endpoint::kGuide || endpoint == Endpoint::kGuideIndex || endpoint == Endpoint::kMetrics;
}

std::vector<Body> server_bodies(Endpoint endpoint) {
  std::vector<Body> bodies{
      body("service_panicked", "A bug in the coordinator; its log says more.", service_panicked())};
  if (needs_nothing(endpoint)) return bodies;
  bodies.push_back(body("internal", "Something is broken, or a text holds U+0000; the coordinator's log says more.",
                        of_code(ErrorCode::kInternal)));
  bodies.push_back(body("unavailable",
                        "The database is away or a bound is reached. Try again after `Retry-After` seconds.",
                        of_code(ErrorCode::kUnavailable)));
  return bodies;
}

constexpr std::string_view kTextType = "text/plain";

json::object text_schema() {
  return {{"type", "string"}};
}

/// The answer of one status with all its bodies.
json::object failure_response(const std::vector<Body>& bodies) {
  std::string description;
  json::object json_examples;
  json::object text_examples;
  for (const Body& one : bodies) {
    if (description.find(one.when) == std::string::npos)
      description.append(description.empty() ? "" : "\n").append(one.when);
    const bool is_text = one.failure.content_type == Failure::kText;
    json::object& examples = is_text ? text_examples : json_examples;
    std::string name = one.name;
    for (int i = 2; examples.contains(name); ++i)
      name = one.name + "_" + std::to_string(i);
    examples[name] = json::object{{"summary", one.when},
                                  {"value", is_text ? json::value(one.failure.body) : json::parse(one.failure.body)}};
  }
  json::object content;
  if (!json_examples.empty())
    content["application/json"] =
        json::object{{"schema", json::object{{"$ref", "#/components/schemas/ErrorMsg"}}}, {"examples", json_examples}};
  if (!text_examples.empty())
    content[view(kTextType)] = json::object{{"schema", text_schema()}, {"examples", text_examples}};
  return {{"description", description}, {"content", std::move(content)}};
}

/// Failures that operations of one kind share, and the component that says them.
struct Shared {
  unsigned status;
  std::string_view component;
};
constexpr Shared kShared[] = {{401, "NotAuthenticated"}, {413, "TooLarge"},      {415, "NotAnnouncedAsJson"},
                              {422, "WrongShape"},       {500, "ServerFailure"}, {503, "TryAgain"}};

std::vector<Body> shared_bodies() {
  std::vector<Body> all = authentication_bodies(Auth::kUser);
  Route route;
  route.request = "ErrorMsg";
  for (auto&& more : {extractor_bodies(route), server_bodies(Endpoint::kLogin)})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

json::object json_answer(std::string_view description, json::object schema, json::value example) {
  return {{"description", view(description)},
          {"content",
           json::object{
               {"application/json",
                json::object{{"schema", std::move(schema)},
                             {"examples", json::object{{"example", json::object{{"value", std::move(example)}}}}}}}}}};
}

json::object other_answer(std::string_view description, std::string_view type, json::object schema) {
  return {{"description", view(description)},
          {"content", json::object{{view(type), json::object{{"schema", std::move(schema)}}}}}};
}

json::object stream_answer(const Route& route) {
  switch (route.endpoint) {
    case Endpoint::kOpenApi:
      return other_answer("This document.", "application/json", {{"type", "object"}});
    case Endpoint::kGuidePage: {
      json::object answer = other_answer("A page, or what pages need.", "text/html", text_schema());
      for (const std::string_view type : {"text/css", "text/javascript"})
        answer["content"].as_object()[type] = json::object{{"schema", text_schema()}};
      return answer;
    }
    case Endpoint::kDocs:
    case Endpoint::kGuide:
    case Endpoint::kGuideIndex:
      return other_answer("A page.", "text/html", text_schema());
    case Endpoint::kMetrics:
      return other_answer("Metrics.", kTextType, text_schema());
    case Endpoint::kEvents: {
      json::object answer =
          other_answer("Events, for as long as the caller listens.", "text/event-stream", {{"type", "string"}});
      answer["x-event"] = schema_of(find_message(route.response)->type());
      return answer;
    }
    default:
      return other_answer("The bytes.", "application/octet-stream", {});
  }
}

json::object success(const Route& route) {
  switch (route.answer) {
    case AnswerKind::kEmpty:
      return {{"description", "Done. The body is empty."}};
    case AnswerKind::kNull:
      return json_answer("Done.", {{"type", "null"}}, nullptr);
    case AnswerKind::kText:
      return other_answer("Plain text.", kTextType, text_schema());
    case AnswerKind::kStream:
      return stream_answer(route);
    default:
      break;
  }
  const TypeInfo& type = find_message(route.response)->type();
  json::object answer = json_answer("Done.", schema_of(type), example_of(type));
  if (route.endpoint != Endpoint::kReportTask) return answer;
  json::object& media = answer["content"].as_object()["application/json"].as_object();
  const TypeInfo& next = find_message("ReportTaskNextResp")->type();
  media["schema"] = json::object{{"anyOf", json::array{schema_of(type), schema_of(next)}}};
  media["examples"].as_object()["with_next"] = json::object{{"value", example_of(next)}};
  return answer;
}

}  // namespace

json::object responses_of(const Route& route, const OperationDoc& doc) {
  std::map<unsigned, std::vector<Body>> by_status;
  std::map<unsigned, bool> has_own;
  for (auto&& bodies : {authentication_bodies(route.auth), extractor_bodies(route)})
    for (const Body& one : bodies)
      by_status[one.failure.status].push_back(one);
  for (const Body& one : own_bodies(doc)) {
    by_status[one.failure.status].push_back(one);
    has_own[one.failure.status] = true;
  }
  for (const Body& one : server_bodies(route.endpoint))
    by_status[one.failure.status].push_back(one);

  json::object responses{{"200", success(route)}};
  if (route.endpoint == Endpoint::kGetObject) {
    responses["206"] = other_answer("The range that was asked for.", "application/octet-stream", {});
    responses["416"] = json::object{{"description", "The range lies outside of the object. The body is empty."}};
  }
  for (const auto& [status, bodies] : by_status) {
    const std::string key = std::to_string(status);
    const auto* const shared = std::ranges::find(kShared, status, &Shared::status);
    if (shared != std::end(kShared) && !has_own[status] && !needs_nothing(route.endpoint)) {
      responses[key] = json::object{{"$ref", "#/components/responses/" + std::string(shared->component)}};
    } else {
      responses[key] = failure_response(bodies);
    }
  }
  return responses;
}

json::object response_components() {
  json::object components;
  const std::vector<Body> all = shared_bodies();
  for (const Shared& shared : kShared) {
    std::vector<Body> bodies;
    for (const Body& one : all)
      if (one.failure.status == shared.status) bodies.push_back(one);
    components[view(shared.component)] = failure_response(bodies);
  }
  return components;
}

}  // namespace mito::protocol::openapi
