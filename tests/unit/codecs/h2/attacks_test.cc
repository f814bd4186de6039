// Each guard through the codec, in both positions: below its limit and at it the connection serves;
// above it, it ends with ENHANCE_YOUR_CALM on the wire and its counter counted once. What a guard
// counts is tested in guards/.

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

constexpr auto kCalm = ErrorCode::kEnhanceYourCalm;

struct Attack {
  const char* guard;                          // the end of the counter's name
  std::function<void(GuardLimits&)> limits;   // small ones, and nothing drains
  std::function<void(H2Harness&, int)> step;  // the n-th time, from 0
  int allowed;                                // steps that are within the limit
};

uint64_t Counted(const Attack& attack) {
  return H2Harness::Counter(std::string("h2.guard.") + attack.guard);
}

void Strikes(uint8_t position, const Attack& attack, const std::function<void(H2Setup&)>& tune = {},
             bool serves = true) {
  SCOPED_TRACE(std::string(attack.guard) + (position == WEIR_SERVER ? " server" : " client"));
  H2Setup setup;
  setup.position = position;
  attack.limits(setup.options.guards);
  if (tune) tune(setup);
  for (const int steps : {attack.allowed - 1, attack.allowed}) {
    Once(setup, [&](H2Harness& h) {
      const uint64_t before = Counted(attack);
      for (int i = 0; i < steps; ++i) attack.step(h, i);
      EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u) << "after " << steps;
      if (serves) h.ExpectServes();
      EXPECT_FALSE(h.closed());
      EXPECT_EQ(Counted(attack), before);
    });
  }
  Once(setup, [&](H2Harness& h) {
    const uint64_t before = Counted(attack);
    for (int i = 0; i <= attack.allowed; ++i) attack.step(h, i);
    h.ExpectConnectionError(kCalm);
    EXPECT_EQ(Counted(attack), before + 1);
    // The peer hears which one it was.
    EXPECT_NE(h.LastFrame(FrameType::kGoaway)->payload.find(attack.guard), std::string::npos);
  });
}

void StrikesInBoth(const Attack& attack) {
  Strikes(WEIR_SERVER, attack);
  Strikes(WEIR_CLIENT, attack);
}

void OpenStream(H2Harness& h, uint32_t wire) {
  if (h.server()) {
    h.Feed(wire::Headers(wire, h.Request("/"), false));
  } else {
    h.Send("/", false);
  }
}

TEST(H2Attacks, RapidReset) {
  const auto limits = [](GuardLimits& guards) {
    guards.rapid_reset_per_second = 0;
    guards.rapid_reset_burst = 20;
  };
  // Before the answer begins each counts twice.
  StrikesInBoth({"rapid_reset", limits,
                 [](H2Harness& h, int i) {
                   const auto wire = static_cast<uint32_t>(2 * i + 1);
                   OpenStream(h, wire);
                   h.Feed(wire::Reset(wire, ErrorCode::kCancel));
                 },
                 10});
  Strikes(WEIR_SERVER, {"rapid_reset", limits,
                        [](H2Harness& h, int i) {
                          const auto wire = static_cast<uint32_t>(2 * i + 1);
                          OpenStream(h, wire);
                          h.Answer(wire, 200, false);
                          h.Feed(wire::Reset(wire, ErrorCode::kCancel));
                        },
                        20});
  // Of streams that are over too.
  Strikes(WEIR_SERVER, {"rapid_reset", limits,
                        [](H2Harness& h, int i) {
                          if (i == 0) OpenStream(h, 1);
                          h.Feed(wire::Reset(1, ErrorCode::kCancel));
                        },
                        19});
}

