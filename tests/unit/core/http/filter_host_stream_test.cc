// The functions about a stream as a whole: numbers, notes, flags, limits, routes, and what may be
// asked for between the hooks.

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "core/http/filter_chain.h"
#include "tests/support/scripted_filters.h"

namespace weir::http {
namespace {

using test::ChainOwner;
using test::FilterScript;

const weir_http_api& api() {
  return *HttpFilterHostTable();
}

class FilterHostStreamTest : public testing::Test {
 protected:
  FilterHostStreamTest() {
    script_.create = [this](weir_stream* x) { return stream_ = x, WEIR_OK; };
    script_.request_headers = [](weir_stream*, bool) { return WEIR_STOP; };
    script_.request_data = [](weir_stream*, bool) { return WEIR_STOP; };
    owner_.Make({&script_}, 1000);
    owner_.chain().Headers(kRequest, false);
  }
  int32_t Note(std::string_view space, std::string_view key, std::string_view value) {
    return api().set_metadata(stream_, View(space), View(key), View(value));
  }
  std::string Noted(std::string_view space, std::string_view key) {
    weir_view value;
    const int32_t status = api().metadata(stream_, View(space), View(key), &value);
    return status == WEIR_OK ? std::string(View(value)) : "<" + std::to_string(status) + ">";
  }

