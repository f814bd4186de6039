// Stories of the test data: header blocks that share one compression context.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/unit/codecs/h2/hpack/hpack_harness.h"

namespace weir::h2::hpack {

struct StoryCase {
  std::optional<uint32_t> table_size;  // a setting that was acknowledged before this case
  Bytes wire;                          // empty in raw-data
  TextFields fields;
};

struct Story {
  std::string name;  // "nghttp2/story_00"
  std::vector<StoryCase> cases;
};

// The stories of the folders below `directory` in the order of their names; of one folder when
// `folder` is not empty.
std::vector<Story> ReadStories(const std::string& directory, const std::string& folder = "");

}  // namespace weir::h2::hpack