TEST(H2Attacks, RapidResetsBelowTheRateGoOnForHours) {
  H2Setup setup;
  Once(setup, [](H2Harness& h) {
    uint32_t wire = 1;
    for (int second = 0; second < 600; ++second) {
      for (int i = 0; i < 16; ++i, wire += 2) {
        OpenStream(h, wire);
        h.Feed(wire::Reset(wire, ErrorCode::kCancel));
      }
      h.Advance(1000);
      ASSERT_FALSE(h.closed()) << second;
    }
  });
  // 99 a second do not.
  Once(setup, [](H2Harness& h) {
    uint32_t wire = 1;
    for (int second = 0; second < 600 && !h.closed(); ++second) {
      for (int i = 0; i < 99 && !h.closed(); ++i, wire += 2) {
        OpenStream(h, wire);
        h.Feed(wire::Reset(wire, ErrorCode::kCancel));
      }
      h.Advance(1000);
    }
    EXPECT_TRUE(h.closed());
    EXPECT_LT(wire / 2, 1000u);
  });
}

TEST(H2Attacks, MadeYouReset) {
  const auto limits = [](GuardLimits& guards) {
    guards.made_you_reset_per_second = 0;
    guards.made_you_reset_burst = 10;
  };
  const auto attack = [&](const std::function<std::string(H2Harness&, uint32_t)>& mistake) {
    return Attack{"made_you_reset", limits,
                  [mistake](H2Harness& h, int i) {
                    const auto wire = static_cast<uint32_t>(2 * i + 1);
                    OpenStream(h, wire);
                    h.Feed(mistake(h, wire));
                  },
                  10};
  };
  StrikesInBoth(attack([](H2Harness&, uint32_t wire) { return wire::WindowUpdate(wire, 0); }));
  StrikesInBoth(
      attack([](H2Harness&, uint32_t wire) { return wire::WindowUpdate(wire, 0x7fffffff); }));
  StrikesInBoth(attack(
      [](H2Harness&, uint32_t wire) { return wire::Frame(FrameType::kPriority, 0, wire, "x"); }));
  StrikesInBoth(attack([](H2Harness& h, uint32_t wire) {
    return wire::Headers(wire, h.Block({{":status", "200"}, {":nonsense", "x"}}), false);
  }));
  Strikes(WEIR_SERVER, attack([](H2Harness&, uint32_t wire) {
            return wire::Data(wire, "x", true) << wire::Data(wire, "x");
          }));
  Strikes(WEIR_CLIENT, attack([](H2Harness& h, uint32_t wire) {
            return wire::Headers(wire, h.Response("200", {{"content-length", "1"}}), false)
                   << wire::Data(wire, "two");
          }));
  // A request that is malformed at once.
  Strikes(WEIR_SERVER, {"made_you_reset", limits,
                        [](H2Harness& h, int i) {
                          h.Feed(wire::Headers(static_cast<uint32_t>(2 * i + 1),
                                               h.Block({{":method", "GET"}}), true));
                        },
                        10});
  // More streams than are allowed.
  Strikes(
      WEIR_SERVER,
      {"made_you_reset", limits,
       [](H2Harness& h, int i) {
         if (i == 0) OpenTwo(h);
         h.Feed(wire::Headers(static_cast<uint32_t>(2 * i + 5), h.Request("/"), true));
       },
       10},
      [](H2Setup& setup) { setup.params.max_streams = 2; }, /*serves=*/false);
  // Faulty frames of a stream that is over already.
  StrikesInBoth({"made_you_reset", limits,
                 [](H2Harness& h, int i) {
                   if (i == 0) {
                     OpenStream(h, 1);
                     h.ResetStream(1, WEIR_REASON_CANCEL);
                   }
                   h.Feed(wire::Frame(FrameType::kPriority, 0, 1, "x"));
                 },
                 10});
}

TEST(H2Attacks, ContinuationFlood) {
  const auto limits = [](GuardLimits& guards) {
    guards.continuation_frames = 4;
    guards.empty_frame_burst = 1000;
  };
  // Each step is a block with so many frames more than the step before.
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    Strikes(position, {"continuation_flood", limits,
                       [](H2Harness& h, int i) {
                         const auto wire = static_cast<uint32_t>(2 * i + 1);
                         const std::string block = h.server() ? h.Request("/") : h.Response("200");
                         if (!h.server()) h.Send("/");
                         std::string bytes = wire::Headers(wire, block.substr(0, 1), true, false);
                         for (int frame = 0; frame < i; ++frame)
                           bytes += wire::Continuation(wire, "", false);
                         h.Feed(bytes << wire::Continuation(wire, block.substr(1), true));
                         if (h.server() && h.knows(wire)) h.Answer(wire, 204, true);
                       },
                       4});
  }
}

