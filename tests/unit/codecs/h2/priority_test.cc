// Who sends first (RFC 9218): frames are asked for one by one, and their order is looked at.

#include <algorithm>

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

// The streams of DATA frames, in their order, with as many frames as are asked for.
std::string Order(H2Harness& h, size_t frames) {
  std::string order;
  size_t seen = h.frames().size();
  for (size_t i = 0; i < frames; ++i) h.ProduceOnce(1);
  for (; seen < h.frames().size(); ++seen) {
    const OutFrame& frame = h.frames()[seen];
    if (frame.Is(FrameType::kData)) order += std::to_string(frame.header.stream);
  }
  return order;
}

// A request with this priority, answered with so many frames of body that wait.
void Ask(H2Harness& h, uint32_t stream, const std::string& priority) {
  TextFields more;
  if (!priority.empty()) more.emplace_back("priority", priority);
  h.Feed(wire::Headers(stream, h.Request("/", more), true));
  h.Answer(stream, 200, false);
}
void Fill(H2Harness& h, uint32_t stream, int frames) {
  h.Queue(stream, std::string(static_cast<size_t>(frames) * 16384, 'x'), true);
}

H2Setup Roomy() {
  H2Setup setup;
  setup.peer_settings = {{SettingId::kInitialWindowSize, 10000000}};
  return setup;
}

void RunServer(const std::function<void(H2Harness&)>& test) {
  Once(Roomy(), [&](H2Harness& h) {
    h.Feed(wire::WindowUpdate(0, 100000000));
    test(h);
  });
}

TEST(H2Priority, TheMoreUrgentGoesFirst) {
  RunServer([](H2Harness& h) {
    Ask(h, 1, "u=7");
    Ask(h, 3, "u=0");
    Ask(h, 5, "");  // 3
    Ask(h, 7, "u=1");
    for (const uint32_t stream : {1u, 3u, 5u, 7u}) Fill(h, stream, 2);
    EXPECT_EQ(Order(h, 8), "33775511");
  });
}

TEST(H2Priority, WhoIsSentWholeIsSentInTheOrderOfRequests) {
  RunServer([](H2Harness& h) {
    for (const uint32_t stream : {1u, 3u, 5u}) Ask(h, stream, "u=3");
    for (const uint32_t stream : {1u, 3u, 5u}) Fill(h, stream, 3);
    EXPECT_EQ(Order(h, 9), "111333555");
  });
}

TEST(H2Priority, TheIncrementalTakeTurns) {
  RunServer([](H2Harness& h) {
    for (const uint32_t stream : {1u, 3u, 5u}) Ask(h, stream, "u=3, i");
    for (const uint32_t stream : {1u, 3u, 5u}) Fill(h, stream, 3);
    EXPECT_EQ(Order(h, 9), "135135135");
  });
}

TEST(H2Priority, WhoSaysNothingTakesTurnsToo) {
  RunServer([](H2Harness& h) {
    for (const uint32_t stream : {1u, 3u}) Ask(h, stream, "");
    for (const uint32_t stream : {1u, 3u}) Fill(h, stream, 3);
    EXPECT_EQ(Order(h, 6), "131313");
  });
}

TEST(H2Priority, TheWholeAndTheIncrementalOfOneUrgencyBothMove) {
  RunServer([](H2Harness& h) {
    Ask(h, 1, "u=3");
    Ask(h, 3, "u=3, i");
    Ask(h, 5, "u=3, i");
    for (const uint32_t stream : {1u, 3u, 5u}) Fill(h, stream, 4);
    for (int i = 0; i < 2; ++i) {
      const std::string order = Order(h, 4);
      EXPECT_EQ(std::count(order.begin(), order.end(), '1'), 2) << order;
      EXPECT_EQ(std::count(order.begin(), order.end(), '3'), 1) << order;
      EXPECT_EQ(std::count(order.begin(), order.end(), '5'), 1) << order;
    }
  });
}

TEST(H2Priority, AnUpdateMovesAStreamThatWaits) {
  RunServer([](H2Harness& h) {
    for (const uint32_t stream : {1u, 3u}) Ask(h, stream, "u=3");
    for (const uint32_t stream : {1u, 3u}) Fill(h, stream, 3);
    EXPECT_EQ(Order(h, 1), "1");
    h.FeedQuietly(wire::PriorityUpdate(3, "u=0"));
    EXPECT_EQ(Order(h, 2), "33");
    h.FeedQuietly(wire::PriorityUpdate(3, "u=7") << wire::PriorityUpdate(1, "u=2, i"));
    EXPECT_EQ(Order(h, 3), "113");
  });
}

