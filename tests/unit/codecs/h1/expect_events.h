// Runs the same bytes whole, byte by byte and in random cuts, and wants the same events each time.
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/codecs/h1/codec_harness.h"

namespace weir::h1 {

// Requests, to a codec in server position, then the end of the input.
inline void ExpectRequestEvents(std::string_view bytes, std::string_view expected,
                                CodecOptions options = {}) {
  for (const test::Cuts& cuts : test::AllCuts(bytes.size())) {
    CodecHarness codec(options);
    codec.FeedCuts(bytes, cuts);
    codec.FeedEof();
    ASSERT_EQ(codec.EventText(), expected) << bytes << "\n" << test::DescribeCuts(cuts);
  }
}

// The response to `request`, to a codec in client position; then, where asked, the end of the
// input.
inline void ExpectResponseEvents(std::string_view bytes, std::string_view expected,
                                 const TestHead& request = Request("GET", "/"), bool eof = true,
                                 CodecOptions options = {}) {
  options.position = WEIR_CLIENT;
  for (const test::Cuts& cuts : test::AllCuts(bytes.size())) {
    CodecHarness codec(options);
    codec.Open();
    ASSERT_EQ(codec.Send(request, (request.flags & WEIR_HEAD_TUNNEL) == 0), WEIR_OK);
    codec.FeedCuts(bytes, cuts);
    if (eof) codec.FeedEof();
    ASSERT_EQ(codec.EventText(), expected) << bytes << "\n" << test::DescribeCuts(cuts);
  }
}

}  // namespace weir::h1
