#include "filters/http/decompressor/decoder.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "filters/http/compressor/encoder.h"

namespace weir::filters {
namespace {

using Result = Decoder::Result;

std::string Encode(Coding coding, std::string_view body) {
  EncoderOptions options;
  options.coding = coding;
  options.zstd.checksum = true;
  std::string out;
  EXPECT_TRUE(MakeEncoder(options)->Run(body, Encoder::Then::kFinish, &out));
  return out;
}

struct Outcome {
  Result result = Result::kMore;
  bool whole = false;
  std::string body;
};

// In pieces of `step` bytes, with `room` bytes of output at a time.
Outcome Decode(Coding coding, std::string_view in, std::size_t step, std::size_t room = 100) {
  const auto decoder = MakeDecoder(coding, 15);
  Outcome outcome;
  std::string buffer(room, '\0');
  do {
    std::string_view piece = in.substr(0, step);
    in.remove_prefix(piece.size());
    do {
      std::size_t made = 0;
      outcome.result = decoder->Run(&piece, buffer.data(), room, &made);
      outcome.body.append(buffer, 0, made);
    } while (outcome.result == Result::kRoom);
    if (outcome.result == Result::kError) return outcome;
    EXPECT_TRUE(piece.empty());
  } while (!in.empty());
  outcome.whole = decoder->whole();
  return outcome;
}

class DecoderTest : public ::testing::TestWithParam<Coding> {};

const std::string kBody = [] {
  std::string body;
  for (int i = 0; i < 100; ++i) body += "line " + std::to_string(i * i) + "\n";
  return body;
}();

TEST_P(DecoderTest, AnyPiecesAndAnyRoomGiveTheSameBody) {
  const std::string in = Encode(GetParam(), kBody);
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, in.size()}) {
    for (const std::size_t room : {1u, 3u, 64u, 100000u}) {
      const Outcome outcome = Decode(GetParam(), in, step, room);
      EXPECT_EQ(outcome.result, Result::kMore);
      EXPECT_TRUE(outcome.whole);
      EXPECT_EQ(outcome.body, kBody);
    }
  }
}

TEST_P(DecoderTest, EveryCutIsSeen) {
  const std::string in = Encode(GetParam(), kBody);
  for (std::size_t size = 0; size < in.size(); ++size) {
    const Outcome outcome = Decode(GetParam(), std::string_view(in).substr(0, size), 1000);
    EXPECT_FALSE(outcome.whole) << size;
  }
}

TEST_P(DecoderTest, WhatFollowsTheEndIsNoBody) {
  const std::string in = Encode(GetParam(), kBody);
  for (const std::size_t step : {1u, 100000u}) {
    const Outcome outcome = Decode(GetParam(), in + "garbage behind the end", step);
    EXPECT_TRUE(outcome.result == Result::kError || !outcome.whole);
  }
}

TEST_P(DecoderTest, AnyInputEndsInAnAnswer) {
  std::mt19937 random(11);
  const std::string good = Encode(GetParam(), kBody);
  for (int round = 0; round < 2000; ++round) {
    std::string in = good;
    for (int i = 0; i < 3; ++i) in[random() % in.size()] = static_cast<char>(random());
    const Outcome outcome = Decode(GetParam(), in, 1 + random() % 50);
    EXPECT_LE(outcome.body.size(), std::size_t{1} << 24);
  }
}

INSTANTIATE_TEST_SUITE_P(All, DecoderTest,
                         ::testing::Values(Coding::kGzip, Coding::kBrotli, Coding::kZstd),
                         [](const auto& made) { return std::string(CodingName(made.param)); });

TEST(DecoderMembersTest, ABodyMayBeSeveralMembersOrFrames) {
  for (const Coding coding : {Coding::kGzip, Coding::kZstd}) {
    const std::string in = Encode(coding, "one ") + Encode(coding, "") + Encode(coding, "two");
    for (const std::size_t step : {1u, 1000u}) {
      const Outcome outcome = Decode(coding, in, step, 2);
      EXPECT_EQ(outcome.body, "one two");
      EXPECT_TRUE(outcome.whole);
    }
    EXPECT_FALSE(Decode(coding, in.substr(0, in.size() - 1), 1000).whole);
  }
}

TEST(DecoderMembersTest, AChangedByteOfGzipIsFoundByItsSum) {
  std::string in = Encode(Coding::kGzip, std::string(100, 'a'));
  in[in.size() - 6] = static_cast<char>(in[in.size() - 6] ^ 1);  // of the CRC
  EXPECT_EQ(Decode(Coding::kGzip, in, 1000).result, Result::kError);
}

TEST(DecoderMembersTest, AWindowBeyondTheRuleIsRefused) {
  // A frame head that asks for 128 MiB of window (RFC 8878 section 3.1.1.1.2), and an empty block.
  const std::string in("\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00", 9);
  EXPECT_EQ(Decode(Coding::kZstd, in, 100).result, Result::kError);
}

}  // namespace
}  // namespace weir::filters
