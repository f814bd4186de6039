#include "filters/http/compressor/encoder.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "filters/http/decompressor/decoder.h"

namespace weir::filters {
namespace {

using Then = Encoder::Then;

class EncoderTest : public ::testing::TestWithParam<Coding> {
 protected:
  std::unique_ptr<Encoder> Make() const {
    EncoderOptions options;
    options.coding = GetParam();
    return MakeEncoder(options);
  }
};

// Decodes in pieces of `step`; the body must be whole.
std::string Decode(Coding coding, std::string_view in, bool whole = true) {
  const auto decoder = MakeDecoder(coding, 15);
  std::string out;
  for (;;) {
    char room[777];
    std::size_t made = 0;
    const Decoder::Result result = decoder->Run(&in, room, sizeof room, &made);
    out.append(room, made);
    if (result == Decoder::Result::kError) return "(error)";
    if (result == Decoder::Result::kMore) break;
  }
  if (whole) {
    EXPECT_TRUE(decoder->whole());
  }
  return out;
}

std::string Text(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "the quick brown fox " + std::to_string(text.size() % 97);
  text.resize(size);
  return text;
}

std::string Noise(std::size_t size) {
  std::mt19937 random(7);
  std::string noise(size, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

TEST_P(EncoderTest, ABodyComesBackWhole) {
  for (const std::string& body :
       {std::string(), std::string("a"), Text(300000), Noise(300000), std::string(5000000, 'z')}) {
    std::string out;
    ASSERT_TRUE(Make()->Run(body, Then::kFinish, &out));
    EXPECT_TRUE(Decode(GetParam(), out) == body) << body.size();
  }
}

TEST_P(EncoderTest, EverySplitGivesTheSameBody) {
  const std::string body = Text(200);
  for (std::size_t at = 0; at <= body.size(); ++at) {
    const auto encoder = Make();
    std::string out;
    ASSERT_TRUE(encoder->Run(body.substr(0, at), Then::kFlush, &out));
    ASSERT_TRUE(encoder->Run(body.substr(at), Then::kFlush, &out));
    ASSERT_TRUE(encoder->Run({}, Then::kFinish, &out));
    EXPECT_EQ(Decode(GetParam(), out), body) << at;
  }
}

TEST_P(EncoderTest, WhatWasFlushedCanBeDecodedBeforeMoreComes) {
  const std::string body = Text(300);
  const auto encoder = Make();
  std::string out;
  for (std::size_t i = 0; i < body.size(); ++i) {
    ASSERT_TRUE(encoder->Run(body.substr(i, 1), Then::kFlush, &out));
    ASSERT_EQ(Decode(GetParam(), out, false), body.substr(0, i + 1));
  }
  ASSERT_TRUE(encoder->Run({}, Then::kFinish, &out));
  EXPECT_EQ(Decode(GetParam(), out), body);
}

TEST_P(EncoderTest, TextGetsSmaller) {
  std::string out;
  ASSERT_TRUE(Make()->Run(Text(100000), Then::kFinish, &out));
  EXPECT_LT(out.size(), 20000u);
}

INSTANTIATE_TEST_SUITE_P(All, EncoderTest,
                         ::testing::Values(Coding::kGzip, Coding::kBrotli, Coding::kZstd),
                         [](const auto& made) { return std::string(CodingName(made.param)); });

TEST(EncoderSettingsTest, TheHighestLevelsOfZstdKeepTheWindowThatClientsHave) {
  EncoderOptions options;
  options.coding = Coding::kZstd;
  options.zstd.level = 22;
  const auto encoder = MakeEncoder(options);
  ASSERT_NE(encoder, nullptr);
  const std::string body = Text(9000000);
  std::string out;
  ASSERT_TRUE(encoder->Run(body, Then::kFinish, &out));
  // The decoder refuses more than 8 MiB of window.
  EXPECT_TRUE(Decode(Coding::kZstd, out) == body);
}

}  // namespace
}  // namespace weir::filters
