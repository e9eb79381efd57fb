#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "protocol/openapi_parts.h"

// YAML 1.2 of a JSON value: block form for what has members, JSON's own form for everything else, which YAML shares.
namespace mito::protocol::openapi {
namespace {

namespace json = boost::json;

bool is_plain_word(std::string_view text) {
  constexpr std::array<std::string_view, 6> kReserved{"true", "false", "null", "yes", "no", "on"};
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text.front())) == 0) return false;
  if (std::ranges::find(kReserved, text) != kReserved.end() || text == "off" || text == "y" || text == "n")
    return false;
  return std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  });
}

/// Whether the array fits a line: nothing in it has members.
bool is_short(const json::array& array) {
  return std::ranges::none_of(array, [](const json::value& element) { return element.is_structured(); });
}

class Writer {
 public:
  /// `indent`: of the members of the value, which begins behind a key or a dash.
  void value(const json::value& value, std::size_t indent) {
    if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
      members(*object, indent);
    } else if (const auto* array = value.if_array(); array != nullptr && !is_short(*array)) {
      elements(*array, indent);
    } else if (const auto* string = value.if_string()) {
      text_ += ' ';
      text({string->data(), string->size()}, indent);
    } else {
      text_ += ' ';
      text_ += json::serialize(value);
      text_ += '\n';
    }
  }

  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  void members(const json::object& object, std::size_t indent) {
    if (!text_.empty() && !after_dash_) text_ += '\n';
    for (const auto& member : object) {
      start_line(indent);
      const std::string_view key(member.key().data(), member.key().size());
      text_ += is_plain_word(key) ? std::string(key) : json::serialize(json::value(member.key()));
      text_ += ':';
      value(member.value(), indent + 2);
    }
  }

  void elements(const json::array& array, std::size_t indent) {
    if (!after_dash_) text_ += '\n';
    for (const json::value& element : array) {
      start_line(indent);
      text_ += '-';
      const bool nested = (element.is_object() && !element.get_object().empty()) ||
                          (element.is_array() && !is_short(element.get_array()));
      if (nested) {
        text_ += ' ';
        after_dash_ = true;
      }
      value(element, indent + 2);
    }
  }

  void start_line(std::size_t indent) {
    if (!after_dash_) text_.append(indent, ' ');
    after_dash_ = false;
  }

  /// Behind a blank: a word, a block of lines, or a quoted string.
  void text(std::string_view string, std::size_t indent) {
    const bool is_block = string.find('\n') != std::string_view::npos && string.back() != '\n' &&
                          string.find(" \n") == std::string_view::npos && string.front() != ' ';
    if (is_block) {
      text_ += "|-\n";
      for (std::string_view rest = string; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (!line.empty()) text_.append(indent, ' ').append(line);
        text_ += '\n';
      }
      return;
    }
    text_ += is_plain_word(string) ? std::string(string)
                                   : json::serialize(json::value(json::string_view(string.data(), string.size())));
    text_ += '\n';
  }

  std::string text_;
  bool after_dash_ = false;  ///< The next line has begun already.
};

}  // namespace

std::string to_yaml(const json::value& document) {
  Writer writer;
  writer.value(document, 0);
  return std::move(writer).take();
}

}  // namespace mito::protocol::openapi
