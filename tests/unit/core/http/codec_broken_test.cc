// Codecs that break the rules: nothing of theirs is called after it, and their connection ends.
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "core/observe/stats.h"
#include "core/observe/thread_stats.h"
#include "tests/unit/core/http/codec_connection_world.h"

namespace weir::http {
namespace {

// Which hook throws, and how often one was called after that.
std::string bad;
int calls_after = 0;
bool thrown = false;

void Step(const char* hook) {
  if (thrown && std::string(hook) != "destroy") ++calls_after;
  if (bad != hook) return;
  thrown = true;
  throw std::runtime_error("a codec's own");
}

const weir_codec_api* Good() {
  static const weir_codec_api api = ScriptedCodec::TimedApi();
  return &api;
}

weir_codec_api Throwing(bool multiplexed) {
  weir_codec_api api = *Good();
  api.flags = multiplexed ? uint32_t{WEIR_CODEC_API_MULTIPLEXED} : 0u;
  api.create = [](const weir_codec_params* params) {
    Step("create");
    return Good()->create(params);
  };
  api.destroy = [](weir_codec* codec) {
    Good()->destroy(codec);
    Step("destroy");
  };
  api.receive = [](weir_codec* c, uint8_t* data, size_t size, uint32_t flags, weir_event* event) {
    if (size > 0) Step("receive");
    return Good()->receive(c, data, size, flags, event) + (bad == "take too much" ? size + 1 : 0);
  };
  api.adopt = [](weir_codec* c, uint32_t stream, weir_stream* user) {
    Step("adopt");
    Good()->adopt(c, stream, user);
  };
  api.open = [](weir_codec* c, weir_stream* user) {
    Step("open");
    return Good()->open(c, user);
  };
  api.send_head = [](weir_codec* c, uint32_t stream, const weir_head* head, uint32_t end,
                     weir_out* out) {
    Step("send_head");
    return Good()->send_head(c, stream, head, end, out);
  };
  api.ready = [](weir_codec* c, uint32_t stream) {
    Step("ready");
    Good()->ready(c, stream);
  };
  api.consumed = [](weir_codec* c, uint32_t stream, uint32_t size) {
    Step("consumed");
    Good()->consumed(c, stream, size);
  };
  api.reset = [](weir_codec* c, uint32_t stream, uint32_t reason, weir_out* out) {
    Step("reset");
    Good()->reset(c, stream, reason, out);
  };
  api.produce = [](weir_codec* c, uint64_t budget, weir_out* out) {
    const uint32_t result = Good()->produce(c, budget, out);
    // With half of something written.
    Step("produce");
    return result;
  };
  api.goaway = [](weir_codec* c, uint32_t phase, weir_out* out) {
    Step("goaway");
    Good()->goaway(c, phase, out);
  };
  api.deadline = [](const weir_codec* c) {
    Step("deadline");
    return Good()->deadline(c);
  };
  api.tick = [](weir_codec* c, uint64_t now_ms, weir_out* out) {
    Step("tick");
    Good()->tick(c, now_ms, out);
  };
  api.capacity = [](const weir_codec* c) {
    Step("capacity");
    return Good()->capacity(c);
  };
  api.reusable = [](const weir_codec* c) {
    Step("reusable");
    return Good()->reusable(c);
  };
  api.probe = [](const uint8_t*, size_t) -> uint32_t {
    Step("probe");
    return WEIR_PROBE_YES;
  };
  return api;
}

class CodecBrokenTest : public CodecConnectionTest {
 protected:
  CodecBrokenTest() : errors_(registry_.Define("plugin.p.errors", observe::StatKind::kCounter)) {
    observe::thread_stats = registry_.main_block();
    bad.clear();
    calls_after = 0;
    thrown = false;
  }
  ~CodecBrokenTest() override { observe::thread_stats = nullptr; }

  void StartBroken(uint8_t position, bool multiplexed = true) {
    weir_codec_params params{};
    params.struct_size = sizeof params;
    params.position = position;
    params.codec_host = CodecHostTable();
    api_ = Throwing(multiplexed);
    StartWith({{&api_, params, "p", errors_}});
    Turn();
  }
  // The connection has ended with this failure counted, and what was under way knows.
  void ExpectEnd(uint64_t errors = 1) {
    EXPECT_TRUE(peer_.closed) << bad;
    EXPECT_TRUE(peer_.aborted) << bad;
    EXPECT_EQ(calls_after, 0) << bad;
    EXPECT_EQ(ScriptedCodec::last, nullptr) << bad;
    EXPECT_EQ(registry_.Sum(errors_), errors) << bad;
    for (const auto& stream : streams_) EXPECT_EQ(stream->resets, 1) << bad;
  }

