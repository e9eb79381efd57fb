#include <algorithm>
#include <deque>
#include <vector>

#include "base/encoding.h"
#include "protocol/routes.h"
#include "protocol/spellings.h"
#include "protocol/text.h"

namespace mito::protocol {
namespace {

/// The methods of one path.
struct Resource {
  std::vector<const Route*> routes;
  std::string allow;        ///< `GET,HEAD,DELETE`
  Auth auth = Auth::kNone;  ///< In front of the answer to a wrong method.
};

/// A point between two segments of the paths. Fixed segments win over parameters, those over rests.
struct Node {
  struct Child {
    std::string_view segment;
    Node* node;
  };
  std::vector<Child> fixed;
  Node* parameter = nullptr;
  const Resource* here = nullptr;
  const Resource* rest = nullptr;
};

/// The path up to the next slash, which both lose.
std::string_view take_segment(std::string_view& path) {
  const std::size_t slash = path.find('/');
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return segment;
}

bool is_last(std::string_view path) {
  return !path.contains('/');
}

class Tree {
 public:
  Tree() {
    for (const Route& route : routes())
      add(route);
    for (Resource& resource : resources_)
      complete(resource);
  }

  const Resource* find(std::string_view path, Match& match) const {
    if (!path.starts_with('/')) return nullptr;
    return find(nodes_.front(), path.substr(1), match);
  }

 private:
  void add(const Route& route) {
    Node* node = &nodes_.front();
    std::string_view path = route.path.substr(1);
    while (true) {
      if (path.starts_with("{*")) return resource_at(node->rest).routes.push_back(&route);
      const bool last = is_last(path);
      node = child(*node, take_segment(path));
      if (last) return resource_at(node->here).routes.push_back(&route);
    }
  }

  Node* child(Node& parent, std::string_view segment) {
    if (segment.starts_with('{')) {
      if (parent.parameter == nullptr) parent.parameter = &nodes_.emplace_back();
      return parent.parameter;
    }
    for (const auto& [name, node] : parent.fixed)
      if (name == segment) return node;
    return parent.fixed.emplace_back(segment, &nodes_.emplace_back()).node;
  }

  Resource& resource_at(const Resource*& place) {
    if (place == nullptr) place = &resources_.emplace_back();
    return *std::ranges::find_if(resources_, [&](const Resource& resource) { return &resource == place; });
  }

  static void complete(Resource& resource) {
    // `/workers` serves workers and users; the original checks for a user there (reference/server.md 1.1).
    resource.auth = resource.routes.front()->auth;
    for (const Route* route : resource.routes) {
      if (route->auth == Auth::kUser) resource.auth = Auth::kUser;
      if (!resource.allow.empty()) resource.allow += ',';
      resource.allow += route->method;
      if (route->method == "GET") resource.allow += ",HEAD";
    }
  }

  const Resource* find(const Node& node, std::string_view path, Match& match) const {
    const bool last = is_last(path);
    std::string_view below = path;
    const std::string_view segment = take_segment(below);
    for (const auto& [name, child] : node.fixed) {
      if (name != segment) continue;
      if (const Resource* found = last ? child->here : find(*child, below, match)) return found;
      break;
    }
    const std::size_t depth = match.parameter_count;
    if (node.parameter != nullptr && !(last && segment.empty())) {
      match.parameters[match.parameter_count++] = segment;
      if (const Resource* found = last ? node.parameter->here : find(*node.parameter, below, match)) return found;
      match.parameter_count = depth;
    }
    if (node.rest == nullptr || path.empty()) return nullptr;
    match.parameters[match.parameter_count++] = path;
    return node.rest;
  }

  std::deque<Node> nodes_ = std::deque<Node>(1);  // Addresses stay.
  std::deque<Resource> resources_;
};

const Tree& tree() {
  static const Tree instance;
  return instance;
}

/// The next parameter's name in a path of the table (`uuid`, `key`), or nothing.
std::string_view take_parameter(std::string_view& path) {
  const std::size_t open = path.find('{');
  if (open == std::string_view::npos) return {};
  const std::size_t close = path.find('}', open);
  std::string_view name = path.substr(open + 1, close - open - 1);
  path.remove_prefix(close + 1);
  if (name.starts_with('*')) name.remove_prefix(1);
  return name;
}

}  // namespace

Match match(std::string_view method, std::string_view path) {
  Match result;
  const Resource* resource = tree().find(path, result);
  if (resource == nullptr) return {};
  result.allow = resource->allow;
  const std::string_view looked_for = method == "HEAD" ? "GET" : method;
  const auto found = std::ranges::find(resource->routes, looked_for, &Route::method);
  if (found == resource->routes.end()) {
    result.kind = Match::Kind::kWrongMethod;
    result.auth = resource->auth;
  } else {
    result.kind = Match::Kind::kEndpoint;
    result.endpoint = (*found)->endpoint;
    result.auth = (*found)->auth;
  }
  return result;
}

std::expected<PathArguments, std::string> parse_path(const Match& match) {
  std::array<std::string_view, 2> names;
  std::array<std::string, 2> values;
  std::string_view path = route(match.endpoint).path;
  // All are decoded before the first is looked at, as the original does.
  for (std::size_t i = 0; i < match.parameter_count; ++i) {
    names[i] = take_parameter(path);
    values[i] = percent_decode(match.parameters[i]);
    if (!is_utf8(values[i])) return std::unexpected("Invalid UTF-8 in `" + std::string(names[i]) + "`");
  }
  PathArguments arguments;
  for (std::size_t i = 0; i < match.parameter_count; ++i) {
    if (names[i] == "uuid") {
      const auto uuid = Uuid::parse(values[i]);
      if (!uuid)
        return std::unexpected("Cannot parse `uuid` with value `" + values[i] +
                               "`: UUID parsing failed: " + uuid.error());
      arguments.uuid = *uuid;
    } else if (names[i] == "content_type") {
      const auto type = parse_enum<ArtifactContentType>(values[i]);
      if (!type) return std::unexpected(unknown_variant(values[i], accepted_names<ArtifactContentType>()));
      arguments.content_type = *type;
    } else if (names[i] == "username") {
      arguments.username = std::move(values[i]);
    } else if (names[i] == "group_name") {
      arguments.group_name = std::move(values[i]);
    } else if (names[i] == "bucket") {
      arguments.bucket = std::move(values[i]);
    } else {
      arguments.key = std::move(values[i]);
    }
  }
  return arguments;
}

std::string make_path(Endpoint endpoint, std::span<const std::string_view> parameters) {
  std::string out;
  std::string_view path = route(endpoint).path;
  for (const std::string_view parameter : parameters) {
    const std::size_t open = path.find('{');
    if (open == std::string_view::npos) break;
    out += path.substr(0, open);
    out += percent_encode(parameter, path.substr(open).starts_with("{*") ? "/" : "");
    take_parameter(path);
  }
  return out + std::string(path);
}

}  // namespace mito::protocol
