// Windows both ways (RFC 9113 sections 5.2 and 6.9): what is credited when, how windows grow, and
// what becomes of bytes that nobody takes.

#include <algorithm>
#include <random>
#include <vector>

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

H2Setup Holding(uint32_t window, uint32_t most = 0) {
  H2Setup setup;
  setup.consume = false;
  setup.params.stream_window = window;
  setup.params.stream_window_max = most;
  return setup;
}

// All that was credited to a stream, or to the connection (0), behind the handshake.
uint64_t Credited(const H2Harness& h, uint32_t stream) {
  uint64_t sum = 0;
  for (const OutFrame& frame : h.frames()) {
    if (frame.Is(FrameType::kWindowUpdate) && frame.header.stream == stream)
      sum += frame.Increment();
  }
  return sum;
}

// As a peer that keeps to its windows: as much as they let it.
size_t Upload(H2Harness& h, uint32_t stream, size_t size, uint8_t padding = 0) {
  size_t sent = 0;
  while (sent < size) {
    const int64_t window =
        std::min(h.peer().receive_window(stream), h.peer().receive_connection_window());
    const int64_t overhead = padding == 0 ? 0 : padding + 1;
    const int64_t most =
        std::min<int64_t>({window - overhead, 16384 - overhead, static_cast<int64_t>(size - sent)});
    if (most <= 0) break;
    const std::string content(static_cast<size_t>(most), 'x');
    h.Feed(padding == 0 ? wire::Data(stream, content) : wire::PaddedData(stream, content, padding));
    sent += content.size();
  }
  return sent;
}

TEST(H2FlowControl, AnUploadOfManyWindowsGoesThroughBothWays) {
  H2Setup setup;
  setup.options.initial_connection_window_size = 65535;
  Once(setup, [](H2Harness& h) {
    OpenTwo(h);
    EXPECT_EQ(Upload(h, 1, 1 << 20), size_t{1} << 20);
    EXPECT_EQ(h.stream(1).body.size(), size_t{1} << 20);
    h.ExpectServes();
  });
  setup.position = WEIR_CLIENT;
  Once(setup, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Headers(1, h.Response("200"), false));
    EXPECT_EQ(Upload(h, 1, 1 << 20), size_t{1} << 20);
    h.ExpectServes();
  });
}

TEST(H2FlowControl, ADownloadOfManyWindowsGoesThrough) {
  Once({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Answer(3, 200, false);
    h.Body(3, std::string(1 << 20, 'x'), true);
    size_t seen = 0;
    for (int i = 0; i < 10000 && !h.SentEnd(3); ++i) {
      const size_t sent = h.Sent(3).size();
      ASSERT_GT(sent, seen);  // each credit moves something
      const auto size = static_cast<uint32_t>(sent - seen);
      seen = sent;
      h.Feed(wire::WindowUpdate(3, size) << wire::WindowUpdate(0, size));
    }
    EXPECT_EQ(h.Sent(3).size(), size_t{1} << 20);
    h.ExpectFine();
  });
}

TEST(H2FlowControl, AStreamThatNobodyReadsStopsAtItsWindow) {
  Once(Holding(65535), [](H2Harness& h) {
    OpenTwo(h);
    EXPECT_EQ(Upload(h, 1, 1 << 20), 65535u);
    EXPECT_EQ(Credited(h, 1), 0u);
    // Others are not stopped by it: the connection was credited on receipt.
    h.Feed(wire::Headers(5, h.Request("/"), false));
    EXPECT_EQ(Upload(h, 5, 1 << 20), 65535u);
    h.Consume(1, 65535);
    EXPECT_EQ(Credited(h, 1), 65535u);
    EXPECT_EQ(Upload(h, 1, 1 << 20), 65535u);
  });
}

TEST(H2FlowControl, CreditIsToldInHalvesOfTheWindow) {
  Once(Holding(65535), [](H2Harness& h) {
    OpenTwo(h);
    Upload(h, 1, 60000);
    for (int i = 0; i < 32766; ++i) h.Consume(1, 1);
    EXPECT_EQ(h.CountFrames(FrameType::kWindowUpdate, 1), 0u);
    h.Consume(1, 1);
    EXPECT_EQ(h.CountFrames(FrameType::kWindowUpdate, 1), 1u);
    EXPECT_EQ(Credited(h, 1), 32767u);
  });
}

