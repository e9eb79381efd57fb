#pragma once

#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "protocol/api_docs.h"
#include "protocol/schema.h"

// The pieces of which openapi.cc puts the document together. Only for openapi*.cc.
namespace mito::protocol::openapi {

/// The schema of a value: a reference where there is a component of that type.
boost::json::object schema_of(const TypeInfo& type);
/// The schema of a member or parameter with its words, unit, example and default.
boost::json::object described_schema(std::string_view owner, std::string_view name, const TypeInfo& type);
/// A value of the message, or of the type, made of the examples of its members.
boost::json::value example_of(const TypeInfo& type);
/// The same for a member or parameter.
boost::json::value example_of(std::string_view owner, std::string_view name, const TypeInfo& type);
/// `components/schemas`: everything that requests and answers consist of.
boost::json::object schema_components();

/// The answers of an operation.
boost::json::object responses_of(const Route& route, const OperationDoc& doc);
/// `components/responses`: failures that many operations share.
boost::json::object response_components();

/// The text of a document as YAML.
std::string to_yaml(const boost::json::value& document);

}  // namespace mito::protocol::openapi
