#include "core/http/codec_set.h"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace weir::http {
namespace {

// Says yes to what begins with its word, and asks for more while that may still come.
template <char kFirst, char kSecond>
uint32_t ProbeFor(const uint8_t* data, size_t size) {
  if (data[0] != kFirst) return WEIR_PROBE_NO;
  if (size == 1) return WEIR_PROBE_MORE;
  return data[1] == kSecond ? WEIR_PROBE_YES : WEIR_PROBE_NO;
}

class CodecSetTest : public testing::Test {
 protected:
  CodecSetTest() {
    for (weir_codec_api* api : {&two_, &one_, &old_}) api->struct_size = sizeof *api;
    two_.alpn = "two/2 two";
    two_.probe = ProbeFor<'a', 'b'>;
    one_.alpn = "one";
    set_.choices = {{&two_, {}}, {&one_, {}}};
  }

  const weir_codec_api* Probe(const std::string& bytes) {
    const CodecSet::Probed probed =
        set_.Probe(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    EXPECT_EQ(probed.verdict == CodecSet::Verdict::kFound, probed.choice != nullptr);
    return probed.choice == nullptr ? nullptr : probed.choice->api;
  }
  const weir_codec_api* Alpn(std::string_view name) {
    const CodecChoice* choice = set_.ByAlpn(name);
    return choice == nullptr ? nullptr : choice->api;
  }

  weir_codec_api two_{};
  weir_codec_api one_{};
  weir_codec_api old_{};
  CodecSet set_;
};

TEST_F(CodecSetTest, ACodecIsFoundByAnyOfItsAlpnNames) {
  EXPECT_EQ(Alpn("two"), &two_);
  EXPECT_EQ(Alpn("two/2"), &two_);
  EXPECT_EQ(Alpn("one"), &one_);
}

TEST_F(CodecSetTest, APartOfAnAlpnNameIsNoName) {
  for (const char* name : {"", "tw", "two/", "two/22", "two/2 two", " ", "o"})
    EXPECT_EQ(Alpn(name), nullptr) << name;
}

TEST_F(CodecSetTest, AllAlpnNamesAreOfferedOnceInOrderOfPreference) {
  set_.choices.push_back({&two_, {}});
  EXPECT_EQ(set_.AlpnNames(), (std::vector<std::string>{"two/2", "two", "one"}));
}

TEST_F(CodecSetTest, ACodecOfAnOlderAbiHasNeitherNameNorProbe) {
  old_.struct_size = offsetof(weir_codec_api, alpn);
  old_.alpn = "old";
  old_.probe = ProbeFor<'x', 'y'>;
  set_.choices = {{&old_, {}}, {&one_, {}}};
  EXPECT_EQ(Alpn("old"), nullptr);
  EXPECT_EQ(Probe("xy"), &one_);
  EXPECT_EQ(set_.AlpnNames(), (std::vector<std::string>{"one"}));
}

TEST_F(CodecSetTest, TheFirstThatSaysYesIsTaken) {
  EXPECT_EQ(Probe("ab"), &two_);
  one_.probe = ProbeFor<'a', 'b'>;
  EXPECT_EQ(Probe("ab"), &two_);
}

TEST_F(CodecSetTest, TheLastIsTakenWhenNoneSaysYes) {
  EXPECT_EQ(Probe("x"), &one_);
  EXPECT_EQ(Probe("ax"), &one_);
  one_.probe = ProbeFor<'q', 'q'>;
  EXPECT_EQ(Probe("zz"), &one_);
}

TEST_F(CodecSetTest, AMaybeWaitsAlsoWhereALaterOneWouldSayYes) {
  one_.probe = [](const uint8_t*, size_t) -> uint32_t { return WEIR_PROBE_YES; };
  EXPECT_EQ(Probe("a"), nullptr);
  EXPECT_EQ(Probe("ac"), &one_);
}

TEST_F(CodecSetTest, OneStreamAtATimeHasTheWholeBufferAsItsWindow) {
  CodecChoice choice{&one_, {}};
  SetWindows(262'144, &choice);
  EXPECT_EQ(choice.params.stream_window, 262'144u);
  EXPECT_EQ(choice.params.stream_window_max, 262'144u);
  SetWindows(1U << 30, &choice);
  EXPECT_EQ(choice.params.stream_window, 1U << 30);
  EXPECT_EQ(choice.params.stream_window_max, 1U << 30);
}

TEST_F(CodecSetTest, SharedStreamsStartSmallAndGrowToTheBufferLimitAtMostAMebibyte) {
  two_.flags = WEIR_CODEC_API_MULTIPLEXED;
  CodecChoice choice{&two_, {}};
  SetWindows(16'384, &choice);
  EXPECT_EQ(choice.params.stream_window, 16'384u);
  EXPECT_EQ(choice.params.stream_window_max, 16'384u);
  SetWindows(262'144, &choice);
  EXPECT_EQ(choice.params.stream_window, 65'536u);
  EXPECT_EQ(choice.params.stream_window_max, 262'144u);
  SetWindows(1U << 30, &choice);
  EXPECT_EQ(choice.params.stream_window, 65'536u);
  EXPECT_EQ(choice.params.stream_window_max, kStreamWindowMost);
}

}  // namespace
}  // namespace weir::http