  ChainOwner owner_;
  FilterScript script_;
  weir_stream* stream_ = nullptr;
};

TEST_F(FilterHostStreamTest, TheTableIsWhole) {
  EXPECT_EQ(api().struct_size, sizeof(weir_http_api));
  EXPECT_TRUE(WEIR_HAS(&api(), add_trailers));
}

TEST_F(FilterHostStreamTest, ANumberIsGivenOrSaidToBeUnknown) {
  int64_t value = 7;
  EXPECT_EQ(api().number(stream_, WEIR_NUMBER_ATTEMPTS, &value), WEIR_OK);
  EXPECT_EQ(value, 1000 + WEIR_NUMBER_ATTEMPTS);
  EXPECT_EQ(api().number(stream_, 4711, &value), WEIR_ERROR);
  EXPECT_EQ(api().number(stream_, WEIR_NUMBER_ATTEMPTS, nullptr), WEIR_REFUSED);
  EXPECT_EQ(api().number(nullptr, WEIR_NUMBER_ATTEMPTS, &value), WEIR_REFUSED);
}

TEST_F(FilterHostStreamTest, NotesArePutUnderTheirSpaceAndKey) {
  EXPECT_EQ(Noted("a", "k"), "<-1>");
  EXPECT_EQ(Note("a", "k", "one"), WEIR_OK);
  EXPECT_EQ(Note("b", "k", "two"), WEIR_OK);
  EXPECT_EQ(Note("", "k", "three"), WEIR_OK);
  EXPECT_EQ(Note("a", "empty", ""), WEIR_OK);
  EXPECT_EQ(Noted("a", "k"), "one");
  EXPECT_EQ(Noted("b", "k"), "two");
  EXPECT_EQ(Noted("", "k"), "three");
  EXPECT_EQ(Noted("a", "empty"), "");
  EXPECT_EQ(Note("a", "k", "a longer one"), WEIR_OK);
  EXPECT_EQ(Noted("a", "k"), "a longer one");
  EXPECT_EQ(Note("a", "k", "short"), WEIR_OK);
  EXPECT_EQ(Noted("a", "k"), "short");
  // What a filter reads of a note may be what it writes to it.
  weir_view view;
  ASSERT_EQ(api().metadata(stream_, View("a"), View("k"), &view), WEIR_OK);
  EXPECT_EQ(Note("a", "k", std::string_view(view.data + 2, view.size - 2)), WEIR_OK);
  EXPECT_EQ(Noted("a", "k"), "ort");
}

TEST_F(FilterHostStreamTest, WhatNobodyNotedOfTheStreamMayBeNotedOfItsConnection) {
  EXPECT_EQ(Noted("any", "of-connection"), "noted");
  EXPECT_EQ(Note("any", "of-connection", "mine"), WEIR_OK);
  EXPECT_EQ(Noted("any", "of-connection"), "mine");
}

TEST_F(FilterHostStreamTest, NotesAreBounded) {
  EXPECT_EQ(Note("s", std::string(255, 'k'), "v"), WEIR_OK);
  EXPECT_EQ(Note("s", std::string(256, 'k'), "v"), WEIR_NO_ROOM);
  EXPECT_EQ(Note("s", "v", std::string(4096, 'v')), WEIR_OK);
  EXPECT_EQ(Note("s", "v", std::string(4097, 'w')), WEIR_NO_ROOM);
  EXPECT_EQ(Noted("s", "v"), std::string(4096, 'v'));
  for (int i = 2; i < 64; ++i) EXPECT_EQ(Note("s", std::to_string(i), "v"), WEIR_OK) << i;
  EXPECT_EQ(Note("s", "one more", "v"), WEIR_NO_ROOM);
  EXPECT_EQ(Note("s", "2", "changed"), WEIR_OK);
  EXPECT_EQ(Note("s", "", "v"), WEIR_REFUSED);
  EXPECT_EQ(api().set_metadata(stream_, View("s"), View("2"), {nullptr, 3}), WEIR_REFUSED);
  EXPECT_EQ(api().set_metadata(nullptr, View("s"), View("2"), View("x")), WEIR_REFUSED);
}

TEST_F(FilterHostStreamTest, ANoteThatIsSetForEverDoesNotEatTheStreamsMemory) {
  const uint32_t before = owner_.arena().slab_bytes();
  for (size_t i = 0; i < 100'000; ++i)
    ASSERT_EQ(Note("s", "k", std::string(i % 4097, 'x')), WEIR_OK) << i;
  EXPECT_LE(owner_.arena().slab_bytes() - before, 65'536u);
}

TEST_F(FilterHostStreamTest, AFlagIsOneOfEnvoys) {
  EXPECT_EQ(api().set_flag(stream_, View("UAEX")), WEIR_OK);
  EXPECT_EQ(api().set_flag(stream_, View("RL")), WEIR_OK);
  EXPECT_TRUE(owner_.flags.Has(observe::ResponseFlag::kUnauthorizedExternalService));
  EXPECT_TRUE(owner_.flags.Has(observe::ResponseFlag::kRateLimited));
  const uint32_t bits = owner_.flags.bits;
  for (const char* bad : {"", "U", "uaex", "UAEX,RL", "-"})
    EXPECT_EQ(api().set_flag(stream_, View(bad)), WEIR_REFUSED) << bad;
  EXPECT_EQ(owner_.flags.bits, bits);
}

TEST_F(FilterHostStreamTest, AFilterChoosesHowMuchItMayHold) {
  EXPECT_EQ(api().set_buffer_limit(stream_, WEIR_REQUEST, 5000), WEIR_OK);
  owner_.Data(kRequest, std::string(5000, 'x'));
  EXPECT_EQ(owner_.overflows[kRequest], 0);
  owner_.Data(kRequest, "x");
  EXPECT_EQ(owner_.overflows[kRequest], 1);
}

TEST_F(FilterHostStreamTest, ABufferLimitIsBoundedAndIsABodys) {
  EXPECT_EQ(api().set_buffer_limit(stream_, WEIR_RESPONSE, uint64_t{1} << 30), WEIR_OK);
  EXPECT_EQ(api().set_buffer_limit(stream_, WEIR_RESPONSE, (uint64_t{1} << 30) + 1), WEIR_NO_ROOM);
  EXPECT_EQ(api().set_buffer_limit(stream_, WEIR_REQUEST_TRAILERS, 1), WEIR_REFUSED);
  EXPECT_EQ(api().set_buffer_limit(stream_, 99, 1), WEIR_REFUSED);
}

TEST_F(FilterHostStreamTest, AStreamThatIsOverCanBeReadAndNotBeChanged) {
  EXPECT_EQ(Note("a", "k", "one"), WEIR_OK);
  const weir_ticket ticket = api().ticket(stream_);
  owner_.chain().Kill();
  EXPECT_EQ(Noted("a", "k"), "one");
  weir_view value;
  EXPECT_EQ(api().get_start(stream_, View(":path"), &value), WEIR_OK);
  EXPECT_EQ(Note("a", "k", "two"), WEIR_REFUSED);
  EXPECT_EQ(api().set_flag(stream_, View("RL")), WEIR_REFUSED);
  EXPECT_EQ(api().set_buffer_limit(stream_, WEIR_REQUEST, 1), WEIR_REFUSED);
  EXPECT_EQ(api().refresh_route(stream_), WEIR_REFUSED);
  EXPECT_EQ(api().inject(stream_, WEIR_REQUEST, View("x")), WEIR_REFUSED);
  EXPECT_EQ(api().add_trailers(stream_, WEIR_REQUEST_TRAILERS), WEIR_REFUSED);
  EXPECT_EQ(api().set(stream_, WEIR_REQUEST, View("x"), View("1")), WEIR_REFUSED);
  EXPECT_EQ(api().set_start(stream_, View(":path"), View("/x")), WEIR_REFUSED);
  EXPECT_EQ(api().body_append(stream_, WEIR_REQUEST, View("x")), WEIR_REFUSED);
  EXPECT_EQ(api().local_reply(stream_, 200, View(""), nullptr, 0, View("")), WEIR_REFUSED);
  EXPECT_EQ(api().reset(stream_), WEIR_REFUSED);
  EXPECT_EQ(api().resume(ticket, WEIR_REQUEST), WEIR_REFUSED);
}

TEST_F(FilterHostStreamTest, ARouteIsRefreshedOnlyWhileTheHeadersAreWithTheFilter) {
  // Withheld since the fixture.
  EXPECT_EQ(api().refresh_route(stream_), WEIR_ERROR) << "the owner finds none";
  EXPECT_EQ(owner_.refreshed, 1);
  EXPECT_EQ(api().resume(api().ticket(stream_), WEIR_REQUEST), WEIR_OK);
  owner_.Deferred();
  EXPECT_EQ(owner_.out[kRequest], "H");
  EXPECT_EQ(api().refresh_route(stream_), WEIR_REFUSED);
  EXPECT_EQ(owner_.refreshed, 1);
}

TEST(FilterHostStream, ARouteMayBeRefreshedInTheHookOfTheRequestsHeadersAndInNoOther) {
  FilterScript s;
  int32_t in_headers = 1, in_data = 1, in_response = 1;
  s.request_headers = [&](weir_stream* x, bool) {
    in_headers = api().refresh_route(x);
    return WEIR_CONTINUE;
  };
  s.request_data = [&](weir_stream* x, bool) {
    in_data = api().refresh_route(x);
    return WEIR_CONTINUE;
  };
  s.response_headers = [&](weir_stream* x, bool) {
    in_response = api().refresh_route(x);
    return WEIR_CONTINUE;
  };
  ChainOwner owner;
  FilterChain& chain = owner.Make({&s});
  chain.Headers(kRequest, false);
  owner.Data(kRequest, "x", true);
  chain.Headers(kResponse, true);
  EXPECT_EQ(in_headers, WEIR_ERROR);
  EXPECT_EQ(in_data, WEIR_REFUSED);
  EXPECT_EQ(in_response, WEIR_REFUSED);
}

TEST(FilterHostStream, ANewPathIsToldBeforeItIsThere) {
  FilterScript s;
  s.request_headers = [&](weir_stream* x, bool) {
    EXPECT_EQ(api().set_start(x, View(":path"), View("bad")), WEIR_REFUSED);
    EXPECT_EQ(api().set_start(x, View(":path"), View("/new")), WEIR_OK);
    return WEIR_CONTINUE;
  };
  ChainOwner owner;
  owner.Make({&s}).Headers(kRequest, true);
  EXPECT_EQ(owner.path_changes, 1);
}

}  // namespace
}  // namespace weir::http
