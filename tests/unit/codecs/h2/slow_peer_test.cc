// Peers that take nothing, or a little at a time, and peers that ask and never read: what
// they hold is given back in time, and nobody else pays.

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

constexpr auto kCalm = ErrorCode::kEnhanceYourCalm;

uint64_t Counted(const std::string& guard) {
  return H2Harness::Counter("h2.guard." + guard);
}

// With windows of its streams that are shut.
H2Setup Shut(uint8_t position, uint32_t window = 0) {
  H2Setup setup;
  setup.position = position;
  setup.peer_settings = {{SettingId::kInitialWindowSize, window}};
  return setup;
}

// A stream with bytes that wait; its number.
uint32_t Waiting(H2Harness& h, uint32_t wire, size_t size) {
  if (h.server()) {
    h.Feed(wire::Headers(wire, h.Request("/"), true));
    h.Answer(wire, 200, false);
  } else {
    EXPECT_EQ(h.Send("/", false), wire);
  }
  h.Body(wire, std::string(size, 'x'), true);
  return wire;
}

TEST(H2SlowPeer, AStreamWhoseWindowStaysShutIsEndedAlone) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    Once(Shut(position), [](H2Harness& h) {
      const uint64_t before = Counted("zero_window");
      const uint32_t slow = Waiting(h, 1, 1000);
      h.Advance(59000);
      EXPECT_FALSE(h.stream(slow).over);
      h.Advance(2000);
      // Its host hears of it, although the peer is silent.
      EXPECT_TRUE(h.stream(slow).over);
      EXPECT_EQ(h.stream(slow).reason, WEIR_REASON_TIMEOUT);
      EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 1)->Code(), static_cast<uint32_t>(kCalm));
      EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 1u);
      EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
      EXPECT_EQ(Counted("zero_window"), before + 1);
      h.Advance(600000);
      EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 1u);
      EXPECT_EQ(h.Deadline(), 0u);  // nothing is waited for
      h.Feed(wire::Settings({{SettingId::kInitialWindowSize, 65535}}));
      h.ExpectServes();
    });
  }
}

TEST(H2SlowPeer, AStreamThatIsFedInTimeLives) {
  Once(Shut(WEIR_SERVER), [](H2Harness& h) {
    Waiting(h, 1, 1000000);
    for (int i = 0; i < 20; ++i) {
      h.Advance(50000);
      h.Feed(wire::WindowUpdate(1, 20000) << wire::WindowUpdate(0, 20000));
    }
    EXPECT_FALSE(h.stream(1).over);
    EXPECT_EQ(h.Sent(1).size(), 400000u);
  });
}

TEST(H2SlowPeer, AStreamWithNothingToSendIsNeverSlow) {
  Once(Shut(WEIR_SERVER), [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Request("/"), false));
    h.Answer(1, 200, false);
    h.Advance(3600000);
    EXPECT_FALSE(h.stream(1).over);
    EXPECT_EQ(h.Deadline(), 0u);
  });
}

// A client that has closed its side can open no window: nothing is to be waited for.
TEST(H2SlowPeer, AHalfClosedClientsStreamWithoutWindowEndsAtOnce) {
  for (const bool before : {true, false}) {
    SCOPED_TRACE(before);
    Once(Shut(WEIR_SERVER, 100), [&](H2Harness& h) {
      h.Feed(wire::Headers(1, h.Request("/"), true) << wire::Headers(3, h.Request("/"), true));
      h.Answer(1, 200, false);
      h.Answer(3, 200, false);
      h.Body(1, std::string(before ? 101 : 50, 'x'), false);
      h.FeedEof();
      if (!before) {
        EXPECT_FALSE(h.stream(1).over);
        h.Body(1, std::string(51, 'x'), false);
      }
      EXPECT_EQ(h.Sent(1).size(), 100u);
      EXPECT_TRUE(h.stream(1).over);
      EXPECT_EQ(h.stream(1).reason, WEIR_REASON_CLOSED);
      ASSERT_EQ(h.CountFrames(FrameType::kRstStream, 1), 1u);
      EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 1)->Code(),
                static_cast<uint32_t>(ErrorCode::kCancel));
      // Who has window is served to the end.
      EXPECT_FALSE(h.stream(3).over);
      h.Body(3, std::string(100, 'y'), true);
      EXPECT_EQ(h.Sent(3).size(), 100u);
      EXPECT_TRUE(h.SentEnd(3));
      EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 1u);
      EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
    });
  }
}