TEST(H2FlowControl, AWindowOfOneMovesAndNothingIsNeverCredited) {
  Once(Holding(1), [](H2Harness& h) {
    OpenTwo(h);
    for (int i = 0; i < 50; ++i) {
      ASSERT_EQ(Upload(h, 1, 10), 1u);
      h.Consume(1, 0);
      h.Consume(1, 1);
    }
    EXPECT_EQ(Credited(h, 1), 50u);  // H2Peer complains of a credit of nothing
  });
}

// However many streams are due at once.
TEST(H2FlowControl, NoCreditOfThousandsOfStreamsIsLost) {
  H2Setup setup = Holding(1000);
  setup.params.max_streams = 10000;
  setup.options.guards.empty_frame_burst = 100000;
  Once(setup, [](H2Harness& h) {
    constexpr uint32_t kEnd = 2 * 5000 + 1;
    for (uint32_t stream = 1; stream < kEnd; stream += 2)
      h.Feed(wire::Headers(stream, h.Request("/"), false));
    for (uint32_t stream = 1; stream < kEnd; stream += 2) ASSERT_EQ(Upload(h, stream, 1000), 1000u);
    for (uint32_t stream = 1; stream < kEnd; stream += 2) h.Consume(stream, 1000);
    for (uint32_t stream = 1; stream < kEnd; stream += 2) ASSERT_EQ(Upload(h, stream, 1000), 1000u);
    EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
  });
}

TEST(H2FlowControl, AnEndedStreamIsNotCreditedAnyMore) {
  Once(Holding(65535), [](H2Harness& h) {
    OpenTwo(h);
    Upload(h, 1, 60000);
    h.Feed(wire::Data(1, "", true));
    h.Consume(1, 60000);
    EXPECT_EQ(h.CountFrames(FrameType::kWindowUpdate, 1), 0u);
  });
}

TEST(H2FlowControl, AWindowGrowsWhileItsReaderKeepsUp) {
  Once(Holding(65536, 1 << 20), [](H2Harness& h) {
    OpenTwo(h);
    for (int i = 0; i < 200; ++i) {
      Upload(h, 1, 16384);
      h.Consume(1, h.stream(1).held);
    }
    EXPECT_GT(h.peer().receive_window(1), 1 << 19);
    // And no further: what the peer may send never goes beyond.
    EXPECT_LE(h.peer().receive_window(1), 1 << 20);
    EXPECT_LE(Upload(h, 1, 4 << 20), size_t{1} << 20);
  });
}

TEST(H2FlowControl, AWindowDoesNotGrowForASlowReader) {
  Once(Holding(65536, 1 << 20), [](H2Harness& h) {
    OpenTwo(h);
    for (int i = 0; i < 100; ++i) {
      Upload(h, 1, 1 << 20);  // the window is always full
      h.Consume(1, 1000);
    }
    EXPECT_LE(h.stream(1).held + static_cast<uint32_t>(h.peer().receive_window(1)), 65536u);
  });
}

TEST(H2FlowControl, WithoutALimitAWindowDoesNotGrow) {
  Once(Holding(65536), [](H2Harness& h) {
    OpenTwo(h);
    for (int i = 0; i < 100; ++i) {
      Upload(h, 1, 16384);
      h.Consume(1, h.stream(1).held);
    }
    EXPECT_LE(h.peer().receive_window(1), 65536);
  });
}

// ---- Padding, and bytes that nobody takes

TEST(H2FlowControl, PaddingIsCreditedExactly) {
  Once(Holding(65535), [](H2Harness& h) {
    OpenTwo(h);
    uint64_t padding = 0;
    for (int i = 0; i < 2000; ++i) {
      ASSERT_GT(h.peer().receive_window(1), 300) << i;
      h.Feed(wire::PaddedData(1, "y", 255));
      padding += 256;
      h.Consume(1, 1);
    }
    // All but what waits for the next half of the window.
    EXPECT_GT(Credited(h, 1) + 32768, padding + 2000);
    EXPECT_LE(Credited(h, 1), padding + 2000);
  });
}

