#include "cli/output.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/yaml.h"
#include "protocol/codec.h"
#include "protocol/messages.h"

namespace mito::cli {

namespace {

/// To the begin of the line, which is emptied.
constexpr std::string_view kStartOfLine = "\r\x1b[K";

}  // namespace

Output::Output(OutputForm form, std::FILE* out, std::FILE* err)
    : form_(form), out_(out), err_(err), colour_(colour_of(out)), err_colour_(colour_of(err)) {}

void Output::done(std::string_view sentence) {
  if (structured()) {
    print_object(protocol::encode(protocol::ErrorMsg{.msg = std::string(sentence)}));
  } else {
    say(sentence);
  }
}

void Output::say(std::string_view line) {
  if (for_people()) print(printable(line) + "\n");
}

void Output::heading(std::string_view line) {
  if (form_.headers == Headers::kShown) say(line);
}

void Output::show(std::string_view json, std::string_view name, std::string_view text) {
  if (structured()) {
    print_object(json);
  } else if (names()) {
    print(printable(name) + "\n");
  } else {
    print(text);
  }
}

void Output::print_table(const Table& table) {
  if (!for_people()) return;
  print(table.render({.width = wide() ? 0 : width(),
                      .headers = form_.headers,
                      .columns = wide() ? Table::Columns::kAll : Table::Columns::kUsual,
                      .colour = colour_}));
}

void Output::print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), out_);
}

void Output::print_object(std::string_view json) {
  if (form_.format == Format::kYaml) {
    print(yaml_of(json));
    return;
  }
  print(json);
  print("\n");
}

void Output::print_list(std::span<const std::string> values) {
  std::string list = "[";
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) list += ",\n ";
    list += values[i];
  }
  print_object(list + "]");
}

void Output::note(std::string_view text) {
  write_diagnosis("note:", Style::kDim, text);
}
void Output::warn(std::string_view text) {
  write_diagnosis("warning:", Style::kBusy, text);
}

void Output::write_diagnosis(std::string_view label, Style style, std::string_view text) {
  write_line(painted(label, style, err_colour_) + " " + printable(text) + "\n");
}

void Output::diagnose(std::string_view line) {
  write_line(printable(line) + "\n");
}

void Output::write_line(std::string line) {
  std::fflush(out_);
  const auto status = status_.lock();
  if (std::exchange(status->shown, false)) line.insert(0, kStartOfLine);
  std::fwrite(line.data(), 1, line.size(), err_);
  std::fflush(err_);
}

void Output::show_status(std::string_view text) {
  if (status_width() == 0) return;
  const std::string line = std::string(kStartOfLine) + std::string(text);
  const auto status = status_.lock();
  if (text.empty() && !status->shown) return;
  std::fwrite(line.data(), 1, line.size(), err_);
  std::fflush(err_);
  status->shown = !text.empty();
}

std::size_t Output::width() const {
  return terminal_width(out_);
}

std::size_t Output::status_width() const {
  const std::size_t columns = terminal_width(err_);
  return columns == 0 ? 0 : columns - 1;
}

Result<void> Output::flush() {
  if (std::fflush(out_) == 0 && std::ferror(out_) == 0) return {};
  return fail(ErrorCode::kIo, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

}  // namespace mito::cli
