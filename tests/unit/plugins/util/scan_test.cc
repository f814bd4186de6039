#include "plugins/util/scan.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::util {
namespace {

constexpr size_t kPadding = 64;

using Scan = const char* (*)(const char*, const char*);
using Rule = bool (*)(char);

struct Named {
  const char* name;
  Scan scan;
  Rule rule;
};

std::vector<Named> Scans() {
  std::vector<Named> scans = {
      {"value", FindValueEnd, IsValueByte},
      {"target", FindTargetEnd, IsTargetByte},
      {"value, words", internal::FindValueEndWord, IsValueByte},
      {"target, words", internal::FindTargetEndWord, IsTargetByte},
  };
#if WEIR_SCAN_X86
  if (internal::kHasAvx2) {
    scans.push_back({"value, avx2", internal::FindValueEndAvx2, IsValueByte});
    scans.push_back({"target, avx2", internal::FindTargetEndAvx2, IsTargetByte});
  }
#endif
  return scans;
}

// Memory that ends exactly 64 bytes behind the text, so that the sanitizer sees a read too far.
struct Padded {
  Padded(const std::string& text, char pad) : size(text.size()), bytes(text.begin(), text.end()) {
    bytes.resize(size + kPadding, pad);
    bytes.shrink_to_fit();
  }
  char* begin() { return bytes.data(); }
  char* end() { return bytes.data() + size; }
  size_t size;
  std::vector<char> bytes;
};

TEST(ScanTest, EveryByteAtEveryPositionIsFoundOrPassed) {
  for (const Named& named : Scans()) {
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      for (size_t at = 0; at < 100; ++at) {
        std::string text(100, 'x');
        text[at] = c;
        Padded memory(text, 'x');
        const char* expected = named.rule(c) ? memory.end() : memory.begin() + at;
        ASSERT_EQ(named.scan(memory.begin(), memory.end()), expected)
            << named.name << " byte " << byte << " at " << at;
      }
    }
  }
}

TEST(ScanTest, TheEndIsKeptAtEverySizeWhateverFollows) {
  for (const Named& named : Scans()) {
    for (size_t size = 0; size < 140; ++size) {
      for (const char pad : {'\0', 'x', '\r'}) {
        Padded memory(std::string(size, 'y'), pad);
        ASSERT_EQ(named.scan(memory.begin(), memory.end()), memory.end())
            << named.name << " size " << size;
      }
    }
  }
}

TEST(ScanTest, TheFirstOfTwoIsFoundAfterTabs) {
  for (const Named& named : Scans()) {
    if (!named.rule('\t')) continue;
    for (size_t at = 0; at < 80; ++at) {
      std::string text(90, '\t');
      text[at] = '\r';
      text[at + 1] = '\n';
      text[89] = '\x7f';
      Padded memory(text, '\0');
      ASSERT_EQ(named.scan(memory.begin(), memory.end()), memory.begin() + at) << named.name;
    }
  }
}

TEST(ScanTest, EveryByteAtEveryPositionOfAName) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    for (size_t at = 0; at < 50; ++at) {
      for (const size_t after : {size_t{0}, size_t{1}, size_t{20}}) {
        std::string text(at, 'Q');
        text += c + std::string(after, 'Z');
        Padded memory(text, 'P');
        std::string expected;
        size_t count = 0;
        for (const char t : text) {
          if (!IsTokenByte(t)) break;
          expected += ToLower(t);
          ++count;
        }
        expected += text.substr(count);
        ASSERT_EQ(LowerName(memory.begin(), memory.end()), count)
            << "byte " << byte << " at " << at;
        ASSERT_EQ(std::string(memory.begin(), memory.end()), expected);
        ASSERT_EQ(*memory.end(), 'P') << "the padding was changed";
      }
    }
  }
}

TEST(ScanTest, ANameWithEveryTokenByteIsLowered) {
  const std::string name =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
  Padded memory(name + ": Value", '\0');
  EXPECT_EQ(LowerName(memory.begin(), memory.end()), name.size());
  EXPECT_EQ(std::string(memory.begin(), memory.end()),
            "abcdefghijklmnopqrstuvwxyz!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz: Value");
}

TEST(ScanTest, ChecksReadNothingOutsideAndAgreeWithTheRule) {
  for (size_t size = 0; size < 70; ++size) {
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      for (size_t at = 0; at < size; at += size < 40 ? 1 : 7) {
        std::vector<char> text(size, 'a');
        text[at] = c;
        ASSERT_EQ(IsFieldValue(text.data(), size), IsValueByte(c)) << byte << " at " << at;
        ASSERT_EQ(IsTarget(text.data(), size), IsTargetByte(c)) << byte << " at " << at;
        ASSERT_EQ(IsLowerName(text.data(), size), IsTokenByte(c) && ToLower(c) == c);
      }
    }
  }
  EXPECT_TRUE(IsFieldValue("", 0));
  EXPECT_FALSE(IsTarget("", 0));
  EXPECT_FALSE(IsLowerName("", 0));
}

TEST(AsciiTest, NumbersAreWrittenInFull) {
  const auto decimal = [](uint64_t value) {
    char text[20];
    return std::string(text, WriteDecimal(text, value));
  };
  const auto hex = [](uint64_t value) {
    char text[16];
    return std::string(text, WriteHex(text, value));
  };
  EXPECT_EQ(decimal(0), "0");
  EXPECT_EQ(decimal(1009), "1009");
  EXPECT_EQ(decimal(UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(hex(0), "0");
  EXPECT_EQ(hex(0xf), "f");
  EXPECT_EQ(hex(0x10), "10");
  EXPECT_EQ(hex(0x12345), "12345");
  EXPECT_EQ(hex(UINT64_MAX), "ffffffffffffffff");
}

TEST(AsciiTest, BlanksAreTrimmedAtBothEndsOnly) {
  EXPECT_EQ(TrimOws(" \ta b\t "), "a b");
  EXPECT_EQ(TrimOws(" \t "), "");
  EXPECT_EQ(TrimOws("\va"), "\va");
}

}  // namespace
}  // namespace weir::util
