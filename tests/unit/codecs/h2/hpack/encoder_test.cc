#include "codecs/h2/hpack/encoder.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "tests/unit/codecs/h2/hpack/nghttp2_peer.h"

namespace weir::h2::hpack {
namespace {

const char* const kAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0";

// What is written comes out of both decoders as it went in.
class HpackEncoder : public ::testing::Test {
 protected:
  Bytes Encode(const TextFields& fields, uint16_t flags = 0) {
    Bytes block = encoder_.Encode(fields, flags);
    EXPECT_EQ(ours_.Decode(block), Status::kOk) << ours_.decoder().detail();
    EXPECT_EQ(ours_.Text(), fields);
    const auto theirs = theirs_.Decode(block);
    EXPECT_TRUE(theirs.has_value() && *theirs == fields);
    EXPECT_EQ(ours_.table().count(), encoder_.encoder().table().count());
    EXPECT_EQ(ours_.table().size(), encoder_.encoder().table().size());
    EXPECT_EQ(ours_.table().max_size(), encoder_.encoder().table().max_size());
    return block;
  }

  void SetPeerLimit(uint32_t size) {
    encoder_.encoder().SetPeerLimit(size);
    ours_.decoder().SetLimit(size);
    theirs_.SetLimit(size);
  }

  EncoderUnderTest encoder_;
  DecoderUnderTest ours_;
  Nghttp2Inflater theirs_;
};

TEST_F(HpackEncoder, AFieldOfTheStaticTableIsOneByte) {
  const TextFields fields = {{":method", "GET"},    {":method", "POST"},
                             {":path", "/"},        {":path", "/index.html"},
                             {":scheme", "http"},   {":scheme", "https"},
                             {":status", "200"},    {"accept-encoding", "gzip, deflate"},
                             {"cache-control", ""}, {"www-authenticate", ""}};
  EXPECT_EQ(Encode(fields), FromHex("82 83 84 85 86 87 88 90 98 bd"));
}

TEST_F(HpackEncoder, ANameOfTheStaticTableIsNotWrittenAndTheValueNotIndexed) {
  EXPECT_EQ(Encode({{":path", "/a"}}), FromHex("04 02 2f61"));
  EXPECT_EQ(Encode({{"etag", "x"}}), FromHex("0f13 01 78"));
}

TEST_F(HpackEncoder, AnUnknownNameIsWritten) {
  EXPECT_EQ(Encode({{"x-a", "b"}, {"x-c", ""}}), FromHex("00 03 782d61 01 62 00 03 782d63 00"));
}

TEST_F(HpackEncoder, NeverIndexedStaysSo) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(Encode({{"x-a", "b"}, {"server", "a server"}}, WEIR_FIELD_NEVER_INDEX),
              FromHex("10 03 782d61 01 62 1f27 08 6120736572766572"));
    EXPECT_EQ(ours_.at(0).flags, WEIR_FIELD_NEVER_INDEX);
  }
}

TEST_F(HpackEncoder, CredentialsAndShortCookiesAreNeverIndexed) {
  Encode({{"authorization", "Basic YWxhZGRpbjpvcGVuc2VzYW1l"},
          {"proxy-authorization", "Basic YWxhZGRpbjpvcGVuc2VzYW1l"},
          {"cookie", "1234567890123456789"},
          {"set-cookie", "a=b"},
          {"cookie", "12345678901234567890"}});
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(ours_.at(i).flags, WEIR_FIELD_NEVER_INDEX) << i;
  EXPECT_EQ(ours_.at(4).flags, 0);
}

TEST_F(HpackEncoder, AValueIsIndexedWhenItComesTheSecondTime) {
  const TextFields fields = {{"user-agent", kAgent}, {":authority", "www.example.com"}};
  const size_t first = Encode(fields).size();
  EXPECT_EQ(encoder_.encoder().table().count(), 0u);
  const size_t second = Encode(fields).size();
  EXPECT_GE(first, second);
  EXPECT_EQ(encoder_.encoder().table().count(), 2u);
  EXPECT_EQ(Encode(fields), FromHex("bf be"));
}

TEST_F(HpackEncoder, ValuesThatDoNotComeAgainLeaveTheTableAlone) {
  for (int i = 0; i < 100; ++i) Encode({{"user-agent", "agent number " + std::to_string(i)}});
  EXPECT_EQ(encoder_.encoder().table().count(), 0u);
}

TEST_F(HpackEncoder, FieldsThatMayBeSecretAreNeverInTheTable) {
  const TextFields fields = {{"cookie", "a-long-cookie-that-comes-again"},
                             {"set-cookie", "a-long-cookie-that-comes-again"},
                             {"x-api-key", "a-long-key-that-comes-again"},
                             {"x-csrf-token", "a-long-token-that-comes-again"}};
  for (int i = 0; i < 5; ++i) Encode(fields);
  EXPECT_EQ(encoder_.encoder().table().count(), 0u);
}

