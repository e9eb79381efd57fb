#include "cli/table.h"

#include <gtest/gtest.h>

namespace mito::cli {
namespace {

TEST(Table, AlignsColumnsAndLeavesEmptyOnesOut) {
  Table table({{.title = "NAME"}, {.title = "EMPTY"}, {.title = "SIZE", .align = Table::Align::kRight}});
  table.add({"a", "", "10 B"});
  table.add({"längst", "", "5 GB"});
  EXPECT_EQ(table.render({}),
            "NAME    SIZE\n"
            "a       10 B\n"
            "längst  5 GB\n");
}

TEST(Table, CutsOnlyWhatMayBeCut) {
  Table table({{.title = "ID"}, {.title = "COMMAND", .least = 8}});
  table.add({"0123456789", "a very long command line"});
  EXPECT_EQ(table.render({.width = 24}),
            "ID          COMMAND\n"
            "0123456789  a very long…\n");
  EXPECT_EQ(table.render({.width = 5}),
            "ID          COMMAND\n"
            "0123456789  a very …\n");
}

TEST(Table, MakesCellsPrintable) {
  Table table({{.title = "X"}});
  table.add({"a\nb"});
  EXPECT_EQ(table.render({}), "X\na\\nb\n");
}

TEST(Table, IsNothingWithoutRows) {
  EXPECT_EQ(Table({{.title = "X"}}).render({}), "");
}

TEST(Table, ShowsMoreColumnsOnlyWhenAsked) {
  Table table({{.title = "A"}, {.title = "B", .shown = Table::Columns::kAll}});
  table.add({"1", "2"});
  EXPECT_EQ(table.render({}), "A\n1\n");
  EXPECT_EQ(table.render({.columns = Table::Columns::kAll}), "A  B\n1  2\n");
}

TEST(Table, LeavesHeadersOutAndTheirWidth) {
  Table table({{.title = "LONG TITLE"}, {.title = "B"}});
  table.add({"1", "2"});
  EXPECT_EQ(table.render({.headers = Headers::kHidden}), "1  2\n");
}

TEST(Table, ColoursTextButNotBlanks) {
  Table table({{.title = "A"}, {.title = "B"}});
  table.add({{"x", Style::kGood}, "1"});
  table.add({"yyy", {"2", Style::kBad}});
  EXPECT_EQ(table.render({.headers = Headers::kHidden, .colour = Colour::kYes}),
            "\x1b[32mx\x1b[0m    1\nyyy  \x1b[31m2\x1b[0m\n");
}

TEST(Details, AlignsValues) {
  Details details;
  details.add("State", "ok");
  details.add_if("Reason", "");
  details.add("Task UUID", "x\ny");
  EXPECT_EQ(details.render(),
            "State:     ok\n"
            "Task UUID: x\\ny\n");
}

}  // namespace
}  // namespace mito::cli
