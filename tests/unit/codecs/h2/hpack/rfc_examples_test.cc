// RFC 7541 Appendix C, all of it: what each block decodes to, and the table after it.
#include <gtest/gtest.h>

#include "codecs/h2/hpack/integer.h"
#include "tests/unit/codecs/h2/hpack/hpack_harness.h"

namespace weir::h2::hpack {
namespace {

struct Example {
  std::string_view hex;
  TextFields fields;
  TextFields table;
  uint32_t table_size;
};

void Expect(DecoderUnderTest* decoder, const std::vector<Example>& examples) {
  for (const Example& example : examples) {
    SCOPED_TRACE(example.hex);
    ASSERT_EQ(decoder->DecodeHex(example.hex), Status::kOk) << decoder->decoder().detail();
    EXPECT_EQ(decoder->Text(), example.fields);
    EXPECT_EQ(decoder->TableText(), example.table);
    EXPECT_EQ(decoder->table().size(), example.table_size);
  }
}

struct IntegerExample {
  uint32_t value;
  unsigned prefix_bits;
  std::string_view hex;
};

TEST(HpackRfcExamples, C1Integers) {
  for (const IntegerExample& example :
       {IntegerExample{10, 5, "0a"}, IntegerExample{1337, 5, "1f9a0a"},
        IntegerExample{42, 8, "2a"}}) {
    uint8_t out[kMaxIntegerSize];
    uint8_t* const end = WriteInteger(out, 0, example.prefix_bits, example.value);
    EXPECT_EQ(Bytes(out, end), FromHex(example.hex));
    const uint8_t* at = out;
    uint32_t value = 0;
    EXPECT_TRUE(ReadInteger(&at, end, example.prefix_bits, &value));
    EXPECT_EQ(value, example.value);
    EXPECT_EQ(at, end);
  }
}

TEST(HpackRfcExamples, C21LiteralWithIndexing) {
  DecoderUnderTest decoder;
  const TextFields field = {{"custom-key", "custom-header"}};
  Expect(&decoder,
         {{"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", field, field, 55}});
}

TEST(HpackRfcExamples, C22LiteralWithoutIndexing) {
  DecoderUnderTest decoder;
  Expect(&decoder, {{"040c 2f73 616d 706c 652f 7061 7468", {{":path", "/sample/path"}}, {}, 0}});
}

TEST(HpackRfcExamples, C23LiteralNeverIndexed) {
  DecoderUnderTest decoder;
  Expect(&decoder,
         {{"1008 7061 7373 776f 7264 0673 6563 7265 74", {{"password", "secret"}}, {}, 0}});
  EXPECT_EQ(decoder.at(0).flags, WEIR_FIELD_NEVER_INDEX);
}

TEST(HpackRfcExamples, C24Indexed) {
  DecoderUnderTest decoder;
  Expect(&decoder, {{"82", {{":method", "GET"}}, {}, 0}});
}

const TextFields kRequest1 = {
    {":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}};
const TextFields kRequest2 = {{":method", "GET"},
                              {":scheme", "http"},
                              {":path", "/"},
                              {":authority", "www.example.com"},
                              {"cache-control", "no-cache"}};
const TextFields kRequest3 = {{":method", "GET"},
                              {":scheme", "https"},
                              {":path", "/index.html"},
                              {":authority", "www.example.com"},
                              {"custom-key", "custom-value"}};
const TextFields kRequestTable1 = {{":authority", "www.example.com"}};
const TextFields kRequestTable2 = {{"cache-control", "no-cache"},
                                   {":authority", "www.example.com"}};
const TextFields kRequestTable3 = {{"custom-key", "custom-value"},
                                   {"cache-control", "no-cache"},
                                   {":authority", "www.example.com"}};

TEST(HpackRfcExamples, C3RequestsWithoutHuffman) {
  DecoderUnderTest decoder;
  Expect(&decoder,
         {{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", kRequest1, kRequestTable1, 57},
          {"8286 84be 5808 6e6f 2d63 6163 6865", kRequest2, kRequestTable2, 110},
          {"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", kRequest3,
           kRequestTable3, 164}});
}

TEST(HpackRfcExamples, C4RequestsWithHuffman) {
  DecoderUnderTest decoder;
  Expect(&decoder, {{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", kRequest1, kRequestTable1, 57},
                    {"8286 84be 5886 a8eb 1064 9cbf", kRequest2, kRequestTable2, 110},
                    {"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", kRequest3,
                     kRequestTable3, 164}});
}

const char* const kDate1 = "Mon, 21 Oct 2013 20:13:21 GMT";
const char* const kDate2 = "Mon, 21 Oct 2013 20:13:22 GMT";
const char* const kLocation = "https://www.example.com";
const char* const kCookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

const TextFields kResponse1 = {
    {":status", "302"}, {"cache-control", "private"}, {"date", kDate1}, {"location", kLocation}};
const TextFields kResponse2 = {
    {":status", "307"}, {"cache-control", "private"}, {"date", kDate1}, {"location", kLocation}};
const TextFields kResponse3 = {
    {":status", "200"},      {"cache-control", "private"}, {"date", kDate2},
    {"location", kLocation}, {"content-encoding", "gzip"}, {"set-cookie", kCookie}};
const TextFields kResponseTable1 = {
    {"location", kLocation}, {"date", kDate1}, {"cache-control", "private"}, {":status", "302"}};
const TextFields kResponseTable2 = {
    {":status", "307"}, {"location", kLocation}, {"date", kDate1}, {"cache-control", "private"}};
const TextFields kResponseTable3 = {
    {"set-cookie", kCookie}, {"content-encoding", "gzip"}, {"date", kDate2}};

// The examples have a table of 256 octets, which each side knows from a setting.
void UseSmallTable(DecoderUnderTest* decoder) {
  decoder->decoder().SetLimit(256);
  ASSERT_EQ(decoder->DecodeHex("3fe101"), Status::kOk);
}

TEST(HpackRfcExamples, C5ResponsesWithoutHuffman) {
  DecoderUnderTest decoder;
  UseSmallTable(&decoder);
  Expect(&decoder,
         {{"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032"
           "303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63"
           "6f6d",
           kResponse1, kResponseTable1, 222},
          {"4803 3330 37c1 c0bf", kResponse2, kResponseTable2, 222},
          {"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0"
           "5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851"
           "5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
           kResponse3, kResponseTable3, 215}});
}

TEST(HpackRfcExamples, C6ResponsesWithHuffman) {
  DecoderUnderTest decoder;
  UseSmallTable(&decoder);
  Expect(&decoder,
         {{"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b"
           "ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
           kResponse1, kResponseTable1, 222},
          {"4883 640e ffc1 c0bf", kResponse2, kResponseTable2, 222},
          {"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad"
           "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160"
           "65c0 03ed 4ee5 b106 3d50 07",
           kResponse3, kResponseTable3, 215}});
}

}  // namespace
}  // namespace weir::h2::hpack
