#include "tests/support/toy_codec/toy_codec.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_codec_host.h"
#include "tests/support/random_splitter.h"
#include "tests/support/toy_codec/toy_wire.h"

namespace weir::toy {
namespace {

using test::FakeOut;
using test::FakeStream;

// What a peer writes.
std::string Frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  const std::string& payload) {
  std::string bytes(kFrameHeadSize + payload.size(), '\0');
  Writer writer(reinterpret_cast<std::uint8_t*>(bytes.data()));
  writer.Head(type, flags, payload.size(), stream);
  writer.Bytes(payload.data(), payload.size());
  return bytes;
}

std::string Number(std::uint64_t value, int bytes) {
  std::string text(static_cast<std::size_t>(bytes), '\0');
  Writer(reinterpret_cast<std::uint8_t*>(text.data())).Number(value, bytes);
  return text;
}

std::string Hello(std::uint32_t credit = 65536, std::uint32_t streams = 100) {
  return Frame(kHello, 0, 0, "TOY1" + Number(credit, 4) + Number(streams, 4));
}

std::string HeadPayload(const weir_head& head) {
  std::string payload(HeadSize(head), '\0');
  Writer writer(reinterpret_cast<std::uint8_t*>(payload.data()));
  WriteHead(head, &writer);
  return payload;
}

weir_head SimpleHead(std::uint8_t kind) {
  weir_head head{};
  head.struct_size = sizeof head;
  head.kind = kind;
  head.method = {"GET", 3};
  head.path = {"/", 1};
  head.status = kind == WEIR_HEAD_REQUEST ? 0 : 200;
  return head;
}

std::string Request(std::uint32_t stream, std::uint8_t flags = 0) {
  return Frame(kHead, flags, stream, HeadPayload(SimpleHead(WEIR_HEAD_REQUEST)));
}

// One codec, driven by hand. Events are kept as short texts: "HEAD 1", "DATA 1 abc end".
class ToyCodecTest : public ::testing::Test {
 protected:
  ~ToyCodecTest() override {
    if (codec_ != nullptr) kToyCodecApi.destroy(codec_);
    EXPECT_EQ(test::FakeCodecMemory(), 0u);
  }

  void Make(std::uint8_t position, std::uint32_t window = 65536, std::uint32_t streams = 4,
            ToyConfig config = {}) {
    config_ = config;
    weir_codec_params params = test::FakeCodecParams(position);
    params.stream_window = window;
    params.max_streams = streams;
    params.max_head_bytes = 2000;
    params.max_field_count = 3;
    params.config = &config_;
    codec_ = kToyCodecApi.create(&params);
    ASSERT_NE(codec_, nullptr);
  }

  // Shows the bytes after what was left before; gives the events.
  std::vector<std::string> Show(const std::string& bytes, std::uint32_t flags = 0) {
    input_ += bytes;
    std::vector<std::string> events;
    while (true) {
      weir_event event;
      std::vector<std::uint8_t> span(input_.begin(), input_.end());
      span.resize(input_.size() + 64);
      const std::size_t used =
          kToyCodecApi.receive(codec_, span.data(), input_.size(), flags, &event);
      if (event.type == WEIR_EVENT_NONE) {
        input_.erase(0, used);
        return events;
      }
      events.push_back(Describe(event));
      input_.erase(0, used);
      if (event.type == WEIR_EVENT_BLOCKED) return events;
      if (event.type == WEIR_EVENT_HEAD && event.user == nullptr) {
        kToyCodecApi.adopt(codec_, event.stream, streams_[event.stream % 8].handle());
      }
    }
  }

