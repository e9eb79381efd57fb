#include "cli/table.h"

#include <gtest/gtest.h>

namespace mito::cli {
namespace {

TEST(Table, AlignsColumnsAndLeavesEmptyOnesOut) {
  Table table({{.title = "NAME"}, {.title = "EMPTY"}, {.title = "SIZE", .align = Table::Align::kRight}});
  table.add({"a", "", "10 B"});
  table.add({"längst", "", "5 GB"});
  EXPECT_EQ(table.render(0),
            "NAME    SIZE\n"
            "a       10 B\n"
            "längst  5 GB\n");
}

TEST(Table, CutsOnlyWhatMayBeCut) {
  Table table({{.title = "ID"}, {.title = "COMMAND", .least = 8}});
  table.add({"0123456789", "a very long command line"});
  EXPECT_EQ(table.render(24),
            "ID          COMMAND\n"
            "0123456789  a very long…\n");
  EXPECT_EQ(table.render(5),
            "ID          COMMAND\n"
            "0123456789  a very …\n");
}

TEST(Table, MakesCellsPrintable) {
  Table table({{.title = "X"}});
  table.add({"a\nb"});
  EXPECT_EQ(table.render(0), "X\na\\nb\n");
}

TEST(Table, IsNothingWithoutRows) {
  EXPECT_EQ(Table({{.title = "X"}}).render(0), "");
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
