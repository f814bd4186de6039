// Memory: what an idle connection holds, and what happens when there is none.

#include "tests/unit/codecs/h2/conformance.h"
#include "tests/unit/codecs/h2/h2_api.h"

namespace weir::h2 {
namespace {

struct Fails {
  explicit Fails(int after) { test::FailAllocationsAfter(after); }
  ~Fails() { test::FailAllocationsAfter(-1); }
};

TEST(H2Memory, AnIdleConnectionHoldsLittle) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    H2Setup setup;
    setup.position = position;
    setup.options.hpack_table_size = 0;
    setup.options.encoder_table_size = 0;
    Once(setup, [&](H2Harness& first) {
      // What the thread's codecs share is paid by the first.
      const size_t shared = test::FakeCodecMemory();
      H2Harness h(setup);
      h.encoder().SetLimit(0);
      first.encoder().SetLimit(0);
      for (int i = 0; i < 5; ++i) {
        h.ExpectServes();
        first.ExpectServes();
      }
      // A block in pieces, a little of everything.
      h.Feed(wire::Ping() << wire::WindowUpdate(0, 1));
      if (h.server()) {
        const std::string block = h.Request("/", {{"x-a", std::string(5000, 'a')}});
        h.Feed(wire::Headers(2001, block.substr(0, 100), true, false)
               << wire::Continuation(2001, block.substr(100), true));
        h.Answer(2001, 204, true);
      }
      const size_t with_both = test::FakeCodecMemory();
      EXPECT_LE(with_both - shared, 2560u);
    });
  }
}

TEST(H2Memory, ACodecThatGetsNoneIsNotMade) {
  for (int after = 0; after < 2; ++after) {
    const Fails fails(after);
    weir_codec_params params = test::FakeCodecParams(WEIR_SERVER);
    EXPECT_EQ(Api().create(&params), nullptr);
    EXPECT_EQ(test::FakeCodecMemory(), 0u);
  }
}

// All that can happen on a connection, with the n-th allocation refused and all after it.
void Live(H2Harness& h) {
  const std::string block = h.server() ? h.Request("/", {{"x-a", std::string(400, 'a')}})
                                       : h.Response("200", {{"x-a", std::string(400, 'a')}});
  for (int i = 0; i < 12 && !h.closed(); ++i) {
    const auto wire = static_cast<uint32_t>(2 * i + 1);
    uint32_t number = wire;
    if (!h.server()) {
      number = h.Open();
      if (number == 0) continue;
      SeenHead head;
      head.kind = WEIR_HEAD_REQUEST;
      head.method = "POST";
      head.path = "/";
      head.authority = "weir.test";
      head.group = static_cast<uint32_t>(i + 1);
      head.fields = {{"x-large", std::string(i == 2 ? 20000 : 200, 'l')}, {"x-a", "b"}};
      if (h.SendHead(number, head, false) != WEIR_OK) continue;
    }
    std::string bytes = wire::Headers(wire, block.substr(0, 9), false, false)
                        << wire::Continuation(wire, block.substr(9), true);
    for (int k = 0; k < 7; ++k) bytes += wire::Ping();
    h.Feed(bytes << wire::Data(wire, std::string(10000, 'x')));
    if (h.closed() || !h.knows(number) || h.stream(number).over) continue;
    if (h.server())
      h.Answer(number, 200, false, {{"x-large", std::string(i == 2 ? 20000 : 200, 'l')}});
    if (!h.closed() && !h.stream(number).over) h.Body(number, "body", i % 2 == 0);
  }
  if (!h.closed()) h.FeedEof();
}

// Whether all of it went as it should.
bool LivesWith(uint8_t position, int allocations) {
  const Fails fails(allocations);
  H2Setup setup;
  setup.position = position;
  H2Harness h(setup);
  EXPECT_NE(h.codec(), nullptr);
  if (h.codec() == nullptr) return false;
  Live(h);
  bool well = h.CountFrames(FrameType::kGoaway) == 0 && !h.closed();
  for (uint32_t number = 1; number < 24; number += 2)
    well = well && h.knows(number) && !h.stream(number).heads.empty();
  return well;
}

TEST(H2Memory, WhereverItEndsNothingBreaks) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    EXPECT_FALSE(LivesWith(position, 2));
    int in_a_row = 0;
    for (int allocations = 2; allocations < 400 && in_a_row < 3; ++allocations) {
      SCOPED_TRACE(allocations);
      in_a_row = LivesWith(position, allocations) ? in_a_row + 1 : 0;
      EXPECT_EQ(test::FakeCodecMemory(), 0u);
      if (HasFailure()) return;
    }
    EXPECT_EQ(in_a_row, 3);  // each allocation was refused once
  }
}

}  // namespace
}  // namespace weir::h2