TEST(H2Attacks, AHeaderBlockWithoutEnd) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    H2Setup setup;
    setup.position = position;
    setup.options.guards.continuation_frames = 1000;
    setup.options.guards.header_block_bytes = 20000;
    Once(setup, [](H2Harness& h) {
      OpenTwo(h);
      // 20000 octets to the last, then one more.
      h.Feed(wire::Headers(h.server() ? 5 : 1, std::string(16384, '\x82'), true, false)
             << wire::Continuation(h.server() ? 5 : 1, std::string(3616, '\x82'), false));
      EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
      h.Feed(wire::Continuation(h.server() ? 5 : 1, "\x82", false));
      h.ExpectConnectionError(kCalm);
    });
  }
}

TEST(H2Attacks, SettingsFlood) {
  StrikesInBoth({"settings_flood",
                 [](GuardLimits& guards) {
                   guards.settings_per_second = 0;
                   guards.settings_burst = 10;
                 },
                 // The handshake's was the first.
                 [](H2Harness& h, int) { h.Feed(wire::Settings()); }, 9});
  // Acknowledgements of nothing are no cheaper.
  StrikesInBoth({"settings_flood",
                 [](GuardLimits& guards) {
                   guards.settings_per_second = 0;
                   guards.settings_burst = 10;
                 },
                 [](H2Harness& h, int) { h.Feed(wire::SettingsAck()); }, 9});
}

TEST(H2Attacks, ASettingsFrameOfManyEntries) {
  for (const size_t entries : {64u, 65u, 2730u}) {
    Once({}, [&](H2Harness& h) {
      h.Feed(wire::Settings(
          wire::SettingList(entries, {SettingId::kInitialWindowSize, uint32_t{65535}})));
      entries == 64 ? h.ExpectFine() : h.ExpectConnectionError(kCalm);
    });
  }
}

// Goodbyes are charged to the same.
TEST(H2Attacks, GoawayFlood) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    // The handshake's SETTINGS are charged, and of the goodbyes all but the first.
    Strikes(position,
            {"settings_flood",
             [](GuardLimits& guards) {
               guards.settings_per_second = 0;
               guards.settings_burst = 10;
             },
             [](H2Harness& h, int) { h.Feed(wire::Goaway(kMaxStream)); }, 10},
            {}, /*serves=*/position == WEIR_SERVER);
  }
}

TEST(H2Attacks, PingFlood) {
  const auto limits = [](GuardLimits& guards) {
    guards.ping_per_second = 0;
    guards.ping_burst = 10;
  };
  StrikesInBoth({"ping_flood", limits, [](H2Harness& h, int) { h.Feed(wire::Ping()); }, 10});
  StrikesInBoth(
      {"ping_flood", limits, [](H2Harness& h, int) { h.Feed(wire::Ping("12345678", true)); }, 10});
  // Not even the answers to a PING that was never sent, or was answered before.
  Strikes(WEIR_SERVER, {"ping_flood", limits,
                        [](H2Harness& h, int) { h.Feed(wire::Ping("aitdraew", true)); }, 10});
}

TEST(H2Attacks, PriorityFlood) {
  const auto limits = [](GuardLimits& guards) {
    guards.priority_per_second = 0;
    guards.priority_burst = 10;
    guards.priority_per_stream = 0;
  };
  StrikesInBoth(
      {"priority_flood", limits, [](H2Harness& h, int) { h.Feed(wire::Priority(77, 0)); }, 10});
  Strikes(WEIR_SERVER, {"priority_flood", limits,
                        [](H2Harness& h, int i) {
                          h.Feed(wire::PriorityUpdate(static_cast<uint32_t>(2 * i + 1), "u=1"));
                        },
                        10});
}