TEST(H2FlowControl, UploadsThatAreResetLeaveTheConnectionItsWindow) {
  H2Setup setup = Holding(65535);
  setup.options.initial_connection_window_size = 65535;
  setup.options.guards.rapid_reset_burst = 100000;
  for (const bool by_peer : {true, false}) {
    Once(setup, [&](H2Harness& h) {
      for (uint32_t stream = 1; stream < 1000; stream += 2) {
        h.Feed(wire::Headers(stream, h.Request("/"), false)
               << wire::PaddedData(stream, "half", 99));
        if (by_peer) {
          h.Feed(wire::Reset(stream, ErrorCode::kCancel));
        } else {
          h.ResetStream(stream, WEIR_REASON_CANCEL);
          h.Feed(wire::Data(stream, "on its way") << wire::PaddedData(stream, "z", 10));
        }
      }
      EXPECT_GT(h.peer().receive_connection_window(), 32000);
      h.setup().consume = true;
      h.Feed(wire::Headers(2001, h.Request("/"), false));
      EXPECT_EQ(Upload(h, 2001, 300000), 300000u);
      EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
    });
  }
}

TEST(H2FlowControl, FaultyStreamsLeaveTheConnectionItsWindow) {
  H2Setup setup;
  setup.options.initial_connection_window_size = 65535;
  Once(setup, [](H2Harness& h) {
    for (uint32_t stream = 1; stream < 401; stream += 2) {
      // More than content-length; the rest of the frame, and one more.
      h.Feed(wire::Headers(stream, h.Request("/", {{"content-length", "3"}}), false)
             << wire::PaddedData(stream, std::string(1000, 'x'), 200)
             << wire::Data(stream, "more"));
    }
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 200u);
    EXPECT_GT(h.peer().receive_connection_window(), 32000);
    h.ExpectServes();
  });
}

TEST(H2FlowControl, TheBodyOfARefusedRequestIsDroppedAndCredited) {
  H2Setup setup;
  setup.options.initial_connection_window_size = 65535;
  setup.params.max_head_bytes = 1000;
  Once(setup, [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Request("/", {{"x-big", std::string(1000, 'b')}}), false));
    EXPECT_EQ(h.stream(1).status, 431);
    EXPECT_EQ(Upload(h, 1, 60000), 60000u);
    EXPECT_GT(h.peer().receive_connection_window(), 32000);
    EXPECT_EQ(h.stream(1).body, "");
    h.Answer(1, 431, true);
    // The answer is whole; the rest of the request is not wanted.
    EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 1)->Code(), 0u);
    h.ExpectServes();
  });
}

// ---- The peer's windows

TEST(H2FlowControl, WindowsOfTwoConnectionsDoNotTouch) {
  H2Setup small;
  small.peer_settings = {{SettingId::kInitialWindowSize, 10}};
  H2Harness other(H2Setup{});
  other.Feed(wire::Headers(1, other.Request("/"), true));
  {
    H2Harness h(small);
    h.Feed(wire::Headers(1, h.Request("/"), true));
    h.Answer(1, 200, false);
    h.Body(1, std::string(100, 'x'), true);
    EXPECT_EQ(h.Sent(1).size(), 10u);
    h.Feed(wire::Settings({{SettingId::kInitialWindowSize, 20}}));
    EXPECT_EQ(h.Sent(1).size(), 20u);
  }
  other.Answer(1, 200, false);
  other.Body(1, std::string(100, 'x'), true);
  EXPECT_EQ(other.Sent(1).size(), 100u);
}

// Our own credit is not the peer's.
TEST(H2FlowControl, WhatWeCreditDoesNotOpenTheWindowToThePeer) {
  for (const uint32_t window : {10u, 1u << 20}) {  // the stream's, or else the connection's
    H2Setup setup;
    setup.options.initial_connection_window_size = 65535;
    setup.peer_settings = {{SettingId::kInitialWindowSize, window}};
    Once(setup, [&](H2Harness& h) {
      const size_t most = std::min(window, 65535u);
      OpenTwo(h);
      h.Answer(1, 200, false);
      h.Body(1, std::string(100000, 'x'), false);
      EXPECT_EQ(Upload(h, 1, 1 << 20), size_t{1} << 20);
      EXPECT_GT(h.CountFrames(FrameType::kWindowUpdate, 1), 10u);
      EXPECT_GT(h.CountFrames(FrameType::kWindowUpdate, 0), 10u);
      // The codec looks again.
      h.Body(1, "more of it", false);
      h.Feed(wire::WindowUpdate(3, 1));
      h.Answer(3, 200, false);
      h.Body(3, std::string(100000, 'y'), false);
      EXPECT_EQ(h.Sent(1).size(), most);
      EXPECT_EQ(h.Sent(3).size(), window == 10 ? 11u : 0u);
    });
  }
}

