#include "codecs/h2/hpack/static_table.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/codecs/h2/hpack/nghttp2_peer.h"

namespace weir::h2::hpack {
namespace {

struct Row {
  const char* name;
  const char* value;
};

// RFC 7541 Appendix A, in its order.
constexpr Row kRows[] = {
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
};
static_assert(sizeof(kRows) / sizeof(kRows[0]) == kStaticCount);

std::string NameOf(uint32_t index) {
  const weir_field& field = kStaticTable[index].field;
  return std::string(field.name, field.name_size);
}

TEST(HpackStaticTable, EveryIndexIsTheRowOfTheAppendix) {
  Nghttp2Inflater other;
  for (uint32_t i = 1; i <= kStaticCount; ++i) {
    SCOPED_TRACE(i);
    const Row& row = kRows[i - 1];
    DecoderUnderTest decoder;
    const Bytes block = {static_cast<uint8_t>(0x80 | i)};
    ASSERT_EQ(decoder.Decode(block), Status::kOk);
    const TextFields expected = {{row.name, row.value}};
    EXPECT_EQ(decoder.Text(), expected);
    EXPECT_EQ(other.Decode(block), expected);
    EXPECT_EQ(kStaticTable[i].size, expected[0].first.size() + expected[0].second.size() + 32);
    EXPECT_EQ(decoder.at(0).flags, kFieldChecked);
  }
}

TEST(HpackStaticTable, EveryRowHasTheTokenOfItsName) {
  for (uint32_t i = 1; i <= kStaticCount; ++i) {
    const weir_field& field = kStaticTable[i].field;
    EXPECT_NE(field.token, WEIR_TOKEN_UNKNOWN) << i;
    EXPECT_EQ(field.token, FindName(field.name, field.name_size)) << i;
    EXPECT_EQ(KnownName(field.token), NameOf(i)) << i;
    EXPECT_EQ(IsPseudo(field.token), i <= 14) << i;
  }
}

TEST(HpackStaticTable, ATokenFindsTheFirstRowWithItsName) {
  for (uint32_t i = 1; i <= kStaticCount; ++i) {
    uint32_t first = i;
    while (first > 1 && NameOf(first - 1) == NameOf(i)) --first;
    EXPECT_EQ(StaticNameIndex(kStaticTable[i].field.token), first);
  }
  for (const uint16_t token : {uint16_t{0}, uint16_t{WEIR_TOKEN_UPGRADE}, uint16_t{kPseudoProtocol},
                               uint16_t{kPseudoUnknown}, uint16_t{WEIR_TOKEN_UNSET}}) {
    EXPECT_EQ(StaticNameIndex(token), 0u) << token;
  }
}

TEST(HpackStaticTable, AStatusFindsItsRow) {
  for (uint32_t status = 0; status < 1000; ++status) {
    const uint32_t index = StaticStatusIndex(status);
    if (index != 0) {
      const weir_field& field = kStaticTable[index].field;
      EXPECT_EQ(std::string(field.value, field.value_size), std::to_string(status));
    }
  }
  for (uint32_t i = 8; i <= 14; ++i) {
    EXPECT_EQ(StaticStatusIndex(static_cast<uint32_t>(std::stoi(kRows[i - 1].value))), i);
  }
}

TEST(HpackNames, PseudoFieldsHaveNumbersOfTheirOwn) {
  const auto find = [](std::string_view name) { return FindName(name.data(), name.size()); };
  EXPECT_EQ(find(":authority"), kPseudoAuthority);
  EXPECT_EQ(find(":method"), kPseudoMethod);
  EXPECT_EQ(find(":path"), kPseudoPath);
  EXPECT_EQ(find(":scheme"), kPseudoScheme);
  EXPECT_EQ(find(":status"), kPseudoStatus);
  EXPECT_EQ(find(":protocol"), kPseudoProtocol);
  for (const char* name : {":", ":Method", ":methods", "::path", ":host"}) {
    EXPECT_EQ(find(name), kPseudoUnknown) << name;
    EXPECT_TRUE(IsPseudo(find(name)));
  }
  EXPECT_EQ(find(""), WEIR_TOKEN_UNKNOWN);
  EXPECT_EQ(find("Host"), WEIR_TOKEN_UNKNOWN);
  EXPECT_EQ(find("host"), WEIR_TOKEN_HOST);
  EXPECT_FALSE(IsPseudo(WEIR_TOKEN_UNSET));
  for (uint16_t token = 1; token < WEIR_TOKEN_COUNT; ++token) EXPECT_FALSE(IsPseudo(token));
}

}  // namespace
}  // namespace weir::h2::hpack