TEST_F(HpackEncoder, AValueThatFillsAQuarterOfTheTableIsNotIndexed) {
  for (int i = 0; i < 5; ++i) Encode({{"content-security-policy", std::string(1024, 'x')}});
  EXPECT_EQ(encoder_.encoder().table().count(), 0u);
  for (int i = 0; i < 5; ++i) Encode({{"content-security-policy", std::string(1023, 'x')}});
  EXPECT_EQ(encoder_.encoder().table().count(), 1u);
}

TEST_F(HpackEncoder, TheTableHasOurBoundWhateverThePeerAllows) {
  SetPeerLimit(UINT32_MAX);
  for (int i = 0; i < 400; ++i) {
    const std::string agent = "an agent with the number " + std::to_string(i / 2);
    Encode({{"user-agent", agent}});
    Encode({{"user-agent", agent}});
  }
  EXPECT_EQ(encoder_.encoder().table().max_size(), 4096u);
  EXPECT_GT(encoder_.encoder().table().size(), 3900u);
}

TEST_F(HpackEncoder, APeerWithoutATableIsToldOnce) {
  SetPeerLimit(0);
  EXPECT_EQ(Encode({{":method", "GET"}}), FromHex("20 82"));
  for (int i = 0; i < 5; ++i) EXPECT_GT(Encode({{"user-agent", kAgent}}).size(), 60u);
  EXPECT_EQ(Encode({{":method", "GET"}}), FromHex("82"));
}

TEST_F(HpackEncoder, ASmallerTableIsSaidAndALargerOneToo) {
  for (int i = 0; i < 3; ++i) Encode({{"user-agent", kAgent}});
  EXPECT_EQ(encoder_.encoder().table().count(), 1u);
  SetPeerLimit(100);
  EXPECT_EQ(Encode({{":method", "GET"}}), FromHex("3f45 82"));
  EXPECT_EQ(encoder_.encoder().table().count(), 0u);
  SetPeerLimit(8192);
  EXPECT_EQ(Encode({{":method", "GET"}}), FromHex("3fe11f 82"));
}

TEST_F(HpackEncoder, ATableThatWentDownAndUpIsSaidWithItsLowest) {
  for (int i = 0; i < 3; ++i) Encode({{"user-agent", kAgent}});
  SetPeerLimit(1000);
  SetPeerLimit(0);
  SetPeerLimit(4096);
  EXPECT_EQ(Encode({{":method", "GET"}}), FromHex("20 3fe11f 82"));
  EXPECT_EQ(encoder_.encoder().table().count(), 0u);
  EXPECT_EQ(Encode({{":method", "GET"}}), FromHex("82"));
}

TEST_F(HpackEncoder, StatusAndLengthAreWrittenByNumber) {
  const std::pair<uint32_t, const char*> kExamples[] = {
      {200, "88"}, {204, "89"}, {206, "8a"},           {304, "8b"},          {400, "8c"},
      {404, "8d"}, {500, "8e"}, {100, "08 03 313030"}, {599, "08 03 353939"}};
  for (const auto& [status, hex] : kExamples) {
    uint8_t bytes[Encoder::kMaxStatus];
    weir_out out{bytes, bytes + sizeof(bytes)};
    ASSERT_TRUE(encoder_.encoder().Status(&out, status));
    const Bytes block(bytes, out.at);
    EXPECT_EQ(block, FromHex(hex));
    ASSERT_EQ(ours_.Decode(block), Status::kOk);
    EXPECT_EQ(ours_.Text(), (TextFields{{":status", std::to_string(status)}}));
  }
  for (const uint64_t length : {uint64_t{0}, uint64_t{128}, UINT64_MAX}) {
    uint8_t bytes[Encoder::kMaxNumber];
    weir_out out{bytes, bytes + sizeof(bytes)};
    ASSERT_TRUE(encoder_.encoder().ContentLength(&out, length));
    ASSERT_EQ(ours_.Decode(Bytes(bytes, out.at)), Status::kOk);
    EXPECT_EQ(ours_.Text(), (TextFields{{"content-length", std::to_string(length)}}));
  }
}