// Whatever happens: when all is written that can be, no stream has both bytes and window.
TEST(H2FlowControl, BytesAndWindowAreNeverLeftTogether) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    H2Setup setup;
    setup.peer_settings = {{SettingId::kInitialWindowSize, 100}};
    setup.options.guards.settings_burst = setup.options.guards.priority_burst = 1000;
    Once(setup, [&](H2Harness& h) {
      std::mt19937_64 random(seed);  // NOLINT: the same each time
      const auto below = [&](uint64_t bound) { return static_cast<uint32_t>(random() % bound); };
      std::vector<uint32_t> open;
      uint32_t next = 1;
      for (int step = 0; step < 400; ++step) {
        if (open.size() < 8) {
          h.Feed(wire::Headers(next, h.Request("/"), true));
          h.Answer(next, 200, false);
          open.push_back(next);
          next += 2;
        }
        const size_t at = below(open.size());
        const uint32_t stream = open[at];
        switch (below(6)) {
          case 0:
            h.Feed(wire::WindowUpdate(stream, 1 + below(300)));
            break;
          case 1:
            h.Feed(wire::WindowUpdate(0, 1 + below(3000)));
            break;
          case 2:
            h.Feed(wire::Settings({{SettingId::kInitialWindowSize, below(1000)}}));
            break;
          case 3:
            h.Feed(wire::PriorityUpdate(stream, "u=" + std::to_string(below(8))));
            break;
          case 4:
            if (below(4) == 0) {
              h.ResetStream(stream, WEIR_REASON_CANCEL);
              open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
              break;
            }
            [[fallthrough]];
          default:
            h.Body(stream, std::string(1 + below(500), 'x'), false);
        }
        ASSERT_FALSE(h.closed());
        for (const uint32_t one : open) {
          const int64_t window = std::min(h.peer().send_window(one), h.peer().connection_window());
          ASSERT_TRUE(h.stream(one).out.body.empty() || window <= 0) << one << " at " << step;
        }
      }
    });
  }
}

TEST(H2FlowControl, NothingButTheEndGoesOutWithoutWindow) {
  H2Setup setup;
  setup.peer_settings = {{SettingId::kInitialWindowSize, 0}};
  ForAllCuts(setup, [](H2Harness& h) {
    OpenTwo(h);
    h.Answer(3, 200, false);
    h.Body(3, "", true);
    EXPECT_TRUE(h.SentEnd(3));
    h.Answer(1, 200, false);
    h.Body(1, "waits", true);
    EXPECT_FALSE(h.SentEnd(1));
    EXPECT_EQ(h.Sent(1), "");
    h.Feed(wire::Ping());
    EXPECT_EQ(h.CountFrames(FrameType::kPing), 1u);
    h.Feed(wire::WindowUpdate(1, 5));
    EXPECT_EQ(h.Sent(1), "waits");
    EXPECT_TRUE(h.SentEnd(1));
  });
}

TEST(H2FlowControl, TheConnectionsWindowIsShared) {
  ForAllCuts({}, [](H2Harness& h) {
    for (const uint32_t stream : {1u, 3u, 5u}) {
      h.Feed(wire::Headers(stream, h.Request("/"), true));
      h.Answer(stream, 200, false);
      h.Body(stream, std::string(40000, 'x'), true);
    }
    EXPECT_EQ(h.Sent(1).size() + h.Sent(3).size() + h.Sent(5).size(), 65535u);
    h.Feed(wire::WindowUpdate(0, 1));
    EXPECT_EQ(h.Sent(1).size() + h.Sent(3).size() + h.Sent(5).size(), 65536u);
    h.Feed(wire::WindowUpdate(0, 1000000));
    for (const uint32_t stream : {1u, 3u, 5u}) EXPECT_TRUE(h.SentEnd(stream));
  });
}

