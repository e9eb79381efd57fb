#include "protocol/openapi.h"

#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "protocol/openapi_parts.h"
#include "protocol/query.h"
#include "protocol/routes.h"

namespace mito::protocol {
namespace {

namespace json = boost::json;

constexpr json::string_view kIntroduction =
    R"(The HTTP API of a Mitosis coordinator.

Operations marked `x-origin: original` are those of the original Mitosis, bodies and failures included; `mitosis` marks additions, which
programs written for the original never meet.

**Conventions**
- A token is sent as `Authorization: Bearer <token>`. Order of checks: path (404), token (400, 401, 403), method (405), values in the path
  (400), query (400), body (415, 413, 400, 422), then the operation's own checks in the order in which they are listed.
- Failures found by an operation have the body `{"msg":"…"}`; those of malformed requests are plain text.
- An unknown path is answered 404 with an empty body for everybody. A known path with another method is answered 405 with an empty body and
  `Allow`, after the token was checked. `HEAD` works where `GET` does.
- Request bodies are JSON of at most 2 MiB. Unknown members and unknown parameters of the query are ignored; a member given twice is an
  error. A member that may be null may be left out, unless it is required.
- Lists marked `x-set` are sets: order and repetitions do not count.
- Every answer allows every origin (CORS), and every `OPTIONS` request is answered at once.
- 503 and 429 carry `Retry-After`.)";

json::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string_view security_scheme(Auth auth) {
  switch (auth) {
    case Auth::kUser:
      return "user";
    case Auth::kAdmin:
      return "admin";
    case Auth::kWorker:
      return "worker";
    default:
      return {};
  }
}

json::object security_schemes() {
  const auto scheme = [](json::string_view text) {
    return json::object{{"type", "http"}, {"scheme", "bearer"}, {"description", text}};
  };
  return {{"user", scheme("Token of an active user, from `POST /login`.")},
          {"admin", scheme("Token of an active user who is an admin.")},
          {"worker", scheme("Token of a worker, from `POST /workers`.")}};
}

json::object parameter(std::string_view owner, std::string_view place, std::string_view name, json::object schema,
                       json::value example) {
  json::object out{{"name", view(name)}, {"in", view(place)}, {"required", place == "path"}};
  if (const FieldDoc* doc = find_field_doc(owner, name)) out["description"] = view(doc->text);
  out["schema"] = std::move(schema);
  out["example"] = std::move(example);
  return out;
}

/// The type of a parameter of a path, by its name.
const TypeInfo& path_type(std::string_view name) {
  // Members of messages that have these types.
  const std::string_view message = name == "uuid" || name == "content_type" ? "ArtifactReference" : "CreateGroupReq";
  const StructInfo& info = *find_message(message)->type().structure;
  for (const FieldInfo& field : info.fields)
    if (field.name == name) return field.type();
  return info.fields.front().type();
}

void add_path_parameters(const Route& route, json::array& parameters) {
  std::string_view owner = "Path";
  if (route.path.contains("/tasks/")) owner = "TaskPath";
  if (route.path.starts_with("/workers/{uuid}") || route.path.starts_with("/admin/workers")) owner = "WorkerPath";
  std::string_view path = route.path;
  for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{')) {
    const auto close = path.find('}', open);
    std::string_view name = path.substr(open + 1, close - open - 1);
    path.remove_prefix(close + 1);
    if (name.starts_with('*')) name.remove_prefix(1);
    const std::string_view looked_up = name == "key" ? "Path" : owner;
    json::object schema = openapi::schema_of(path_type(name));
    if (name == "key") schema["minLength"] = 1;
    parameters.emplace_back(
        parameter(looked_up, "path", name, std::move(schema), openapi::example_of(looked_up, name, path_type(name))));
  }
}

void add_query_parameters(const Route& route, json::array& parameters) {
  for (const QueryParameter& query : query_parameters(route.query)) {
    json::object schema = openapi::schema_of(*query.type);
    json::value example = openapi::example_of(route.query, query.name, *query.type);
    if (query.repeated) schema = {{"type", "array"}, {"items", std::move(schema)}};
    parameters.emplace_back(parameter(route.query, "query", query.name, std::move(schema), std::move(example)));
  }
  if (!route.path.starts_with("/objects/")) return;
  for (const std::string_view name : {"method", "expires", "length", "signature"})
    parameters.emplace_back(parameter("SignedUrl", "query", name, {{"type", "string"}},
                                      openapi::example_of("SignedUrl", name, path_type("bucket"))));
}

json::object request_body(const Route& route) {
  if (route.endpoint == Endpoint::kPutObject)
    return {{"required", true},
            {"description", "The bytes, as many as were announced."},
            {"content", json::object{{"application/octet-stream", json::object{}}}}};
  const TypeInfo& type = find_message(route.request)->type();
  return {
      {"required", true},
      {"content",
       json::object{{"application/json",
                     json::object{{"schema", openapi::schema_of(type)},
                                  {"examples",
                                   json::object{{"example", json::object{{"value", openapi::example_of(type)}}}}}}}}}};
}

json::object operation(const Route& route, const OperationDoc& doc, std::string_view tag) {
  json::object out{{"operationId", view(route.name)}, {"tags", json::array{view(tag)}}, {"summary", view(doc.summary)}};
  std::string description(doc.description);
  description.append(description.empty() ? "" : "\n\n").append("**Who may:** ").append(doc.permission);
  out["description"] = description;
  out["x-permission"] = view(doc.permission);
  out["x-origin"] = route.endpoint < Endpoint::kOpenApi ? "original" : "mitosis";
  out["security"] = json::array();
  if (const std::string_view scheme = security_scheme(route.auth); !scheme.empty())
    out["security"] = json::array{json::object{{view(scheme), json::array()}}};
  json::array parameters;
  add_path_parameters(route, parameters);
  add_query_parameters(route, parameters);
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  if (!route.request.empty() || route.endpoint == Endpoint::kPutObject) out["requestBody"] = request_body(route);
  out["responses"] = openapi::responses_of(route, doc);
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// `{*key}` is called `{key}` in documents.
std::string template_of(std::string_view path) {
  std::string out(path);
  if (const auto star = out.find("{*"); star != std::string::npos) out.erase(star + 1, 1);
  return out;
}

json::value document() {
  json::array tags;
  json::object paths;
  for (const OperationGroup& group : operation_docs()) {
    tags.emplace_back(json::object{{"name", view(group.tag)}, {"description", view(group.description)}});
    for (const OperationDoc& doc : group.operations) {
      const Route& line = route(doc.endpoint);
      json::value& path = paths[template_of(line.path)];
      if (path.is_null()) path.emplace_object();
      path.get_object()[lower(line.method)] = operation(line, doc, group.tag);
    }
  }
  return json::object{
      {"openapi", "3.1.0"},
      {"info",
       json::object{{"title", "Mitosis coordinator"}, {"version", MITO_VERSION}, {"description", kIntroduction}}},
      {"servers", json::array{json::object{{"url", "/"}}}},
      {"tags", std::move(tags)},
      {"paths", std::move(paths)},
      {"components", json::object{{"securitySchemes", security_schemes()},
                                  {"schemas", openapi::schema_components()},
                                  {"responses", openapi::response_components()}}}};
}

}  // namespace

std::string openapi_json() {
  return json::serialize(document());
}

std::string openapi_yaml() {
  return "# Written from the program's own declarations:\n"
         "# MITO_ACCEPT=1 build/release/bin/unit_protocol --gtest_filter='OpenApi.*'\n" +
         openapi::to_yaml(document());
}

}  // namespace mito::protocol
