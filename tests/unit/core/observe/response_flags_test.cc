#include "core/observe/response_flags.h"

#include <string>

#include <gtest/gtest.h>

namespace weir::observe {
namespace {

std::string Text(ResponseFlags flags) {
  char room[kMaxResponseFlagsText];
  return std::string(room, WriteResponseFlags(flags, room));
}

TEST(ResponseFlags, NoneIsADash) {
  EXPECT_EQ(Text(ResponseFlags{}), "-");
}

TEST(ResponseFlags, EachHasItsShortName) {
  const std::pair<ResponseFlag, const char*> expected[] = {
      {ResponseFlag::kFailedLocalHealthCheck, "LH"},
      {ResponseFlag::kNoHealthyUpstream, "UH"},
      {ResponseFlag::kUpstreamRequestTimeout, "UT"},
      {ResponseFlag::kLocalReset, "LR"},
      {ResponseFlag::kUpstreamRemoteReset, "UR"},
      {ResponseFlag::kUpstreamConnectionFailure, "UF"},
      {ResponseFlag::kUpstreamConnectionTermination, "UC"},
      {ResponseFlag::kUpstreamOverflow, "UO"},
      {ResponseFlag::kNoRouteFound, "NR"},
      {ResponseFlag::kDownstreamConnectionTermination, "DC"},
      {ResponseFlag::kUpstreamRetryLimitExceeded, "URX"},
      {ResponseFlag::kStreamIdleTimeout, "SI"},
      {ResponseFlag::kInvalidEnvoyRequestHeaders, "IH"},
      {ResponseFlag::kDownstreamProtocolError, "DPE"},
      {ResponseFlag::kDurationTimeout, "DT"},
      {ResponseFlag::kUpstreamProtocolError, "UPE"},
      {ResponseFlag::kNoClusterFound, "NC"},
      {ResponseFlag::kOverloadManager, "OM"},
      {ResponseFlag::kDownstreamRemoteReset, "DR"},
      {ResponseFlag::kUnconditionalDropOverload, "UDO"},
  };
  for (const auto& [flag, name] : expected) {
    ResponseFlags flags;
    flags.Set(flag);
    EXPECT_EQ(Text(flags), name);
    EXPECT_TRUE(flags.Has(flag));
    EXPECT_FALSE(flags.empty());
  }
}

TEST(ResponseFlags, SeveralAreJoinedInTheOrderOfTheTable) {
  ResponseFlags flags;
  flags.Set(ResponseFlag::kUpstreamRetryLimitExceeded);
  flags.Set(ResponseFlag::kUpstreamConnectionFailure);
  EXPECT_FALSE(flags.Has(ResponseFlag::kNoRouteFound));
  EXPECT_EQ(Text(flags), "UF,URX");
}

TEST(ResponseFlags, AllTogetherFitTheirRoom) {
  ResponseFlags all;
  for (int i = 0; i <= static_cast<int>(ResponseFlag::kUnconditionalDropOverload); ++i) {
    all.Set(static_cast<ResponseFlag>(i));
  }
  EXPECT_LE(Text(all).size(), static_cast<size_t>(kMaxResponseFlagsText));
  EXPECT_EQ(Text(all).substr(0, 6), "LH,UH,");
}

}  // namespace
}  // namespace weir::observe