TEST_F(HpackEncoder, WithoutRoomNothingIsWrittenAndTheTableStays) {
  const TextFields fields = {{"user-agent", kAgent}};
  Encode(fields);
  Encoder& encoder = encoder_.encoder();
  const std::string_view agent = kAgent;
  Bytes bytes(Encoder::MaxSize(10, agent.size()));
  for (size_t room = 0; room < bytes.size(); ++room) {
    weir_out out{bytes.data(), bytes.data() + room};
    EXPECT_FALSE(encoder.Field(&out, WEIR_TOKEN_USER_AGENT, agent));
    EXPECT_EQ(out.at, bytes.data());
    EXPECT_EQ(encoder.table().count(), 0u);
  }
  for (size_t room = 0; room < Encoder::kMaxBegin; ++room) {
    weir_out out{bytes.data(), bytes.data() + room};
    EXPECT_FALSE(encoder.Begin(&out));
  }
  weir_out none{bytes.data(), bytes.data() + Encoder::kMaxStatus - 1};
  EXPECT_FALSE(encoder.Status(&none, 200));
  none.limit = bytes.data() + Encoder::kMaxNumber - 1;
  EXPECT_FALSE(encoder.ContentLength(&none, 1));
}

TEST_F(HpackEncoder, TheBoundHoldsForTheLongestStrings) {
  for (const size_t size : {size_t{0}, size_t{126}, size_t{127}, size_t{128}, size_t{16510},
                            size_t{16511}, size_t{65535}}) {
    Encode({{"x-" + std::string(size > 2 ? size - 2 : 0, 'n'), std::string(size, 'v')}});
    // The other implementation takes no string of more than 64 KiB.
    Encode({{"x-a", std::string(std::min(size * 4, size_t{65536}), 'v')}}, WEIR_FIELD_NEVER_INDEX);
    const TextFields longer = {{"x-a", std::string(size * 8, 'v')}};
    EXPECT_EQ(ours_.Decode(encoder_.Encode(longer)), Status::kOk);
    EXPECT_EQ(ours_.Text(), longer);
  }
}

TEST_F(HpackEncoder, RefusedMemoryCostsOnlyTheTable) {
  CountedMemory::refuse = true;
  for (int i = 0; i < 4; ++i) {
    const Bytes block = encoder_.Encode({{"user-agent", kAgent}});
    EXPECT_EQ(ours_.Decode(block), Status::kOk);
  }
  CountedMemory::refuse = false;
  EXPECT_EQ(ours_.table().count(), 0u);
  for (int i = 0; i < 2; ++i) Encode({{"user-agent", kAgent}});
  CountedMemory::refuse = true;
  // The table has to grow and cannot: it is emptied here, and nothing says so to the peer.
  for (int i = 0; i < 40; ++i) {
    const Bytes block = encoder_.Encode({{"via", "1.1 a proxy " + std::to_string(i / 4)}});
    CountedMemory::refuse = false;
    EXPECT_EQ(ours_.Decode(block), Status::kOk);
    EXPECT_EQ(ours_.Text()[0].second, "1.1 a proxy " + std::to_string(i / 4));
    EXPECT_TRUE(theirs_.Decode(block).has_value());
    CountedMemory::refuse = true;
  }
  CountedMemory::refuse = false;
  for (int i = 0; i < 3; ++i) {
    const Bytes block = encoder_.Encode({{"user-agent", kAgent}});
    EXPECT_EQ(ours_.Decode(block), Status::kOk);
    EXPECT_EQ(ours_.Text(), (TextFields{{"user-agent", kAgent}}));
  }
}

TEST_F(HpackEncoder, AnEncoderHoldsNoMemoryBeforeItsTableIsUsed) {
  const size_t before = CountedMemory::held;
  {
    EncoderUnderTest encoder;
    encoder.Encode({{":method", "GET"}, {"x-a", "a value that is not kept"}});
    EXPECT_EQ(CountedMemory::held, before);
    for (int i = 0; i < 3; ++i) encoder.Encode({{"user-agent", kAgent}});
    EXPECT_GT(CountedMemory::held, before);
    EXPECT_LT(CountedMemory::held - before, 600u);
  }
  EXPECT_EQ(CountedMemory::held, before);
}

TEST_F(HpackEncoder, RandomBlocksComeOutOfBothDecodersWhileLimitsChange) {
  std::mt19937 random(11);
  const std::vector<std::string> names = {"server",     "via",     "user-agent", ":authority",
                                          "vary",       "cookie",  "x-unknown",  "content-type",
                                          "set-cookie", "alt-svc", "date",       "accept"};
  for (int round = 0; round < 3000; ++round) {
    if (random() % 20 == 0)
      SetPeerLimit(static_cast<uint32_t>(random() % (random() % 2 == 0 ? 300 : 9000)));
    TextFields fields(random() % 8);
    for (auto& [name, value] : fields) {
      name = names[random() % names.size()];
      value = std::string(random() % 60, static_cast<char>('a' + random() % 3));
    }
    Encode(fields, random() % 30 == 0 ? WEIR_FIELD_NEVER_INDEX : 0);
    ASSERT_FALSE(HasFailure()) << round;
  }
}

}  // namespace
}  // namespace weir::h2::hpack
