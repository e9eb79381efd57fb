#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "cli/command.h"
#include "protocol/api_docs.h"
#include "protocol/error_docs.h"

namespace mito {
namespace {

constexpr const char* kIntroduction = R"(# Errors

What the coordinator answers when it does not do what was asked: the status, the body as it is sent (`<…>` stands for what varies), what it means
and what to do. A body in braces is JSON (`application/json`), any other plain text. `mito client` prints the message behind `error:` and ends with
the exit code of the last column; the exit codes of all commands are in [client.md](../client.md#exit-codes).

This page is written from the program's own declarations: `MITO_ACCEPT=1 build/release/bin/unit_cli --gtest_filter='ErrorsReference.*'`.

## Every operation

| status | body | meaning | what to do | exit code |
|---|---|---|---|---|
)";

constexpr const char* kOperations = R"(
## Single operations

What an operation refuses for reasons of its own, in the order in which it looks for them, beside what the table above says of tokens and bodies.
)";

/// Code in a cell of a table; nothing for an empty text.
std::string code(std::string_view text) {
  if (text.empty()) return "–";
  std::string out = "`";
  for (const char c : text)
    out += c == '|' ? "\\|" : std::string(1, c);
  return out + (text.contains('`') ? " `" : "`");
}

/// As code() does; a body that has a backtick stands between two of them.
std::string body_cell(std::string_view body) {
  return body.contains('`') ? fmt::format("`` {} ``", body) : code(body);
}

std::string general() {
  std::string text;
  for (const auto& [failure, meaning, remedy] : protocol::answer_docs())
    text += fmt::format("| {} | {} | {} | {} | {} |\n", failure.status, body_cell(failure.body), meaning, remedy,
                        static_cast<int>(cli::exit_code(protocol::error_of(failure.status, failure.body).code())));
  return text;
}

std::string of_operation(const protocol::OperationDoc& doc) {
  const protocol::Route& route = protocol::route(doc.endpoint);
  std::string text;
  for (const protocol::FailureDoc& failure : doc.failures) {
    const auto sent = protocol::failure_of(Error(failure.code, std::string(failure.text)));
    const unsigned status = failure.status != 0 ? failure.status : sent.status;
    const std::string body =
        failure.status != 0 ? protocol::encode(protocol::ErrorMsg{std::string(failure.text)}) : sent.body;
    text += fmt::format("| {} | {} | {} | {} |\n", code(fmt::format("{} {}", route.method, route.path)), status,
                        body_cell(body), failure.when);
  }
  return text;
}

std::string single() {
  std::string text;
  for (const protocol::OperationGroup& group : protocol::operation_docs()) {
    std::string rows;
    for (const protocol::OperationDoc& doc : group.operations)
      rows += of_operation(doc);
    if (!rows.empty())
      text += fmt::format("\n### {}\n\n| operation | status | body | when |\n|---|---|---|---|\n{}", group.tag, rows);
  }
  return text;
}

TEST(ErrorsReference, IsWhatThePageSays) {
  const std::string path = std::string(MITO_SOURCE_DIR) + "/docs/guide/reference-errors.md";
  const std::string expected = kIntroduction + general() + kOperations + single();
  if (std::getenv("MITO_ACCEPT") != nullptr) std::ofstream(path) << expected;
  std::stringstream found;
  found << std::ifstream(path).rdbuf();
  EXPECT_EQ(found.str(), expected) << "docs/guide/reference-errors.md is stale; the page says how to write it anew";
}

}  // namespace
}  // namespace mito
