#include "codecs/h2/hpack/dynamic_table.h"

#include <deque>
#include <random>

#include <gtest/gtest.h>

#include "codecs/h2/hpack/static_table.h"
#include "tests/unit/codecs/h2/hpack/hpack_harness.h"

namespace weir::h2::hpack {
namespace {

class HpackDynamicTable : public ::testing::Test {
 protected:
  void TearDown() override {
    table_.Clear();
    EXPECT_EQ(CountedMemory::held, 0u);
    CountedMemory::refuse = false;
  }

  bool Insert(std::string_view name, std::string_view value) {
    return table_.Insert(FindName(name.data(), name.size()), name, value, 0);
  }

  std::string NameAt(uint32_t index) const { return std::string(table_.NameOf(table_.At(index))); }
  std::string ValueAt(uint32_t index) const {
    return std::string(table_.ValueOf(table_.At(index)));
  }

  DynamicTable table_{CountedMemory::Get(), 4096};
};

TEST_F(HpackDynamicTable, AnEmptyTableHoldsNoMemory) {
  EXPECT_EQ(table_.memory_held(), 0u);
  Insert("a", "b");
  EXPECT_EQ(table_.memory_held(), CountedMemory::held);
  EXPECT_GT(table_.memory_held(), 0u);
  EXPECT_LE(table_.memory_held(), 352u);
  table_.SetMaxSize(0);
  EXPECT_EQ(table_.memory_held(), 0u);
  EXPECT_EQ(CountedMemory::held, 0u);
}

TEST_F(HpackDynamicTable, MemoryIsBoundedByTheTablesSize) {
  size_t most = 0;
  for (int i = 0; i < 3000; ++i) {
    Insert(std::to_string(i), std::string(static_cast<size_t>(i % 90), 'v'));
    most = std::max(most, table_.memory_held());
  }
  // The bytes, and at most 128 entries of 12 bytes.
  EXPECT_LE(most, 4096 + DynamicTable::kSlack + 128 * 12);
  table_.SetMaxSize(200);
  EXPECT_LE(table_.memory_held(), 200 + DynamicTable::kSlack + 128 * 12);
}

TEST_F(HpackDynamicTable, AnEntryCountsFor32OctetsMoreThanItsBytes) {
  Insert("name", "value");
  EXPECT_EQ(table_.size(), 4u + 5 + 32);
  Insert("", "");
  EXPECT_EQ(table_.size(), 4u + 5 + 32 + 32);
  Insert("server", "x");  // whose name is not kept as bytes
  EXPECT_EQ(table_.size(), 4u + 5 + 32 + 32 + 6 + 1 + 32);
}

TEST_F(HpackDynamicTable, TheNewestHasIndex0) {
  for (const char* value : {"1", "2", "3"}) Insert("n", value);
  EXPECT_EQ(ValueAt(0), "3");
  EXPECT_EQ(ValueAt(1), "2");
  EXPECT_EQ(ValueAt(2), "1");
}

TEST_F(HpackDynamicTable, TheOldestGoesWhenItDoesNotFitByOneOctet) {
  table_.SetMaxSize(2 * (32 + 2));
  Insert("a", "1");
  Insert("b", "2");
  EXPECT_EQ(table_.count(), 2u);
  EXPECT_EQ(table_.size(), table_.max_size());
  table_.SetMaxSize(2 * (32 + 2) - 1);
  EXPECT_EQ(table_.count(), 1u);
  EXPECT_EQ(NameAt(0), "b");
  Insert("c", "3");
  EXPECT_EQ(table_.count(), 1u);
  EXPECT_EQ(NameAt(0), "c");
}

TEST_F(HpackDynamicTable, AnEntryAsLargeAsTheTableFits) {
  Insert("a", "1");
  Insert("n", std::string(4096 - 33, 'v'));
  EXPECT_EQ(table_.count(), 1u);
  EXPECT_EQ(table_.size(), 4096u);
}

TEST_F(HpackDynamicTable, AnEntryLargerThanTheTableEmptiesIt) {
  Insert("a", "1");
  EXPECT_TRUE(Insert("n", std::string(4096 - 32, 'v')));
  EXPECT_EQ(table_.count(), 0u);
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(table_.memory_held(), 0u);
}

TEST_F(HpackDynamicTable, ATableOfSize0IsLegal) {
  table_.SetMaxSize(0);
  EXPECT_TRUE(Insert("", ""));
  EXPECT_EQ(table_.count(), 0u);
  table_.SetMaxSize(32);
  EXPECT_TRUE(Insert("", ""));
  EXPECT_EQ(table_.count(), 1u);
  EXPECT_EQ(NameAt(0), "");
}

TEST_F(HpackDynamicTable, RefusedMemoryEmptiesTheTableAndSaysSo) {
  CountedMemory::refuse = true;
  EXPECT_FALSE(Insert("a", "1"));
  CountedMemory::refuse = false;
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(Insert("a", "1"));
  CountedMemory::refuse = true;
  EXPECT_FALSE(Insert("a", "1"));  // the ninth entry
  EXPECT_EQ(table_.count(), 0u);
  EXPECT_EQ(CountedMemory::held, 0u);
  CountedMemory::refuse = false;
  ASSERT_TRUE(Insert("a", "1"));
  CountedMemory::refuse = true;
  EXPECT_FALSE(Insert("b", std::string(300, 'v')));
  EXPECT_EQ(table_.count(), 0u);
}

TEST_F(HpackDynamicTable, NoSizeIsBeyondItsBound) {
  table_.SetMaxSize(UINT32_MAX);
  EXPECT_EQ(table_.max_size(), kMaxTableSize);
  EXPECT_TRUE(Insert("n", std::string(65536 - 33, 'v')));
  EXPECT_EQ(table_.count(), 1u);
  EXPECT_EQ(ValueAt(0).size(), 65536u - 33);
}

// The same, kept in the plainest way.
struct Model {
  std::deque<std::pair<std::string, std::string>> entries;
  size_t max_size = 4096;

  size_t size() const {
    size_t sum = 0;
    for (const auto& [name, value] : entries) sum += name.size() + value.size() + 32;
    return sum;
  }
  void Evict(size_t room) {
    while (!entries.empty() && size() + room > max_size) entries.pop_back();
  }
  void Insert(const std::string& name, const std::string& value) {
    const size_t room = name.size() + value.size() + 32;
    Evict(room);
    if (room <= max_size) entries.emplace_front(name, value);
  }
};

TEST_F(HpackDynamicTable, BehavesAsAListOfStringsDoes) {
  std::mt19937 random(3);
  Model model;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 50 == 0) {
      model.max_size = random() % 4 == 0 ? random() % 100 : random() % 8192;
      model.Evict(0);
      table_.SetMaxSize(static_cast<uint32_t>(model.max_size));
    } else {
      const bool known = random() % 3 == 0;
      const std::string name = known ? "server" : std::string(random() % 40, 'n') + "x";
      const size_t longest = random() % 20 == 0 ? 5000 : 60;
      const std::string value(random() % longest, static_cast<char>('a' + step % 26));
      model.Insert(name, value);
      ASSERT_TRUE(Insert(name, value));
    }
    ASSERT_EQ(table_.count(), model.entries.size());
    ASSERT_EQ(table_.size(), model.size());
    for (uint32_t i = 0; i < table_.count(); ++i) {
      ASSERT_EQ(NameAt(i), model.entries[i].first) << step;
      ASSERT_EQ(ValueAt(i), model.entries[i].second) << step;
    }
    ASSERT_EQ(table_.memory_held(), CountedMemory::held);
  }
}

}  // namespace
}  // namespace weir::h2::hpack