TEST(H2Attacks, WindowUpdateFlood) {
  const auto limits = [](GuardLimits& guards) {
    guards.window_update_per_second = 0;
    guards.window_update_burst = 10;
    guards.window_update_per_data_frame = 0;
    guards.window_update_bytes = 1 << 30;
  };
  StrikesInBoth({"window_update_flood", limits,
                 [](H2Harness& h, int) { h.Feed(wire::WindowUpdate(0, 1)); }, 10});
  // On a stream that is over.
  StrikesInBoth({"window_update_flood", limits,
                 [](H2Harness& h, int i) {
                   if (i == 0) {
                     OpenStream(h, 1);
                     h.ResetStream(1, WEIR_REASON_CANCEL);
                   }
                   h.Feed(wire::WindowUpdate(1, 1));
                 },
                 10});
}

TEST(H2Attacks, EmptyFrameFlood) {
  const auto limits = [](GuardLimits& guards) {
    guards.empty_frame_per_second = 0;
    guards.empty_frame_burst = 10;
  };
  for (const int padding : {0, 200}) {
    StrikesInBoth({"empty_frame_flood", limits,
                   [padding](H2Harness& h, int i) {
                     if (i == 0) {
                       OpenStream(h, 1);
                       if (!h.server()) h.Feed(wire::Headers(1, h.Response("200"), false));
                     }
                     h.Feed(padding == 0 ? wire::Data(1, "") : wire::PaddedData(1, "", 200));
                   },
                   10});
  }
  // An end is no empty frame.
  Once({}, [](H2Harness& h) {
    for (uint32_t wire = 1; wire < 401; wire += 2) {
      h.Feed(wire::Headers(wire, h.Request("/"), false) << wire::Data(wire, "", true));
      h.Answer(wire, 204, true);
    }
    h.ExpectFine();
  });
}

// One octet that names a large entry, again and again.
TEST(H2Attacks, HeaderBomb) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    H2Setup setup;
    setup.position = position;
    setup.params.max_trailer_bytes = setup.params.max_head_bytes;
    Once(setup, [](H2Harness& h) {
      const uint64_t before = H2Harness::Counter("h2.guard.header_bomb");
      const std::string start =
          h.server() ? std::string("\x82\x86\x84\x01\x01w") : std::string("\x88");
      // x-large, into the table; 3900 octets.
      const std::string large = "\x40\x07x-large\x7f\xbd\x1d" + std::string(3900, 'l');
      std::string block = start + large;
      int blocks = 0;
      for (uint32_t wire = 1; !h.closed() && wire < 2000; wire += 2, ++blocks) {
        if (!h.server()) h.Send("/");
        h.Feed(wire::Headers(wire, block, true));
        if (h.closed()) break;
        ASSERT_TRUE(h.knows(wire));
        EXPECT_EQ(h.stream(wire).heads.size(), 1u);
        if (h.server()) h.Answer(wire, 204, true);
        // Fifteen times the entry: 59 KiB, within the limit of a list, out of some 20 octets.
        block = start + std::string(15, '\xbe');
      }
      h.ExpectConnectionError(kCalm);
      EXPECT_EQ(H2Harness::Counter("h2.guard.header_bomb"), before + 1);
      EXPECT_GT(blocks, 90);  // of 43 KiB beyond what is free, 4 MiB at once
      EXPECT_LT(blocks, 110);
    });
  }
}

TEST(H2Attacks, UnknownFrameFlood) {
  StrikesInBoth({"unknown_frame_flood",
                 [](GuardLimits& guards) {
                   guards.unknown_frame_per_second = 0;
                   guards.unknown_frame_burst = 10;
                   guards.unknown_frame_per_stream = 0;
                 },
                 [](H2Harness& h, int) { h.Feed(wire::Unknown(0x44, 0, 1, "x")); }, 10});
}

}  // namespace
}  // namespace weir::h2
