#include "protocol/openapi.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "protocol/api_docs.h"
#include "protocol/query.h"
#include "protocol/routes.h"
#include "protocol/schema.h"

namespace mito::protocol {
namespace {

namespace json = boost::json;

/// Messages that are part of the document.
std::vector<const StructInfo*> described_structs() {
  const auto schemas = json::parse(openapi_json()).at("components").at("schemas").as_object();
  std::vector<const StructInfo*> out;
  for (const MessageInfo& message : messages())
    if (schemas.contains(std::string(message.name)) && message.type().structure != nullptr)
      out.push_back(message.type().structure);
  return out;
}

TEST(OpenApi, IsWhatTheFileSays) {
  const std::string path = std::string(MITO_SOURCE_DIR) + "/openapi.yaml";
  const std::string expected = openapi_yaml();
  if (std::getenv("MITO_ACCEPT") != nullptr) std::ofstream(path) << expected;
  std::stringstream found;
  found << std::ifstream(path).rdbuf();
  EXPECT_TRUE(found.str() == expected) << "openapi.yaml is stale; its first lines say how to write it anew";
}

TEST(ApiDocs, EveryRouteHasWords) {
  for (const Route& route : routes()) {
    const OperationDoc* doc = find_operation_doc(route.endpoint);
    ASSERT_NE(doc, nullptr) << route.name << " is missing in operation_docs*.cc";
    EXPECT_FALSE(doc->summary.empty()) << route.name;
    EXPECT_FALSE(doc->permission.empty()) << route.name;
  }
  std::set<Endpoint> seen;
  for (const OperationGroup& group : operation_docs())
    for (const OperationDoc& doc : group.operations)
      EXPECT_TRUE(seen.insert(doc.endpoint).second) << name_of(doc.endpoint) << " is described twice";
}

TEST(ApiDocs, EveryMemberHasWordsAndAnExample) {
  ASSERT_GT(described_structs().size(), 80U);
  for (const StructInfo* info : described_structs())
    for (const FieldInfo& field : info->fields) {
      const FieldDoc* doc = find_field_doc(info->name, field.name);
      ASSERT_NE(doc, nullptr) << info->name << "." << field.name << " is missing in field_docs.cc";
      EXPECT_FALSE(doc->text.empty()) << info->name << "." << field.name;
    }
}

TEST(ApiDocs, EveryQueryParameterHasWords) {
  for (const Route& route : routes())
    for (const QueryParameter& parameter : query_parameters(route.query)) {
      const FieldDoc* doc = find_field_doc(route.query, parameter.name);
      ASSERT_NE(doc, nullptr) << route.query << "." << parameter.name;
      EXPECT_FALSE(doc->example.empty()) << route.query << "." << parameter.name;
    }
}

/// Examples of bodies are read by the program itself; the answers' examples come out as they went in.
TEST(OpenApi, ExamplesAreWhatTheProgramReadsAndWrites) {
  const auto document = json::parse(openapi_json());
  std::size_t examples = 0;
  for (const auto& [path, item] : document.at("paths").as_object())
    for (const auto& [method, operation] : item.as_object()) {
      const Route* route = nullptr;
      for (const Route& candidate : routes())
        if (candidate.name == std::string_view(operation.at("operationId").as_string())) route = &candidate;
      ASSERT_NE(route, nullptr);
      const auto check = [&](const json::value& media, std::string_view message) {
        const std::string example =
            json::serialize(media.at("application/json").at("examples").at("example").at("value"));
        const auto recoded = find_message(message)->recode(example);
        ASSERT_TRUE(recoded.has_value()) << message << " " << recoded.error().text() << "\n" << example;
        ++examples;
      };
      if (!route->request.empty()) check(operation.at("requestBody").at("content"), route->request);
      if (route->answer == AnswerKind::kJson) check(operation.at("responses").at("200").at("content"), route->response);
    }
  EXPECT_GT(examples, 80U);
}

TEST(OpenApi, ReferencesLeadSomewhere) {
  const std::string text = openapi_json();
  const auto document = json::parse(text);
  constexpr std::string_view kMark = "\"$ref\":\"#";
  for (auto at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at + 1)) {
    const auto start = at + kMark.size();
    const std::string pointer = text.substr(start, text.find('"', start) - start);
    boost::system::error_code error;
    EXPECT_NE(document.find_pointer(pointer, error), nullptr) << pointer;
  }
}

TEST(OpenApi, SaysWhoMayAndWhatMayGoWrong) {
  const auto document = json::parse(openapi_json());
  const auto& operation = document.at("paths").at("/tasks/{uuid}").at("get");
  EXPECT_EQ(operation.at("security").at(0).as_object().begin()->key(), "user");
  const auto& responses = operation.at("responses").as_object();
  for (const char* status : {"200", "400", "401", "403", "404", "500", "503"})
    EXPECT_TRUE(responses.contains(status)) << status;
  EXPECT_EQ(
      responses.at("404").at("content").at("application/json").at("examples").at("not_found").at("value").at("msg"),
      "Task with uuid <uuid> not found");
}

}  // namespace
}  // namespace mito::protocol
