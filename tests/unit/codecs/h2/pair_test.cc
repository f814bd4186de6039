// Two HTTP/2 codecs back to back.

#include <cstdint>

#include <gtest/gtest.h>

#include "tests/support/codec_pair.h"
#include "tests/unit/codecs/h2/h2_api.h"

namespace weir::h2 {
namespace {

test::Plan NewPlan() {
  test::Plan plan;
  plan.api = &Api();
  return plan;
}

TEST(H2PairTest, NoByteIsLostOrMixed) {
  test::NoByteIsLostOrMixed(NewPlan());
}

TEST(H2PairTest, WindowsOfAByteMove) {
  test::WindowsOfAByteMove(NewPlan());
}

TEST(H2PairTest, LargeFramesAndWindows) {
  test::LargeFramesAndWindows(NewPlan());
}

TEST(H2PairTest, AResetStopsItsStreamAlone) {
  test::AResetStopsItsStreamAlone(NewPlan());
}

TEST(H2PairTest, AGoawayServesWhatItSawAndRefusesTheRest) {
  test::AGoawayServesWhatItSawAndRefusesTheRest(NewPlan());
}

}  // namespace
}  // namespace weir::h2