TEST(H2Priority, AnUpdateMayComeBeforeItsRequestAndGoesBeforeTheField) {
  RunServer([](H2Harness& h) {
    h.FeedQuietly(wire::PriorityUpdate(3, "u=5") << wire::PriorityUpdate(3, "u=0"));
    Ask(h, 1, "u=2");
    Ask(h, 3, "u=7");
    for (const uint32_t stream : {1u, 3u}) Fill(h, stream, 2);
    EXPECT_EQ(Order(h, 4), "3311");
  });
}

TEST(H2Priority, OfManyEarlyUpdatesOfAStreamTheLastHolds) {
  for (int others = 0; others < 4; ++others) {
    RunServer([&](H2Harness& h) {
      for (int i = 0; i < others; ++i)
        h.FeedQuietly(wire::PriorityUpdate(static_cast<uint32_t>(101 + 2 * i), "u=1"));
      h.FeedQuietly(wire::PriorityUpdate(3, "u=7") << wire::PriorityUpdate(3, "u=0"));
      Ask(h, 1, "u=2");
      Ask(h, 3, "");
      for (const uint32_t stream : {1u, 3u}) Fill(h, stream, 2);
      EXPECT_EQ(Order(h, 4), "3311");
    });
  }
}

TEST(H2Priority, AnUpdateOfAStreamWithoutWindowLosesItNothing) {
  Once({}, [](H2Harness& h) {
    Ask(h, 1, "u=3");
    h.Body(1, std::string(70000, 'x'), true);
    EXPECT_EQ(h.Sent(1).size(), 65535u);
    h.Feed(wire::PriorityUpdate(1, "u=0, i"));
    h.Feed(wire::WindowUpdate(1, 70000) << wire::PriorityUpdate(1, "u=6"));
    h.Feed(wire::WindowUpdate(0, 70000));
    EXPECT_EQ(h.Sent(1).size(), 70000u);
    EXPECT_TRUE(h.SentEnd(1));
  });
}

TEST(H2Priority, WhatTheConnectionHasToSayGoesBeforeBodies) {
  RunServer([](H2Harness& h) {
    Ask(h, 1, "u=0");
    Fill(h, 1, 5);
    EXPECT_EQ(Order(h, 2), "11");
    h.FeedQuietly(wire::Settings() << wire::Ping());
    const size_t before = h.frames().size();
    h.Produce();
    EXPECT_TRUE(h.frames().at(before).Is(FrameType::kSettings));
    EXPECT_TRUE(h.frames().at(before + 1).Is(FrameType::kPing));
    EXPECT_TRUE(h.SentEnd(1));
  });
}

// As a browser's only picture.
TEST(H2Priority, AnIncrementalStreamThatIsAloneGoesToItsEndAtOnce) {
  RunServer([](H2Harness& h) {
    Ask(h, 1, "u=0, i");
    h.Body(1, std::string(1 << 20, 'x'), true);
    EXPECT_EQ(h.Sent(1).size(), size_t{1} << 20);
    EXPECT_TRUE(h.SentEnd(1));
  });
}

TEST(H2Priority, NobodyWaitsForAStreamThatHasNothingToSend) {
  RunServer([](H2Harness& h) {
    Ask(h, 1, "u=1, i");
    Ask(h, 3, "u=3, i");
    Ask(h, 5, "u=3, i");
    Fill(h, 3, 3);
    EXPECT_EQ(Order(h, 2), "33");
    h.Queue(1, std::string(16384, 'x'), false);
    EXPECT_EQ(Order(h, 2), "13");
    EXPECT_TRUE(h.SentEnd(3));
  });
}