  static std::string Describe(const weir_event& event) {
    const std::string stream = " " + std::to_string(event.stream);
    const std::string end = event.end_stream != 0 ? " end" : "";
    switch (event.type) {
      case WEIR_EVENT_BLOCKED:
        return "BLOCKED";
      case WEIR_EVENT_HEAD:
        return "HEAD" + stream + end;
      case WEIR_EVENT_DATA:
        return "DATA" + stream + " " +
               std::string(reinterpret_cast<const char*>(event.data), event.size) + end;
      case WEIR_EVENT_TRAILERS:
        return "TRAILERS" + stream;
      case WEIR_EVENT_END:
        return "END" + stream;
      case WEIR_EVENT_RESET:
        return "RESET" + stream + " reason " + std::to_string(event.error.reason);
      case WEIR_EVENT_GOAWAY:
        return "GOAWAY " + std::to_string(event.last_stream);
      default:
        return "ERROR" + stream + " " + event.error.detail + " scope " +
               std::to_string(event.error.scope) + " status " + std::to_string(event.error.status);
    }
  }

  // What the codec wrote, frame by frame: "CREDIT 1", "DATA 1 abc end".
  std::vector<std::string> Written(std::uint64_t budget = 65536) {
    last_produce_ = kToyCodecApi.produce(codec_, budget, out_.out());
    const std::string bytes = out_.Take();
    std::vector<std::string> frames;
    static const char* const kNames[] = {"?",      "HELLO",  "HEAD", "DATA", "RESET",
                                         "CREDIT", "GOAWAY", "PING", "PONG"};
    for (std::size_t at = 0; at < bytes.size();) {
      const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data()) + at;
      const FrameHead head = ReadFrameHead(data);
      std::string text = std::string(kNames[head.type]) + " " + std::to_string(head.stream);
      if (head.type == kData) text += " " + bytes.substr(at + kFrameHeadSize, head.length);
      if (head.type == kReset || head.type == kCredit || head.type == kGoaway) {
        text +=
            " " + std::to_string(Reader(data + kFrameHeadSize, head.length).Number(head.length));
      }
      if ((head.flags & kEnd) != 0) text += " end";
      frames.push_back(text);
      at += kFrameHeadSize + head.length;
    }
    return frames;
  }

  std::uint32_t OpenAndSend(FakeStream* stream, bool end = false) {
    const std::uint32_t number = kToyCodecApi.open(codec_, stream->handle());
    EXPECT_NE(number, 0u);
    const weir_head head = SimpleHead(WEIR_HEAD_REQUEST);
    EXPECT_EQ(kToyCodecApi.send_head(codec_, number, &head, end, out_.out()), WEIR_OK);
    return number;
  }

