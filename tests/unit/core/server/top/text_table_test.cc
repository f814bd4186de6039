#include "core/server/top/text_table.h"

#include <gtest/gtest.h>

#include "core/server/top/top_view.h"

namespace weir::server {
namespace {

TextTable Table() {
  TextTable table({{"NAME", 0}, {"A", 2}, {"LONG COLUMN", 1}, {"Z", 0}});
  table.Add({"one", "1", "2", "3"});
  table.Add({"a-rather-long-name-of-a-thing", "10", "20", "30"});
  return table;
}

TEST(TextTable, NamesStandLeftAndNumbersRight) {
  EXPECT_EQ(Table().Lines(100),
            (std::vector<std::string>{"NAME                            A  LONG COLUMN   Z",
                                      "one                             1            2   3",
                                      "a-rather-long-name-of-a-thing  10           20  30"}));
}

TEST(TextTable, WhereItIsTooWideColumnsGoByTheirRank) {
  EXPECT_EQ(Table().Lines(33)[2], "a-rather-long-na           20  30");
  EXPECT_EQ(Table().Lines(24)[2], "a-rather-long-name-o  30");
  for (size_t width = 20; width < 60; ++width) {
    for (const std::string& line : Table().Lines(width)) EXPECT_LE(TextWidth(line), width);
  }
}

TEST(TextTable, CountsLettersNotBytes) {
  TextTable table({{"N", 0}, {"V", 0}});
  table.Add({"größe", "1"});
  table.Add({"hello", "2"});
  EXPECT_EQ(table.Lines(40)[1], "größe  1");
  EXPECT_EQ(table.Lines(40)[2], "hello  2");
}

}  // namespace
}  // namespace weir::server
