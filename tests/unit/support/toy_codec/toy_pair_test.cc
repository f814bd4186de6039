// Two toy codecs back to back.

#include <cstdint>

#include <gtest/gtest.h>

#include "tests/support/codec_pair.h"
#include "tests/support/toy_codec/toy_codec.h"

namespace weir::toy {
namespace {

ToyConfig config_of_both;

test::Plan NewPlan(std::uint32_t max_frame = 50) {
  config_of_both = {max_frame, 1};
  test::Plan plan;
  plan.api = &kToyCodecApi;
  plan.config = &config_of_both;
  return plan;
}

TEST(ToyPairTest, NoByteIsLostOrMixed) {
  test::NoByteIsLostOrMixed(NewPlan());
}

TEST(ToyPairTest, WindowsOfAByteMove) {
  test::WindowsOfAByteMove(NewPlan());
}

TEST(ToyPairTest, LargeFramesAndWindows) {
  test::LargeFramesAndWindows(NewPlan(65535));
}

TEST(ToyPairTest, AResetStopsItsStreamAlone) {
  test::AResetStopsItsStreamAlone(NewPlan());
}

TEST(ToyPairTest, AGoawayServesWhatItSawAndRefusesTheRest) {
  test::AGoawayServesWhatItSawAndRefusesTheRest(NewPlan());
}

}  // namespace
}  // namespace weir::toy