TEST(H2Priority, EachOfManyIncrementalStreamsEndsWithItsLastByte) {
  RunServer([](H2Harness& h) {
    for (uint32_t stream = 1; stream < 21; stream += 2) Ask(h, stream, "u=3, i");
    for (uint32_t stream = 1; stream < 21; stream += 2) Fill(h, stream, 2);
    Order(h, 20);
    for (uint32_t stream = 1; stream < 21; stream += 2) {
      EXPECT_EQ(h.CountFrames(FrameType::kData, stream), 2u);
      EXPECT_TRUE(h.LastFrame(FrameType::kData, stream)->header.Has(kFlagEndStream)) << stream;
    }
  });
}

TEST(H2Priority, WhoeverIsLeftAfterAResetHasAllTurns) {
  for (const bool by_peer : {true, false}) {
    RunServer([&](H2Harness& h) {
      for (const uint32_t stream : {1u, 3u}) Ask(h, stream, "u=3, i");
      for (const uint32_t stream : {1u, 3u}) Fill(h, stream, 5);
      EXPECT_EQ(Order(h, 3), "131");
      if (by_peer) {
        h.FeedQuietly(wire::Reset(1, ErrorCode::kCancel));
      } else {
        h.ResetStream(1, WEIR_REASON_CANCEL);
      }
      h.Produce();
      EXPECT_EQ(h.CountFrames(FrameType::kData, 1), 2u);
      EXPECT_EQ(h.Sent(3).size(), 5u * 16384);
      EXPECT_TRUE(h.SentEnd(3));
    });
  }
}

// An answer's own word (RFC 9218 section 8): the client has asked for one thing, the origin says
// another.
void AskAndSay(H2Harness& h, uint32_t stream, const std::string& asked, const TextFields& said) {
  h.Feed(wire::Headers(stream, h.Request("/", {{"priority", asked}}), true));
  h.Answer(stream, 200, false, said);
}

TEST(H2Priority, TheUrgencyOfAnAnswerGoesBeforeTheRequests) {
  RunServer([](H2Harness& h) {
    AskAndSay(h, 1, "u=1", {});
    AskAndSay(h, 3, "u=7", {{"priority", "u=0"}});
    AskAndSay(h, 5, "u=0", {{"priority", "u=6"}});
    for (const uint32_t stream : {1u, 3u, 5u}) Fill(h, stream, 2);
    EXPECT_EQ(Order(h, 6), "331155");
    // The client's codec may want to know, too.
    EXPECT_EQ(h.LastFrame(FrameType::kHeaders, 3)->Field("priority"), "u=0");
  });
}

TEST(H2Priority, TheIncrementalOfAnAnswerGoesBeforeTheRequests) {
  RunServer([](H2Harness& h) {
    AskAndSay(h, 1, "u=3", {{"priority", "i"}});
    AskAndSay(h, 3, "u=3", {{"priority", "i"}});
    for (const uint32_t stream : {1u, 3u}) Fill(h, stream, 3);
    EXPECT_EQ(Order(h, 6), "131313");
  });
  RunServer([](H2Harness& h) {
    AskAndSay(h, 1, "u=3, i", {{"priority", "i=?0"}});
    AskAndSay(h, 3, "u=3, i", {{"priority", "i=?0"}});
    for (const uint32_t stream : {1u, 3u}) Fill(h, stream, 3);
    EXPECT_EQ(Order(h, 6), "111333");
  });
}

// What the answer leaves out is as the client wished.
TEST(H2Priority, AMemberThatAnAnswerLeavesOutStaysTheRequests) {
  RunServer([](H2Harness& h) {
    AskAndSay(h, 1, "u=6, i", {{"priority", "u=2"}});
    AskAndSay(h, 3, "u=2, i", {{"priority", "i"}});
    AskAndSay(h, 5, "u=1", {});
    for (const uint32_t stream : {1u, 3u, 5u}) Fill(h, stream, 2);
    EXPECT_EQ(Order(h, 6), "551313");
  });
}

TEST(H2Priority, LinesOfAnAnswerAreOneValue) {
  RunServer([](H2Harness& h) {
    AskAndSay(h, 1, "u=1", {});
    AskAndSay(h, 3, "u=5", {{"priority", "u=7"}, {"priority", "u=0"}});
    for (const uint32_t stream : {1u, 3u}) Fill(h, stream, 2);
    EXPECT_EQ(Order(h, 4), "3311");
  });
}

