#include "http/response_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace mito::http {

namespace {

std::string_view reason(unsigned status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    default:
      return {};
  }
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

bool belongs_to_transport(std::string_view name) {
  for (std::string_view own : {"content-length", "transfer-encoding", "connection", "date"})
    if (equals_ignoring_case(name, own)) return true;
  return false;
}

void append_field_text(std::string& out, std::string_view text) {
  auto start = out.size();
  out += text;
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(start), out.end(),
      [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
}

}  // namespace

void append_response_head(std::string& out, unsigned status, const Headers& headers, const Framing& framing,
                          ConnectionHeader connection, std::string_view date) {
  out += "HTTP/1.1 ";
  append_number(out, status);
  out += ' ';
  out += reason(status);
  out += "\r\n";
  for (const auto& [name, value] : headers.fields()) {
    if (belongs_to_transport(name)) continue;
    append_field_text(out, name);
    out += ": ";
    append_field_text(out, value);
    out += "\r\n";
  }
  if (framing.kind == Framing::Kind::kLength) {
    out += "content-length: ";
    append_number(out, framing.length);
    out += "\r\n";
  } else if (framing.kind == Framing::Kind::kChunked) {
    out += "transfer-encoding: chunked\r\n";
  }
  if (connection == ConnectionHeader::kClose) out += "connection: close\r\n";
  if (connection == ConnectionHeader::kKeepAlive) out += "connection: keep-alive\r\n";
  out += "date: ";
  out += date;
  out += "\r\n\r\n";
}

std::string format_http_date(std::int64_t unix_seconds) {
  static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::string out = kDays[static_cast<std::size_t>(parts.tm_wday)];
  auto two_digits = [&out](int number) {
    out += static_cast<char>('0' + number / 10);
    out += static_cast<char>('0' + number % 10);
  };
  out += ", ";
  two_digits(parts.tm_mday);
  out += ' ';
  out += kMonths[static_cast<std::size_t>(parts.tm_mon)];
  out += ' ';
  append_number(out, static_cast<std::uint64_t>(parts.tm_year) + 1900);
  out += ' ';
  two_digits(parts.tm_hour);
  out += ':';
  two_digits(parts.tm_min);
  out += ':';
  two_digits(parts.tm_sec);
  out += " GMT";
  return out;
}

}  // namespace mito::http
