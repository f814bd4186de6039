// The ABI does not move by accident: sizes, offsets and numbers stand in layout_lp64.txt. When a
// change is meant, that file is to be replaced by the one that the failing test writes, and the
// header's version to be raised.

#include <cstdint>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/abi/weir.h"
#include "tests/unit/plugins/abi/layout.h"

namespace weir {
namespace {

#define STRUCT(name) {#name, nullptr, sizeof(name), alignof(name)},
#define MEMBER(name, member) \
  {#name, #member, offsetof(name, member), sizeof(static_cast<name*>(nullptr)->member)},
#define CONSTANT(name) {#name, nullptr, static_cast<long long>(name), -1},
constexpr layout_row kRows[] = {
#include "tests/unit/plugins/abi/layout.inc"
};
#undef STRUCT
#undef MEMBER
#undef CONSTANT

std::string Print(const layout_row* rows, std::size_t count) {
  std::ostringstream out;
  for (std::size_t i = 0; i < count; ++i) {
    out << rows[i].structure;
    if (rows[i].member != nullptr) out << "." << rows[i].member;
    out << " " << rows[i].first;
    if (rows[i].second >= 0) out << " " << rows[i].second;
    out << "\n";
  }
  return out.str();
}

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string HeaderWithoutComments() {
  static const std::regex comment(R"(/\*(?:[^*]|\*[^/])*\*/)");
  return std::regex_replace(ReadFile(WEIR_ABI_HEADER) + ReadFile(WEIR_ABI_CODEC_HEADER), comment,
                            "");
}

TEST(AbiLayoutTest, IsAsWrittenDown) {
  const std::string actual = Print(kRows, std::size(kRows));
  const bool same = actual == ReadFile(WEIR_ABI_GOLDEN);
  if (!same) std::ofstream("layout_lp64.txt") << actual;
  EXPECT_TRUE(same) << "the layout of plugins/abi/weir.h has changed; what it is now stands in "
                       "layout_lp64.txt of this test's directory";
}

TEST(AbiLayoutTest, IsTheSameInC99C11AndCpp20) {
  std::size_t count = 0;
  const std::string cpp = Print(kRows, std::size(kRows));
  const layout_row* rows = LayoutC99(&count);
  EXPECT_EQ(Print(rows, count), cpp);
  rows = LayoutC11(&count);
  EXPECT_EQ(Print(rows, count), cpp);
}

// A compiler may choose padding, and what stands in it is nobody's: so there is none. This also
// shows a member that the list of this test has not.
TEST(AbiLayoutTest, HasNoHiddenPadding) {
  long long end = 0;
  long long size = 0;
  std::string structure;
  for (const layout_row& row : kRows) {
    if (row.second < 0 || row.member == nullptr) {
      EXPECT_EQ(end, size) << structure;
      structure = row.structure;
      end = 0;
      size = row.second < 0 ? 0 : row.first;
      continue;
    }
    EXPECT_EQ(row.first, end) << structure << "." << row.member;
    end = row.first + row.second;
  }
}

TEST(AbiLayoutTest, EveryStructOfTheHeaderIsLookedAt) {
  std::set<std::string> listed;
  for (const layout_row& row : kRows) listed.insert(row.structure);
  const std::string header = HeaderWithoutComments();
  const std::regex definition(R"(typedef struct (\w+) \{)");
  std::set<std::string> defined;
  for (std::sregex_iterator at(header.begin(), header.end(), definition), end; at != end; ++at) {
    defined.insert((*at)[1]);
    EXPECT_EQ(listed.count((*at)[1]), 1u) << (*at)[1];
  }
  EXPECT_GE(defined.size(), 19u);
}

TEST(AbiLayoutTest, EveryConstantOfTheHeaderIsLookedAt) {
  std::set<std::string> listed;
  for (const layout_row& row : kRows) listed.insert(row.structure);
  const std::string header = HeaderWithoutComments();
  const std::regex enumeration(R"(enum \{([^}]*)\})");
  const std::regex constant(R"(\bWEIR_[A-Z0-9_]+\b)");
  std::size_t count = 0;
  for (std::sregex_iterator at(header.begin(), header.end(), enumeration), end; at != end; ++at) {
    const std::string body = (*at)[1];
    for (std::sregex_iterator name(body.begin(), body.end(), constant); name != end; ++name) {
      EXPECT_EQ(listed.count(name->str()), 1u) << name->str();
      ++count;
    }
  }
  EXPECT_GE(count, 80u);
}

TEST(AbiLayoutTest, TheMagicReadsWeirInMemory) {
  const std::uint32_t magic = WEIR_ABI_MAGIC;
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(&magic), 4), "WEIR");
}

TEST(AbiLayoutTest, AMemberBeyondStructSizeIsNotThere) {
  weir_host host{};
  host.struct_size = offsetof(weir_host, sha1);
  EXPECT_TRUE(WEIR_HAS(&host, random));
  EXPECT_FALSE(WEIR_HAS(&host, sha1));
  host.struct_size = sizeof host;
  EXPECT_TRUE(WEIR_HAS(&host, sha1));
}

}  // namespace
}  // namespace weir