TEST(H2FlowControl, AStreamThatWaitsForTheConnectionMayEndMeanwhile) {
  Once({}, [](H2Harness& h) {
    for (const uint32_t stream : {1u, 3u, 5u}) {
      h.Feed(wire::Headers(stream, h.Request("/"), true));
      h.Answer(stream, 200, false);
      h.Body(stream, std::string(60000, 'x'), true);
    }
    h.Feed(wire::Reset(3, ErrorCode::kCancel));
    h.ResetStream(5, WEIR_REASON_CANCEL);
    h.Feed(wire::WindowUpdate(0, 1000000));
    EXPECT_TRUE(h.SentEnd(1));
    h.ExpectServes();
  });
}

TEST(H2FlowControl, BeforeOurSettingsAreAcknowledgedTheOldWindowHolds) {
  H2Setup setup = Holding(1000);
  setup.handshake = false;
  Once(setup, [](H2Harness& h) {
    h.Feed(wire::Settings() << wire::Headers(1, h.Request("/"), false));
    // The client has not read our SETTINGS yet.
    h.Feed(wire::Data(1, std::string(16384, 'x')));
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 0u);
    h.Feed(wire::SettingsAck());
    h.Feed(wire::Data(1, "y"));
    ASSERT_EQ(h.CountFrames(FrameType::kRstStream, 1), 1u);
    EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 1)->Code(),
              static_cast<uint32_t>(ErrorCode::kFlowControlError));
  });
  Once(setup, [](H2Harness& h) {
    h.Feed(wire::Settings() << wire::Headers(1, h.Request("/"), false) << wire::SettingsAck());
    h.Feed(wire::Data(1, std::string(1000, 'x')));
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 0u);
    h.Consume(1, 1000);
    EXPECT_EQ(Upload(h, 1, 5000), 1000u);
  });
}

// A download over hours: credit that data explains is no flood, and nothing adds up.
TEST(H2FlowControl, CreditThatDataExplainsIsNoFlood) {
  Once({}, [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Request("/"), true));
    h.Answer(1, 200, false);
    for (int i = 0; i < 3000; ++i) {
      h.Body(1, std::string(8192, 'x'), false);
      h.Feed(wire::WindowUpdate(1, 4096)
             << wire::WindowUpdate(0, 4096) << wire::WindowUpdate(1, 4096)
             << wire::WindowUpdate(0, 4096));
      ASSERT_FALSE(h.closed()) << i;
    }
    h.ExpectFine();
  });
}

TEST(H2FlowControl, AConnectionOfHoursLives) {
  Once({}, [](H2Harness& h) {
    uint32_t stream = 1;
    for (int second = 0; second < 5000; ++second) {
      for (int i = 0; i < 3; ++i, stream += 2) {
        h.Feed(wire::Headers(stream, h.Request("/"), true));
        if (i == 0) {
          h.Feed(wire::Reset(stream, ErrorCode::kCancel));
        } else {
          h.Answer(stream, 204, true);
        }
      }
      h.Feed(wire::Ping() << wire::WindowUpdate(0, 1));
      h.Advance(1000);
      ASSERT_FALSE(h.closed()) << second;
    }
  });
}

// It has streams with bytes and window of their own that wait for the connection's.
TEST(H2FlowControl, TheHostHearsThatTheConnectionIsFull) {
  H2Setup setup = H2Setup::Client();
  setup.peer_settings = {{SettingId::kInitialWindowSize, 100000}};
  Once(setup, [](H2Harness& h) {
    h.Send("/one", false);
    h.Send("/three", false);
    h.Queue(1, std::string(65535, 'x'), false);
    EXPECT_EQ(h.ProduceOnce(1 << 20) & WEIR_PRODUCED_FULL, 0u);
    EXPECT_EQ(h.Sent(1).size(), 65535u);
    h.Queue(3, "y", false);
    EXPECT_NE(h.ProduceOnce(1 << 20) & WEIR_PRODUCED_FULL, 0u);
    h.FeedQuietly(wire::WindowUpdate(0, 1));
    EXPECT_EQ(h.ProduceOnce(1 << 20) & WEIR_PRODUCED_FULL, 0u);
    EXPECT_EQ(h.Sent(3), "y");
    // Its own window is another matter.
    h.FeedQuietly(wire::WindowUpdate(0, 1000000));
    h.Queue(1, std::string(100000, 'x'), false);
    EXPECT_EQ(h.ProduceOnce(1 << 20) & WEIR_PRODUCED_FULL, 0u);
  });
}

}  // namespace
}  // namespace weir::h2