TEST(H2SlowPeer, AnOctetAtATimeIsTooSlow) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    Once(Shut(position), [](H2Harness& h) {
      const uint64_t before = Counted("drip_reader");
      const uint32_t slow = Waiting(h, 1, 100000);
      int seconds = 0;
      for (; seconds < 300 && !h.stream(slow).over && !h.closed(); ++seconds) {
        h.Advance(1000);
        h.Feed(wire::WindowUpdate(1, 1));
      }
      // Three intervals of twenty seconds.
      EXPECT_GE(seconds, 55);
      EXPECT_LE(seconds, 70);
      EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 1)->Code(), static_cast<uint32_t>(kCalm));
      EXPECT_FALSE(h.closed());
      EXPECT_EQ(Counted("drip_reader"), before + 1);
      h.Feed(wire::Settings({{SettingId::kInitialWindowSize, 65535}}));
      h.ExpectServes();
    });
  }
}

TEST(H2SlowPeer, SettingsThatOpenACrackAreNoBetter) {
  Once(Shut(WEIR_SERVER), [](H2Harness& h) {
    Waiting(h, 1, 100000);
    uint32_t window = 0;
    int seconds = 0;
    for (; seconds < 300 && !h.stream(1).over; ++seconds) {
      h.Advance(1000);
      h.Feed(wire::Settings({{SettingId::kInitialWindowSize, ++window}}));
    }
    EXPECT_LE(seconds, 75);
    EXPECT_FALSE(h.closed());
  });
}

// The connection's own window: all its streams wait, and so it ends with them.
TEST(H2SlowPeer, AConnectionWhoseWindowStaysShutIsEnded) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    H2Setup setup = Shut(position, 1000000);
    Once(setup, [](H2Harness& h) {
      const uint64_t before = Counted("zero_window");
      Waiting(h, 1, 100000);
      EXPECT_EQ(h.Sent(1).size(), 65535u);
      h.Advance(59000);
      EXPECT_FALSE(h.closed());
      h.Advance(2000);
      h.ExpectEnd(kCalm);
      EXPECT_EQ(Counted("zero_window"), before + 1);
    });
  }
}

TEST(H2SlowPeer, AWaitThatIsOverIsForgotten) {
  Once(Shut(WEIR_SERVER, 1000000), [](H2Harness& h) {
    Waiting(h, 1, 100000);
    h.Advance(50000);
    h.ResetStream(1, WEIR_REASON_CANCEL);  // who waited is gone
    h.Advance(100000);
    Waiting(h, 3, 1000);
    h.Advance(50000);
    EXPECT_FALSE(h.closed());
    h.Advance(12000);
    EXPECT_TRUE(h.closed());
  });
}

// ---- Answers that nobody reads

TEST(H2SlowPeer, WhoDoesNotReadIsNotReadFrom) {
  H2Setup setup;
  setup.options.guards.ping_burst = 1000000;
  Once(setup, [](H2Harness& h) {
    std::string pings;
    for (int i = 0; i < 5000; ++i) pings += wire::Ping();
    // Nothing of the output is taken.
    h.FeedQuietly(pings);
    EXPECT_EQ(h.CountFrames(FrameType::kPing), 0u);
    h.ProduceOnce(1);
    const size_t first = h.CountFrames(FrameType::kPing);
    EXPECT_GT(first, 900u);  // 16 KiB of them, 17 octets each
    EXPECT_LT(first, 1000u);
    // As it is taken, more is read.
    for (int i = 0; i < 10; ++i) {
      h.FeedQuietly("");
      h.ProduceOnce(1);
    }
    EXPECT_EQ(h.CountFrames(FrameType::kPing), 5000u);
    h.ExpectServes();
  });
}

TEST(H2SlowPeer, TheQueueHasAnEnd) {
  H2Setup setup;
  setup.consume = false;
  setup.options.guards.control_pause_bytes = 1 << 20;
  setup.options.guards.control_max_bytes = 1024;
  setup.options.guards.ping_burst = 1000000;
  Once(setup, [](H2Harness& h) {
    const uint64_t before = Counted("queue_growth");
    std::string pings;
    for (int i = 0; i < 60; ++i) pings += wire::Ping();
    h.FeedQuietly(pings);
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_ERROR), 0u);
    h.FeedQuietly(wire::Ping());
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_ERROR), 1u);
    h.Produce();
    h.ExpectConnectionError(kCalm);
    EXPECT_EQ(Counted("queue_growth"), before + 1);
  });
}

// Settings that are never acknowledged, by a peer that is busy otherwise.
TEST(H2SlowPeer, ABusyPeerAcknowledgesInTimeToo) {
  H2Setup setup;
  setup.handshake = false;
  Once(setup, [](H2Harness& h) {
    h.Feed(wire::Settings());
    for (int i = 0; i < 9; ++i) {
      h.Advance(1000);
      h.Feed(wire::Ping());
    }
    EXPECT_FALSE(h.closed());
    h.Advance(1000);
    h.ExpectEnd(ErrorCode::kSettingsTimeout);
  });
}

}  // namespace
}  // namespace weir::h2