TEST(H2Priority, AnAnswersValueThatIsNoneChangesNothing) {
  for (const char* bad : {"u=8", "u=-1", "u=a", "i=1", "u", "\"u=0", "u=0,", "urgency=0", "7"}) {
    SCOPED_TRACE(bad);
    RunServer([&](H2Harness& h) {
      AskAndSay(h, 1, "u=2", {});
      AskAndSay(h, 3, "u=3", {{"priority", bad}});
      AskAndSay(h, 5, "u=4", {});
      AskAndSay(h, 7, "u=3", {{"priority", bad}});
      for (const uint32_t stream : {1u, 3u, 5u, 7u}) Fill(h, stream, 2);
      EXPECT_EQ(Order(h, 8), "11337755");
      h.ExpectFine();
    });
  }
}

TEST(H2Priority, AnUpdateBehindTheAnswerGoesBeforeIt) {
  RunServer([](H2Harness& h) {
    AskAndSay(h, 1, "u=3", {});
    AskAndSay(h, 3, "u=3", {{"priority", "u=0"}});
    for (const uint32_t stream : {1u, 3u}) Fill(h, stream, 2);
    EXPECT_EQ(Order(h, 1), "3");
    h.FeedQuietly(wire::PriorityUpdate(3, "u=7"));
    EXPECT_EQ(Order(h, 3), "113");
  });
}

// What is said of streams that never come is not kept.
TEST(H2Priority, UpdatesOfStreamsThatNeverComeTakeNoMemory) {
  H2Setup setup;
  setup.options.guards.priority_burst = 4000000;
  Once(setup, [](H2Harness& h) {
    const size_t before = test::FakeCodecMemory();
    for (uint32_t stream = 1; stream < 20000; stream += 2)
      h.FeedQuietly(wire::PriorityUpdate(stream, "u=1") << wire::Priority(stream, 0));
    EXPECT_EQ(test::FakeCodecMemory(), before);
  });
}

TEST(H2Priority, AMalformedPriorityIsNoFault) {
  ForAllCuts({}, [](H2Harness& h) {
    h.Feed(wire::PriorityUpdate(1, "u=9")
           << wire::PriorityUpdate(3, "nonsense;;;") << wire::PriorityUpdate(5, "")
           << wire::PriorityUpdate(7, std::string(2000, 'u')));
    h.Feed(wire::Headers(1, h.Request("/", {{"priority", "u=nonsense, i=?7"}}), true));
    EXPECT_TRUE(h.knows(1));
    h.ExpectFine();
  });
}

// ---- In client position: clients share a backend's connection

void Post(H2Harness& h, uint32_t group, const std::string& priority) {
  SeenHead head;
  head.kind = WEIR_HEAD_REQUEST;
  head.method = "POST";
  head.path = "/";
  head.authority = "weir.test";
  head.group = group;
  if (!priority.empty()) head.fields = {{"priority", priority}};
  const uint32_t number = h.Open();
  EXPECT_EQ(h.SendHead(number, head, false), WEIR_OK);
}

void RunClient(const std::function<void(H2Harness&)>& test) {
  H2Setup setup = Roomy();
  setup.position = WEIR_CLIENT;
  Once(setup, [&](H2Harness& h) {
    h.Feed(wire::WindowUpdate(0, 100000000));
    test(h);
  });
}

TEST(H2Priority, ClientsTakeTurnsHoweverManyStreamsTheyHave) {
  RunClient([](H2Harness& h) {
    for (const uint32_t group : {7u, 7u, 7u, 9u}) Post(h, group, "");  // 1, 3, 5 and 7
    for (const uint32_t stream : {1u, 3u, 5u, 7u}) Fill(h, stream, 6);
    const std::string order = Order(h, 12);
    EXPECT_EQ(std::count(order.begin(), order.end(), '7'), 6) << order;
    EXPECT_EQ(std::count(order.begin(), order.end(), '1'), 2) << order;
    EXPECT_EQ(std::count(order.begin(), order.end(), '3'), 2) << order;
  });
}

TEST(H2Priority, UrgencyOfOneClientIsNothingToAnother) {
  RunClient([](H2Harness& h) {
    Post(h, 7, "u=7");
    Post(h, 9, "u=0");
    for (const uint32_t stream : {1u, 3u}) Fill(h, stream, 3);
    EXPECT_EQ(Order(h, 6), "131313");
  });
}

}  // namespace
}  // namespace weir::h2