  observe::StatRegistry registry_;
  observe::StatId errors_;
  weir_codec_api api_{};
};

class EachHook : public CodecBrokenTest, public testing::WithParamInterface<const char*> {};

using AServersCodec = EachHook;
TEST_P(AServersCodec, IsNotCalledAnyMoreAndItsConnectionEnds) {
  StartBroken(WEIR_SERVER);
  codec()->deadline = 3'000;
  Feed("H1\nH2\n");
  bad = GetParam();
  Feed("D1*xyz\n");
  if (!peer_.closed) Feed("H3\n");
  if (!peer_.closed) {
    TestStream* stream = streams_.front().get();
    stream->Credit(3);
    stream->SendHead(weir_head{}, false);
    stream->SendData(Bytes(10));
    connection_->Capacity();
    connection_->Reusable();
    connection_->GoAway(1);
    streams_[1]->Reset(WEIR_REASON_CANCEL);
    Advance(5'000);
  }
  streams_.erase(streams_.begin() + 1);  // one that may have ended by itself
  ExpectEnd();
}
INSTANTIATE_TEST_SUITE_P(Hooks, AServersCodec,
                         testing::Values("receive", "adopt", "send_head", "ready", "consumed",
                                         "produce", "goaway", "deadline", "tick", "capacity",
                                         "reusable", "reset", "take too much"));

using AClientsCodec = EachHook;
TEST_P(AClientsCodec, IsNotCalledAnyMoreAndItsConnectionEnds) {
  StartBroken(WEIR_CLIENT);
  TestStream* stream = OpenStream();
  bad = GetParam();
  stream->SendHead(weir_head{}, false);
  stream->SendData(Bytes(10));
  TestStream late(&pool_, &log_);
  connection_->Open(&late);
  Turn();
  if (!peer_.closed) Feed("H1\nD1*xyz\n");
  if (!peer_.closed) stream->Credit(3);
  Turn();
  if (bad == "open") {
    // The first stream went before there was anything to say of it.
    EXPECT_FALSE(late.bound());
  }
  ExpectEnd();
}
INSTANTIATE_TEST_SUITE_P(Hooks, AClientsCodec,
                         testing::Values("receive", "open", "send_head", "ready", "consumed",
                                         "produce", "take too much"));

TEST_F(CodecBrokenTest, OneStreamAtATimeIsNoDifference) {
  StartBroken(WEIR_SERVER, false);
  Feed("H1\n");
  bad = "receive";
  Feed("E1\n");
  ExpectEnd();
}

TEST_F(CodecBrokenTest, WhatHalfOfAMessageWasWrittenIsNotSent) {
  StartBroken(WEIR_SERVER);
  Feed("H1\n");
  bad = "produce";
  SendHead(streams_[0].get());
  Turn();
  EXPECT_EQ(peer_.written, "");
  ExpectEnd();
}

TEST_F(CodecBrokenTest, OneThatCannotBeMadeMakesNoConnection) {
  for (const char* hook : {"create", "null"}) {
    bad = hook;
    weir_codec_api api = Throwing(true);
    if (bad == "null") api.create = [](const weir_codec_params*) -> weir_codec* { return nullptr; };
    const CodecSet set{{{&api, weir_codec_params{}, "p", errors_}}};
    FakePeer peer;
    TestConnection connection(&context_, std::make_unique<FakeIo>(&peer), &set, &log_);
    EXPECT_FALSE(connection.ok());
  }
  EXPECT_EQ(registry_.Sum(errors_), 2u);
  peer_.closed = true;
}

TEST_F(CodecBrokenTest, WhatIsThrownAtItsEndIsCounted) {
  StartBroken(WEIR_SERVER);
  bad = "destroy";
  connection_->Finish(false, WEIR_REASON_NONE);
  Turn();
  EXPECT_TRUE(peer_.closed);
  EXPECT_EQ(registry_.Sum(errors_), 1u);
}

TEST_F(CodecBrokenTest, AProbeThatThrowsIsNoWayToAnotherCodec) {
  bad = "probe";
  weir_codec_params params{};
  params.struct_size = sizeof params;
  params.position = WEIR_SERVER;
  params.codec_host = CodecHostTable();
  api_ = Throwing(true);
  StartWith({{&api_, params, "p", errors_}, {ScriptedCodec::Api(), params, "q", {}}});
  Feed("H1\n");
  EXPECT_TRUE(peer_.closed);
  EXPECT_TRUE(streams_.empty());
  EXPECT_EQ(registry_.Sum(errors_), 1u);
}

}  // namespace
}  // namespace weir::http
