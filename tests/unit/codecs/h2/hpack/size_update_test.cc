// Dynamic table size updates (RFC 7541 4.2, 6.3), a test a rule.
#include <gtest/gtest.h>

#include "tests/unit/codecs/h2/hpack/hpack_harness.h"

namespace weir::h2::hpack {
namespace {

class HpackSizeUpdate : public ::testing::Test {
 protected:
  void ExpectOk(std::string_view hex) {
    EXPECT_EQ(under_test_.DecodeHex(hex), Status::kOk) << under_test_.decoder().detail();
  }
  void ExpectBad(std::string_view hex, std::string_view detail) {
    EXPECT_EQ(under_test_.DecodeHex(hex), Status::kCompression);
    EXPECT_EQ(under_test_.decoder().detail(), detail);
    EXPECT_EQ(under_test_.block().count, 0u);
  }
  void SetLimit(uint32_t limit) { under_test_.decoder().SetLimit(limit); }
  uint32_t max_size() const { return under_test_.table().max_size(); }

  DecoderUnderTest under_test_;
};

TEST_F(HpackSizeUpdate, ThePeerMayMakeItsTableSmaller) {
  ExpectOk("400161 0162");
  EXPECT_EQ(under_test_.table().count(), 1u);
  ExpectOk("20 82");
  EXPECT_EQ(max_size(), 0u);
  EXPECT_EQ(under_test_.table().count(), 0u);
}

TEST_F(HpackSizeUpdate, WhatItMadeSmallerItMayMakeLargerUpToTheLimit) {
  ExpectOk("20");
  ExpectOk("3fe11f");
  EXPECT_EQ(max_size(), 4096u);
}

TEST_F(HpackSizeUpdate, TwoAtTheStartAreLegal) {
  ExpectOk("20 3fe11f 82");
}

TEST_F(HpackSizeUpdate, AThirdIsRefused) {
  ExpectBad("20 21 22 82", "http2.hpack.third_size_update");
}

TEST_F(HpackSizeUpdate, OverTheLimitIsRefused) {
  ExpectBad("3fe21f", "http2.hpack.size_update_over_limit");  // 4097
}

TEST_F(HpackSizeUpdate, OverALimitThatWasRaisedIsRefused) {
  SetLimit(8192);
  ExpectOk("3fe13f");  // 8192
  EXPECT_EQ(max_size(), 8192u);
  ExpectBad("3fe23f", "http2.hpack.size_update_over_limit");
}

TEST_F(HpackSizeUpdate, BehindAFieldIsRefused) {
  ExpectBad("82 20", "http2.hpack.late_size_update");
}

TEST_F(HpackSizeUpdate, BetweenFieldsIsRefused) {
  ExpectBad("82 20 82", "http2.hpack.late_size_update");
}

TEST_F(HpackSizeUpdate, AfterALoweredLimitItIsDue) {
  SetLimit(100);
  ExpectBad("82", "http2.hpack.size_update_missing");
}

TEST_F(HpackSizeUpdate, AfterALoweredLimitItIsDueInAnEmptyBlockToo) {
  SetLimit(100);
  ExpectBad("", "http2.hpack.size_update_missing");
}

TEST_F(HpackSizeUpdate, AfterALoweredLimitOneWithinItIsEnough) {
  SetLimit(100);
  ExpectOk("3f45 82");  // 100
  EXPECT_EQ(max_size(), 100u);
  ExpectOk("82");
}

TEST_F(HpackSizeUpdate, AfterALoweredLimitASmallerOneIsEnough) {
  SetLimit(100);
  ExpectOk("20 82");
  ExpectOk("3f45 82");
}

TEST_F(HpackSizeUpdate, OfALimitThatWentDownAndUpTheLowestIsDueFirst) {
  SetLimit(0);
  SetLimit(4096);
  ExpectBad("3fe11f 82", "http2.hpack.size_update_missing");
}

TEST_F(HpackSizeUpdate, OfALimitThatWentDownAndUpTheLowestComesAndThenTheLast) {
  ExpectOk("400161 0162");
  SetLimit(0);
  SetLimit(4096);
  ExpectOk("20 3fe11f 82");
  EXPECT_EQ(under_test_.table().count(), 0u);
  EXPECT_EQ(max_size(), 4096u);
}

TEST_F(HpackSizeUpdate, NoneIsDueWhenTheTableIsSmallerAlready) {
  ExpectOk("20");
  SetLimit(100);
  ExpectOk("82");
}

TEST_F(HpackSizeUpdate, NoneIsDueWhenTheLimitIsRaised) {
  SetLimit(16384);
  ExpectOk("82");
  EXPECT_EQ(max_size(), 4096u);
}

TEST_F(HpackSizeUpdate, ALimitBeyondOurBoundIsTheBound) {
  SetLimit(UINT32_MAX);
  ExpectOk("3fe1ff03");  // 65536
  EXPECT_EQ(max_size(), kMaxTableSize);
  ExpectBad("3fe2ff03", "http2.hpack.size_update_over_limit");
}

TEST_F(HpackSizeUpdate, ItEvictsTheOldestUntilTheRestFits) {
  ExpectOk("400161 0131 400162 0132 400163 0133");  // three entries of 34
  ExpectOk("3f25");                                 // 68
  EXPECT_EQ(under_test_.TableText(), (TextFields{{"c", "3"}, {"b", "2"}}));
  ExpectOk("3f24");  // 67
  EXPECT_EQ(under_test_.TableText(), (TextFields{{"c", "3"}}));
}

TEST_F(HpackSizeUpdate, ANumberThatIsCutOffIsRefused) {
  for (const char* hex : {"3f", "3fe1", "20 3f"}) {
    DecoderUnderTest fresh;
    EXPECT_EQ(fresh.DecodeHex(hex), Status::kCompression) << hex;
  }
}

}  // namespace
}  // namespace weir::h2::hpack
