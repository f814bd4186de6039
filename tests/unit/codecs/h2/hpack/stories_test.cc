// What fourteen encoders made of real traffic, and what ours makes of it.
#include <gtest/gtest.h>

#include "tests/unit/codecs/h2/hpack/nghttp2_peer.h"
#include "tests/unit/codecs/h2/hpack/story.h"

namespace weir::h2::hpack {
namespace {

const std::vector<Story>& AllStories() {
  static const std::vector<Story> stories = ReadStories(WEIR_STORIES);
  return stories;
}

bool IsRaw(const Story& story) {
  return story.name.rfind("raw-data/", 0) == 0;
}

TEST(HpackStories, EveryEncodedStoryDecodesToItsFields) {
  size_t stories = 0;
  size_t blocks = 0;
  for (const Story& story : AllStories()) {
    if (IsRaw(story)) continue;
    ++stories;
    DecoderUnderTest decoder;
    for (const StoryCase& one : story.cases) {
      if (one.table_size) decoder.decoder().SetLimit(*one.table_size);
      ASSERT_EQ(decoder.Decode(one.wire), Status::kOk)
          << story.name << " " << blocks << " " << decoder.decoder().detail();
      ASSERT_EQ(decoder.Text(), one.fields) << story.name;
      ++blocks;
    }
  }
  EXPECT_EQ(stories, 336u);
  EXPECT_EQ(blocks, 13603u);
}

// Every third block is refused for its size; the others are right all the same.
TEST(HpackStories, AStoryIsRightBetweenBlocksThatAreOverALimit) {
  for (const Story& story : AllStories()) {
    if (IsRaw(story)) continue;
    DecoderUnderTest decoder;
    for (size_t i = 0; i < story.cases.size(); ++i) {
      const StoryCase& one = story.cases[i];
      if (one.table_size) decoder.decoder().SetLimit(*one.table_size);
      const bool over = i % 3 == 0 && one.fields.size() > 1;
      decoder.max_fields = over ? 1 : 1000;
      ASSERT_EQ(decoder.Decode(one.wire), over ? Status::kTooMany : Status::kOk) << story.name;
      ASSERT_EQ(decoder.Text(), over ? TextFields{} : one.fields) << story.name;
    }
  }
}

class HpackRawStories : public ::testing::TestWithParam<uint32_t> {};

TEST_P(HpackRawStories, ComeOutOfBothDecodersAsTheyWere) {
  size_t stories = 0;
  for (const Story& story : AllStories()) {
    if (!IsRaw(story)) continue;
    ++stories;
    EncoderUnderTest encoder(GetParam());
    DecoderUnderTest ours;
    Nghttp2Inflater theirs;
    for (const StoryCase& one : story.cases) {
      const Bytes block = encoder.Encode(one.fields);
      ASSERT_EQ(ours.Decode(block), Status::kOk) << story.name << " " << ours.decoder().detail();
      ASSERT_EQ(ours.Text(), one.fields) << story.name;
      ASSERT_EQ(theirs.Decode(block), one.fields) << story.name;
    }
  }
  EXPECT_EQ(stories, 32u);
}

INSTANTIATE_TEST_SUITE_P(TableSizes, HpackRawStories, ::testing::Values(0, 100, 1000, 4096, 65536));

}  // namespace
}  // namespace weir::h2::hpack