  ToyConfig config_;
  weir_codec* codec_ = nullptr;
  FakeOut out_;
  FakeStream streams_[8];
  std::string input_;
  std::uint32_t last_produce_ = 0;
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(ToyCodecTest, TheFirstWordIsHello) {
  Make(WEIR_SERVER);
  EXPECT_THAT(Written(), ElementsAre("HELLO 0"));
  EXPECT_THAT(Written(), IsEmpty());
}

TEST_F(ToyCodecTest, EveryCutGivesTheSameMessages) {
  weir_head head = SimpleHead(WEIR_HEAD_TRAILERS);
  const std::string bytes = Hello() + Request(1) + Request(2) + Frame(kData, 0, 1, "one") +
                            Frame(kData, kEnd, 2, "two") + Frame(kHead, kEnd, 1, HeadPayload(head));
  for (const test::Cuts& cuts : test::AllCuts(bytes.size())) {
    Make(WEIR_SERVER);
    std::string text[3];
    std::size_t at = 0;
    for (const std::size_t size : cuts) {
      for (const std::string& event : Show(bytes.substr(at, size))) {
        // Pieces of a body are joined, for where they are cut is the network's.
        if (event.starts_with("DATA 1 ")) {
          text[1] += event.substr(7);
        } else if (event.starts_with("DATA 2 ")) {
          text[2] += event.substr(7);
        } else {
          text[0] += event + ";";
        }
      }
      at += size;
    }
    EXPECT_EQ(text[0], "HEAD 1;HEAD 2;TRAILERS 1;") << test::DescribeCuts(cuts);
    EXPECT_EQ(text[1], "one");
    EXPECT_EQ(text[2], "two end");
    kToyCodecApi.destroy(codec_);
    codec_ = nullptr;
    input_.clear();
  }
}

TEST_F(ToyCodecTest, WithoutHelloNothingIsTaken) {
  Make(WEIR_SERVER);
  EXPECT_THAT(Show(Request(1)), ElementsAre("ERROR 0 toy.no_hello scope 2 status 0"));
  Written();
  EXPECT_EQ(last_produce_, std::uint32_t{WEIR_PRODUCED_CLOSE});
}

TEST_F(ToyCodecTest, MoreThanTheCreditIsAnError) {
  Make(WEIR_SERVER, 2000);
  Show(Hello() + Request(1));
  EXPECT_THAT(Show(Frame(kData, 0, 1, std::string(2001, 'x'))),
              ElementsAre("ERROR 0 toy.credit_exceeded scope 2 status 0"));
}

TEST_F(ToyCodecTest, CreditIsGivenWhenTheConsumerHasTakenHalf) {
  Make(WEIR_SERVER, 2000);
  Show(Hello() + Request(1) + Frame(kData, 0, 1, std::string(2000, 'x')));
  Written();
  kToyCodecApi.consumed(codec_, 1, 999);
  EXPECT_THAT(Written(), IsEmpty());
  kToyCodecApi.consumed(codec_, 1, 1);
  EXPECT_THAT(Written(), ElementsAre("CREDIT 1 1000"));
  EXPECT_EQ(Show(Frame(kData, 0, 1, std::string(1000, 'x'))).size(), 1u);
}

TEST_F(ToyCodecTest, BodyWaitsForCreditAndGoesOnWithIt) {
  Make(WEIR_CLIENT);
  Show(Hello(5));
  FakeStream stream;
  stream.body = "0123456789";
  stream.end = true;
  const std::uint32_t number = OpenAndSend(&stream);
  EXPECT_THAT(Written(), ElementsAre("HELLO 0", "HEAD 1", "DATA 1 01234"));
  kToyCodecApi.ready(codec_, number);
  EXPECT_THAT(Written(), IsEmpty());
  Show(Frame(kCredit, 0, 1, Number(3, 4)));
  EXPECT_THAT(Written(), ElementsAre("DATA 1 567"));
  Show(Frame(kCredit, 0, 1, Number(100, 4)));
  EXPECT_THAT(Written(), ElementsAre("DATA 1 89 end"));
}

TEST_F(ToyCodecTest, HelloTakesCreditBackBelowZero) {
  Make(WEIR_CLIENT);
  FakeStream stream;
  stream.body = std::string(1000, 'a');
  const std::uint32_t number = OpenAndSend(&stream);
  EXPECT_EQ(Written().size(), 3u);  // within the 1024 bytes before HELLO
  Show(Hello(10));                  // the credit is 10 - 1000 now
  stream.body = "bc";
  kToyCodecApi.ready(codec_, number);
  EXPECT_THAT(Written(), IsEmpty());
  Show(Frame(kCredit, 0, 1, Number(990, 4)));
  EXPECT_THAT(Written(), IsEmpty());
  Show(Frame(kCredit, 0, 1, Number(1, 4)));
  EXPECT_THAT(Written(), ElementsAre("DATA 1 b"));
}

TEST_F(ToyCodecTest, StreamsTakeTurns) {
  Make(WEIR_CLIENT, 65536, 4, {2, 1});
  Show(Hello());
  FakeStream a;
  FakeStream b;
  a.body = "aaaa";
  b.body = "bbbb";
  OpenAndSend(&a);
  OpenAndSend(&b);
  EXPECT_THAT(Written(), ElementsAre("HELLO 0", "HEAD 1", "HEAD 2", "DATA 1 aa", "DATA 2 bb",
                                     "DATA 1 aa", "DATA 2 bb"));
}

TEST_F(ToyCodecTest, TheBudgetEndsAProduce) {
  Make(WEIR_CLIENT);
  Show(Hello());
  FakeStream stream;
  stream.body = "abcdef";
  OpenAndSend(&stream);
  EXPECT_THAT(Written(4), ElementsAre("HELLO 0", "HEAD 1", "DATA 1 abcd"));
  EXPECT_EQ(last_produce_, std::uint32_t{WEIR_PRODUCED_MORE});
  EXPECT_THAT(Written(4), ElementsAre("DATA 1 ef"));
  EXPECT_EQ(last_produce_, 0u);
}

TEST_F(ToyCodecTest, NumbersRiseInTheOrderOfTheHeads) {
  Make(WEIR_CLIENT);
  Show(Hello());
  const std::uint32_t first = kToyCodecApi.open(codec_, streams_[0].handle());
  const std::uint32_t second = kToyCodecApi.open(codec_, streams_[1].handle());
  const weir_head head = SimpleHead(WEIR_HEAD_REQUEST);
  EXPECT_EQ(kToyCodecApi.send_head(codec_, second, &head, 1, out_.out()), WEIR_OK);
  EXPECT_EQ(kToyCodecApi.send_head(codec_, first, &head, 1, out_.out()), WEIR_OK);
  EXPECT_THAT(Written(), ElementsAre("HELLO 0", "HEAD 1 end", "HEAD 2 end"));
  // The answer to the wire's 1 is the second's.
  EXPECT_THAT(Show(Frame(kHead, kEnd, 1, HeadPayload(SimpleHead(WEIR_HEAD_RESPONSE)))),
              ElementsAre("HEAD " + std::to_string(second) + " end"));
}

TEST_F(ToyCodecTest, NumbersAreUsedUp) {
  Make(WEIR_CLIENT, 65536, 4, {4096, kEveryStream - 1});
  Show(Hello());
  EXPECT_EQ(kToyCodecApi.reusable(codec_), 1u);
  FakeStream stream;
  OpenAndSend(&stream, true);
  EXPECT_EQ(kToyCodecApi.reusable(codec_), 0u);
  EXPECT_EQ(kToyCodecApi.capacity(codec_), 0u);
  EXPECT_EQ(kToyCodecApi.open(codec_, streams_[1].handle()), 0u);
}

TEST_F(ToyCodecTest, CapacityIsTheSmallerOfBothSides) {
  Make(WEIR_CLIENT, 65536, 4);
  EXPECT_EQ(kToyCodecApi.capacity(codec_), 4u);
  Show(Hello(100, 2));
  EXPECT_EQ(kToyCodecApi.capacity(codec_), 2u);
  FakeStream a;
  FakeStream b;
  OpenAndSend(&a, true);
  OpenAndSend(&b, true);
  EXPECT_EQ(kToyCodecApi.open(codec_, streams_[1].handle()), 0u);
  Show(Frame(kHead, kEnd, 1, HeadPayload(SimpleHead(WEIR_HEAD_RESPONSE))));
  EXPECT_EQ(kToyCodecApi.capacity(codec_), 1u);
}

TEST_F(ToyCodecTest, AStreamBeyondTheLimitIsRefusedWithoutAWord) {
  Make(WEIR_SERVER, 65536, 2);
  EXPECT_THAT(Show(Hello() + Request(1) + Request(2) + Request(3) + Frame(kData, kEnd, 3, "late")),
              ElementsAre("HEAD 1", "HEAD 2"));
  EXPECT_THAT(Written(), ElementsAre("HELLO 0", "RESET 3 " + std::to_string(WEIR_REASON_REFUSED)));
}

TEST_F(ToyCodecTest, ACompleteAnswerStopsTheRequest) {
  Make(WEIR_SERVER);
  Show(Hello() + Request(1) + Frame(kData, 0, 1, "some"));
  const weir_head head = SimpleHead(WEIR_HEAD_RESPONSE);
  EXPECT_EQ(kToyCodecApi.send_head(codec_, 1, &head, 1, out_.out()), WEIR_OK);
  EXPECT_THAT(Written(), ElementsAre("HELLO 0", "HEAD 1 end",
                                     "RESET 1 " + std::to_string(WEIR_REASON_NO_ERROR)));
  EXPECT_THAT(Show(Frame(kData, kEnd, 1, "more")), IsEmpty());
  EXPECT_EQ(kToyCodecApi.capacity(codec_), 4u);
}

TEST_F(ToyCodecTest, CallsForAStreamThatIsOverDoNothing) {
  Make(WEIR_SERVER);
  Show(Hello() + Request(1, kEnd));
  Written();
  kToyCodecApi.reset(codec_, 1, WEIR_REASON_INTERNAL, out_.out());
  EXPECT_THAT(Written(), ElementsAre("RESET 1 " + std::to_string(WEIR_REASON_INTERNAL)));
  kToyCodecApi.ready(codec_, 1);
  kToyCodecApi.consumed(codec_, 1, 1000000);
  kToyCodecApi.reset(codec_, 1, WEIR_REASON_INTERNAL, out_.out());
  const weir_head head = SimpleHead(WEIR_HEAD_RESPONSE);
  EXPECT_EQ(kToyCodecApi.send_head(codec_, 1, &head, 1, out_.out()), WEIR_REFUSED);
  EXPECT_THAT(Written(), IsEmpty());
}

TEST_F(ToyCodecTest, AResetBeforeTheHeadIsSilent) {
  Make(WEIR_CLIENT);
  Written();
  const std::uint32_t number = kToyCodecApi.open(codec_, streams_[0].handle());
  kToyCodecApi.reset(codec_, number, WEIR_REASON_CANCEL, out_.out());
  EXPECT_THAT(Written(), IsEmpty());
}

TEST_F(ToyCodecTest, ATooLargeHeadIsSkippedAndAnswered) {
  Make(WEIR_SERVER);
  Show(Hello());
  const std::string large = Frame(kHead, kEnd, 1, std::string(2001, 'x'));
  EXPECT_THAT(Show(large.substr(0, 100)),
              ElementsAre("ERROR 1 toy.head_too_large scope 1 status 431"));
  // The others go on, behind the bytes that were dropped.
  EXPECT_THAT(Show(large.substr(100) + Request(2, kEnd)), ElementsAre("HEAD 2 end"));
  const weir_head head = SimpleHead(WEIR_HEAD_RESPONSE);
  EXPECT_EQ(kToyCodecApi.send_head(codec_, 1, &head, 1, out_.out()), WEIR_OK);
  EXPECT_THAT(Written(), ElementsAre("HELLO 0", "HEAD 1 end"));
}

TEST_F(ToyCodecTest, TooManyFieldsAreAnswered) {
  Make(WEIR_SERVER);
  weir_field fields[4] = {};
  for (weir_field& field : fields) {
    field.name = field.value = "x";
    field.name_size = 1;
    field.value_size = 1;
  }
  weir_head head = SimpleHead(WEIR_HEAD_REQUEST);
  head.fields = fields;
  head.field_count = 4;
  EXPECT_THAT(Show(Hello() + Frame(kHead, kEnd, 1, HeadPayload(head))),
              ElementsAre("ERROR 1 toy.too_many_fields scope 1 status 431"));
  fields[2].flags = WEIR_FIELD_REMOVED;  // a tombstone is not written
  EXPECT_THAT(Show(Frame(kHead, kEnd, 2, HeadPayload(head))), ElementsAre("HEAD 2 end"));
}

TEST_F(ToyCodecTest, AHeadWhoseTimeIsOverIsAnswered) {
  Make(WEIR_SERVER);
  Show(Hello());
  const std::string request = Request(1, kEnd);
  EXPECT_THAT(Show(request.substr(0, 12)), IsEmpty());
  EXPECT_THAT(Show("", WEIR_RECEIVE_EXPIRED),
              ElementsAre("ERROR 1 toy.head_timeout scope 1 status 408"));
  EXPECT_THAT(Show(request.substr(12) + Request(2, kEnd)), ElementsAre("HEAD 2 end"));
}

TEST_F(ToyCodecTest, AWrongLengthIsAnError) {
  weir_head head = SimpleHead(WEIR_HEAD_REQUEST);
  head.flags = WEIR_HEAD_HAS_LENGTH;
  head.content_length = 4;
  const std::string start = Hello() + Frame(kHead, 0, 1, HeadPayload(head));
  const std::string wrong[] = {Frame(kData, 0, 1, "12345"), Frame(kData, kEnd, 1, "123"),
                               Frame(kHead, kEnd, 1, HeadPayload(SimpleHead(WEIR_HEAD_TRAILERS)))};
  for (const std::string& bytes : wrong) {
    Make(WEIR_SERVER);
    EXPECT_THAT(Show(start + bytes),
                ElementsAre("HEAD 1", "ERROR 1 toy.wrong_length scope 1 status 400"));
    kToyCodecApi.destroy(codec_);
    codec_ = nullptr;
    input_.clear();
  }
}

TEST_F(ToyCodecTest, GoawayRefusesWhatIsAboveAndLetsTheRestFinish) {
  Make(WEIR_CLIENT);
  Show(Hello());
  FakeStream a;
  FakeStream b;
  FakeStream c;
  OpenAndSend(&a, true);
  OpenAndSend(&b, true);
  const std::uint32_t unsent = kToyCodecApi.open(codec_, c.handle());
  EXPECT_THAT(Show(Frame(kGoaway, 0, 0, Number(kEveryStream, 4))).size(), 2u);  // c had no head
  EXPECT_EQ(kToyCodecApi.capacity(codec_), 0u);
  const std::string refused = " reason " + std::to_string(WEIR_REASON_REFUSED);
  EXPECT_THAT(Show(Frame(kGoaway, 0, 0, Number(1, 4))),
              ElementsAre("RESET 2" + refused, "GOAWAY 1"));
  EXPECT_THAT(Show(Frame(kHead, kEnd, 1, HeadPayload(SimpleHead(WEIR_HEAD_RESPONSE)))),
              ElementsAre("HEAD 1 end"));
  const weir_head head = SimpleHead(WEIR_HEAD_REQUEST);
  EXPECT_EQ(kToyCodecApi.send_head(codec_, unsent, &head, 1, out_.out()), WEIR_REFUSED);
}

TEST_F(ToyCodecTest, AfterItsGoawayTheServerClosesWithTheLastStream) {
  Make(WEIR_SERVER);
  Show(Hello() + Request(1, kEnd));
  kToyCodecApi.goaway(codec_, 1, out_.out());
  EXPECT_THAT(Show(Request(2, kEnd)), ElementsAre("HEAD 2 end"));
  kToyCodecApi.goaway(codec_, 2, out_.out());
  EXPECT_THAT(Show(Request(3, kEnd)), IsEmpty());
  EXPECT_THAT(Written(), ElementsAre("HELLO 0", "GOAWAY 0 4294967295", "GOAWAY 0 2",
                                     "RESET 3 " + std::to_string(WEIR_REASON_REFUSED)));
  EXPECT_EQ(last_produce_, 0u);
  const weir_head head = SimpleHead(WEIR_HEAD_RESPONSE);
  kToyCodecApi.send_head(codec_, 1, &head, 1, out_.out());
  kToyCodecApi.send_head(codec_, 2, &head, 1, out_.out());
  Written();
  EXPECT_EQ(last_produce_, std::uint32_t{WEIR_PRODUCED_CLOSE});
}

TEST_F(ToyCodecTest, TheEndOfTheInputCutsOffWhatIsOpen) {
  Make(WEIR_CLIENT);
  Show(Hello());
  FakeStream streams[3];
  for (FakeStream& stream : streams) OpenAndSend(&stream, true);
  Show(Frame(kHead, 0, 1, HeadPayload(SimpleHead(WEIR_HEAD_RESPONSE))) +
       Frame(kHead, kEnd, 3, HeadPayload(SimpleHead(WEIR_HEAD_RESPONSE))) +
       Frame(kData, 0, 1, "part"));
  EXPECT_THAT(Show("", WEIR_RECEIVE_EOF),
              ElementsAre("RESET 1 reason " + std::to_string(WEIR_REASON_TRUNCATED),
                          "RESET 2 reason " + std::to_string(WEIR_REASON_CLOSED)));
  EXPECT_EQ(kToyCodecApi.reusable(codec_), 0u);
}

TEST_F(ToyCodecTest, AServerAnswersAfterTheClientsFin) {
  Make(WEIR_SERVER);
  EXPECT_THAT(Show(Hello() + Request(1, kEnd), WEIR_RECEIVE_EOF), ElementsAre("HEAD 1 end"));
  const weir_head head = SimpleHead(WEIR_HEAD_RESPONSE);
  EXPECT_EQ(kToyCodecApi.send_head(codec_, 1, &head, 1, out_.out()), WEIR_OK);
  EXPECT_THAT(Written(), ElementsAre("HELLO 0", "HEAD 1 end"));
}

TEST_F(ToyCodecTest, PingsWaitForOutputWhenTheirAnswersPileUp) {
  Make(WEIR_SERVER);
  std::string pings;
  for (int i = 0; i < 200; ++i) pings += Frame(kPing, 0, 0, "12345678");
  EXPECT_THAT(Show(Hello() + pings), ElementsAre("BLOCKED"));
  std::size_t answers = 0;
  for (int i = 0; i < 10; ++i) {
    answers += Written().size();
    Show("");
  }
  EXPECT_EQ(answers, 201u);  // and HELLO
}

TEST_F(ToyCodecTest, WithoutMemoryThereIsNoCodec) {
  for (int count = 0; count < 4; ++count) {
    test::FailAllocationsAfter(count);
    const weir_codec_params params = test::FakeCodecParams(WEIR_SERVER);
    EXPECT_EQ(kToyCodecApi.create(&params), nullptr);
    EXPECT_EQ(test::FakeCodecMemory(), 0u);
  }
  test::FailAllocationsAfter(-1);
}

TEST_F(ToyCodecTest, ItKnowsItsFirstFrameAndNothingElse) {
  const std::string hello = Hello();
  const auto probe = [](const std::string& bytes) {
    return kToyCodecApi.probe(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  };
  for (std::size_t size = 1; size <= hello.size(); ++size) {
    EXPECT_EQ(probe(hello.substr(0, size)), size < 12 ? WEIR_PROBE_MORE : WEIR_PROBE_YES) << size;
    if (size > 12) continue;
    std::string other = hello.substr(0, size);
    ++other[size - 1];
    EXPECT_EQ(probe(other), WEIR_PROBE_NO) << size;
  }
}

TEST_F(ToyCodecTest, GarbageIsSurvived) {
  std::mt19937_64 random(99);
  for (int round = 0; round < 2000; ++round) {
    Make(round % 2 == 0 ? WEIR_SERVER : WEIR_CLIENT, 100);
    if (round % 2 != 0) OpenAndSend(&streams_[0]);
    std::string bytes = Hello() + Request(1) + Frame(kData, 0, 1, "abc") + Request(2, kEnd) +
                        Frame(kCredit, 0, 1, Number(10, 4)) + Frame(kReset, 0, 2, Number(9, 2));
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    Show(bytes);
    Written();
    Show("", WEIR_RECEIVE_EOF);
    Written();
    kToyCodecApi.destroy(codec_);
    codec_ = nullptr;
    input_.clear();
  }
}

}  // namespace
}  // namespace weir::toy
