// The functions that HTTP filters call, used as a plugin would and as a broken one would.

#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "core/http/filter_chain.h"
#include "tests/support/scripted_filters.h"

namespace weir::http {
namespace {

using test::ChainOwner;
using test::FilterScript;

class FilterHostTest : public testing::Test {
 protected:
  FilterHostTest() {
    script_.create = [this](weir_stream* x) { return stream_ = x, WEIR_OK; };
    script_.request_headers = [](weir_stream*, bool) { return WEIR_STOP; };
    script_.response_headers = [](weir_stream*, bool) { return WEIR_STOP; };
    owner_.Make({&script_}, 1000);
    owner_.chain().Headers(kRequest, false);
    owner_.chain().Headers(kResponse, false);
  }
  std::string Get(uint32_t which, std::string_view name, uint32_t index = 0) {
    weir_view value;
    const int32_t status = api_.get(stream_, which, View(name), index, &value);
    return status == WEIR_OK ? std::string(View(value)) : "<" + std::to_string(status) + ">";
  }
  weir_head& request() { return owner_.request().head(); }
  weir_head& response() { return owner_.response().head(); }

  const weir_http_api& api_ = *HttpFilterHostTable();
  ChainOwner owner_;
  FilterScript script_;
  weir_stream* stream_ = nullptr;
};

TEST_F(FilterHostTest, FramingIsShownByNameByTokenAndOnceWhenIterating) {
  request().flags |= WEIR_HEAD_HAS_LENGTH | WEIR_HEAD_TE_TRAILERS | WEIR_HEAD_EXPECT_CONTINUE;
  request().content_length = UINT64_MAX;
  EXPECT_EQ(Get(WEIR_REQUEST, "content-length"), "18446744073709551615");
  EXPECT_EQ(Get(WEIR_REQUEST, "content-length", 1), "<-1>");
  EXPECT_EQ(Get(WEIR_REQUEST, "host"), "example.com");
  EXPECT_EQ(Get(WEIR_REQUEST, "te"), "trailers");
  EXPECT_EQ(Get(WEIR_REQUEST, "expect"), "100-continue");
  EXPECT_EQ(Get(WEIR_REQUEST, "transfer-encoding"), "<-1>");
  EXPECT_EQ(Get(WEIR_RESPONSE, "transfer-encoding"), "chunked");
  EXPECT_EQ(Get(WEIR_RESPONSE, "host"), "<-1>");
  weir_view value;
  EXPECT_EQ(api_.get_token(stream_, WEIR_REQUEST, WEIR_TOKEN_HOST, 0, &value), WEIR_OK);
  EXPECT_EQ(View(value), "example.com");
  api_.add(stream_, WEIR_REQUEST, View("x-a"), View("1"));
  api_.add(stream_, WEIR_REQUEST, View("x-b"), View("2"));
  api_.remove(stream_, WEIR_REQUEST, View("x-a"));
  std::string all;
  for (uint32_t i = 0; i < api_.field_count(stream_, WEIR_REQUEST); ++i) {
    weir_view name;
    if (api_.field_at(stream_, WEIR_REQUEST, i, &name, &value) == WEIR_OK)
      all += std::string(View(name)) + " ";
  }
  EXPECT_EQ(all, "host content-length te expect x-b ");
}

TEST_F(FilterHostTest, AnUpgradeIsShownAsItsFields) {
  request().flags |= WEIR_HEAD_TUNNEL;
  request().protocol = View("websocket");
  EXPECT_EQ(Get(WEIR_REQUEST, "upgrade"), "websocket");
  EXPECT_EQ(Get(WEIR_REQUEST, "connection"), "upgrade");
  EXPECT_EQ(api_.body_length(stream_, WEIR_REQUEST, 5), WEIR_REFUSED);
}

TEST_F(FilterHostTest, FramingAndPseudoNamesCannotBeWritten) {
  for (const char* name : {"content-length", "transfer-encoding", "host", "connection", "te",
                           "upgrade", ":path", ":status", ""}) {
    for (const uint32_t which :
         {WEIR_REQUEST, WEIR_RESPONSE, WEIR_REQUEST_TRAILERS, WEIR_RESPONSE_TRAILERS}) {
      EXPECT_EQ(api_.set(stream_, which, View(name), View("1")), WEIR_REFUSED) << name;
      EXPECT_EQ(api_.add(stream_, which, View(name), View("1")), WEIR_REFUSED) << name;
      EXPECT_EQ(api_.remove(stream_, which, View(name)), WEIR_REFUSED) << name;
    }
  }
}

TEST_F(FilterHostTest, WhatHasGoneByCannotBeWritten) {
  for (bool& writable : owner_.writable) writable = false;
  EXPECT_EQ(api_.set(stream_, WEIR_REQUEST, View("x"), View("1")), WEIR_REFUSED);
  EXPECT_EQ(api_.remove(stream_, WEIR_RESPONSE, View("x")), WEIR_REFUSED);
  EXPECT_EQ(api_.set_start(stream_, View(":path"), View("/x")), WEIR_REFUSED);
  EXPECT_EQ(api_.set_status(stream_, 404), WEIR_REFUSED);
  EXPECT_EQ(api_.body_length(stream_, WEIR_RESPONSE, 1), WEIR_REFUSED);
}

TEST_F(FilterHostTest, Pitfall3TrailersCannotBeGivenToAMessageWithoutThem) {
  owner_.has_trailers = false;
  for (const uint32_t which : {WEIR_REQUEST_TRAILERS, WEIR_RESPONSE_TRAILERS}) {
    EXPECT_EQ(api_.add(stream_, which, View("x"), View("1")), WEIR_REFUSED);
    EXPECT_EQ(api_.set(stream_, which, View("x"), View("1")), WEIR_REFUSED);
    EXPECT_EQ(api_.body_append(stream_, which, View("x")), WEIR_REFUSED);
  }
  owner_.has_trailers = true;
  EXPECT_EQ(api_.add(stream_, WEIR_REQUEST_TRAILERS, View("x"), View("1")), WEIR_OK);
}

TEST_F(FilterHostTest, PathAndAuthorityAreValidated) {
  const auto set = [&](const char* name, std::string_view value) {
    return api_.set_start(stream_, View(name), View(value));
  };
  EXPECT_EQ(set(":path", "/new?q=1"), WEIR_OK);
  EXPECT_EQ(owner_.request().path(), "/new?q=1");
  for (const std::string_view bad :
       {"", "relative", "http://h/", "/a b", "/a#f", "/\r\n", "/\x80", "*"}) {
    EXPECT_EQ(set(":path", bad), WEIR_REFUSED) << bad;
  }
  EXPECT_EQ(set(":authority", "New.Example:8080"), WEIR_OK);
  EXPECT_EQ(owner_.request().authority(), "new.example:8080");
  for (const std::string_view bad : {"", "a b", "user@host", "h:0", "h:", "[::1", "a,b"}) {
    EXPECT_EQ(set(":authority", bad), WEIR_REFUSED) << bad;
  }
  EXPECT_EQ(set(":method", "PUT"), WEIR_REFUSED);
  EXPECT_EQ(set(":scheme", "https"), WEIR_REFUSED);
  EXPECT_EQ(set("path", "/x"), WEIR_REFUSED);
}

TEST_F(FilterHostTest, APathThatIsSetIsNormalisedLikeAReceivedOne) {
  const auto set = [&](std::string_view value) {
    const int32_t status = api_.set_start(stream_, View(":path"), View(value));
    return status == WEIR_OK ? std::string(owner_.request().path()) : std::string("refused");
  };
  EXPECT_EQ(set("/a/../b//c/%41?x=/../y"), "/b/c/A?x=/../y");
  EXPECT_EQ(set("/public/%2e%2e/admin"), "/admin");
  EXPECT_EQ(set("/a\\..\\b"), "/b");
  // What a client would be redirected for, or answered with 400.
  for (const std::string_view bad : {"/a%2fb", "/a%5Cb", "/a%00b", "/a%zzb", "/%"}) {
    EXPECT_EQ(set(bad), "refused") << bad;
    EXPECT_EQ(owner_.request().path(), "/b") << bad;
  }
  // The configured rules, not the defaults.
  owner_.path_options.merge_slashes = false;
  owner_.path_options.escaped_slashes = EscapedSlashes::kUnescapeAndForward;
  EXPECT_EQ(set("/a//b%2f..%2fc"), "/a//c");
  owner_.path_options.normalize = false;
  owner_.path_options.escaped_slashes = EscapedSlashes::kKeep;
  EXPECT_EQ(set("/a/../b%2Fc"), "/a/../b%2Fc");
  request().method = View("OPTIONS");
  EXPECT_EQ(set("*"), "*");
}

TEST_F(FilterHostTest, AConnectGetsNoPath) {
  request().path = {nullptr, 0};
  EXPECT_EQ(api_.set_start(stream_, View(":path"), View("/x")), WEIR_REFUSED);
}

TEST_F(FilterHostTest, AStatusIsFinalAndAgreesWithTheBody) {
  EXPECT_EQ(api_.set_status(stream_, 404), WEIR_OK);
  EXPECT_EQ(api_.status(stream_), 404u);
  for (const uint32_t bad : {0u, 100u, 199u, 600u, 65736u, UINT32_MAX})
    EXPECT_EQ(api_.set_status(stream_, bad), WEIR_REFUSED);
  EXPECT_EQ(api_.set_status(stream_, 204), WEIR_REFUSED) << "a body follows";
  owner_.chain().Headers(kResponse, true);
  response().flags |= WEIR_HEAD_HAS_LENGTH;
  EXPECT_EQ(api_.set_status(stream_, 204), WEIR_OK);
  EXPECT_EQ(response().flags, uint32_t{WEIR_HEAD_NO_BODY});
  EXPECT_EQ(api_.body_append(stream_, WEIR_RESPONSE, View("x")), WEIR_REFUSED);
  EXPECT_EQ(api_.body_length(stream_, WEIR_RESPONSE, 1), WEIR_REFUSED);
}

TEST_F(FilterHostTest, ATunnelsStatusStays) {
  response().flags |= WEIR_HEAD_TUNNEL;
  EXPECT_EQ(api_.set_status(stream_, 404), WEIR_REFUSED);
}

TEST_F(FilterHostTest, TheBodyIsOneViewInPieces) {
  owner_.Data(kRequest, "hello ");
  owner_.Data(kRequest, "world");
  EXPECT_EQ(api_.body_size(stream_, WEIR_REQUEST), 11u);
  EXPECT_EQ(View(api_.body_piece(stream_, WEIR_REQUEST, 10)), "d");
  EXPECT_EQ(api_.body_piece(stream_, WEIR_REQUEST, 11).data, nullptr);
  EXPECT_EQ(api_.body_piece(stream_, WEIR_REQUEST, UINT64_MAX).size, 0u);
  EXPECT_EQ(api_.body_drain(stream_, WEIR_REQUEST, 12), WEIR_REFUSED);
  EXPECT_EQ(api_.body_drain(stream_, WEIR_REQUEST, UINT64_MAX), WEIR_REFUSED);
  EXPECT_EQ(api_.body_drain(stream_, WEIR_REQUEST, 6), WEIR_OK);
  const weir_view own = api_.body_piece(stream_, WEIR_REQUEST, 0);
  EXPECT_EQ(api_.body_append(stream_, WEIR_REQUEST, own), WEIR_OK)
      << "its own bytes may be appended";
  EXPECT_EQ(api_.body_size(stream_, WEIR_REQUEST), 10u);
}

TEST_F(FilterHostTest, AChangedBodyLosesItsLengthOrIsNotChanged) {
  request().flags |= WEIR_HEAD_HAS_LENGTH;
  request().content_length = 5;
  owner_.Data(kRequest, "hello");
  EXPECT_EQ(api_.body_append(stream_, WEIR_REQUEST, View("!")), WEIR_OK);
  EXPECT_FALSE(owner_.request().has(WEIR_HEAD_HAS_LENGTH));
  request().flags |= WEIR_HEAD_HAS_LENGTH;
  owner_.writable[WEIR_REQUEST] = false;
  EXPECT_EQ(api_.body_append(stream_, WEIR_REQUEST, View("!")), WEIR_REFUSED);
  EXPECT_EQ(api_.body_drain(stream_, WEIR_REQUEST, 1), WEIR_REFUSED);
  EXPECT_EQ(api_.body_size(stream_, WEIR_REQUEST), 6u);
}

TEST_F(FilterHostTest, AnAnswerToHeadGetsNoBody) {
  request().method = View("HEAD");
  EXPECT_EQ(api_.body_append(stream_, WEIR_RESPONSE, View("x")), WEIR_REFUSED);
  EXPECT_EQ(api_.body_length(stream_, WEIR_RESPONSE, 5), WEIR_OK) << "its length may be announced";
}

TEST_F(FilterHostTest, AppendingIsBounded) {
  const std::string block(100000, 'x');
  int appended = 0;
  while (appended < 100 && api_.body_append(stream_, WEIR_REQUEST, View(block)) == WEIR_OK)
    ++appended;
  EXPECT_EQ(appended, 2);
  EXPECT_EQ(api_.body_append(stream_, WEIR_REQUEST, {block.data(), SIZE_MAX}), WEIR_NO_ROOM);
}

TEST_F(FilterHostTest, NullAndHugeArgumentsAreRefused) {
  weir_view v;
  const weir_view null{nullptr, 5};
  const weir_view huge{"x", SIZE_MAX};
  EXPECT_EQ(api_.field_count(nullptr, 0), 0u);
  EXPECT_EQ(api_.field_count(stream_, 4), 0u);
  EXPECT_LT(api_.field_at(nullptr, 0, 0, &v, &v), 0);
  EXPECT_LT(api_.field_at(stream_, 0, UINT32_MAX, &v, &v), 0);
  EXPECT_LT(api_.field_at(stream_, 0, 0, nullptr, nullptr), 0);
  for (const weir_view bad : {null, huge}) {
    EXPECT_LT(api_.get(stream_, 0, bad, 0, &v), 0);
    EXPECT_LT(api_.set(stream_, 0, bad, View("v")), 0);
    EXPECT_LT(api_.set(stream_, 0, View("x"), bad), 0);
    EXPECT_LT(api_.add(stream_, 0, bad, bad), 0);
    EXPECT_LT(api_.remove(stream_, 0, bad), 0);
    EXPECT_LT(api_.get_start(stream_, bad, &v), 0);
    EXPECT_LT(api_.set_start(stream_, View(":path"), bad), 0);
    EXPECT_LT(api_.set_start(stream_, bad, View("/")), 0);
    EXPECT_LT(api_.body_append(stream_, 0, bad), 0);
    EXPECT_LT(api_.local_reply(stream_, 200, bad, nullptr, 0, {}), 0);
    EXPECT_LT(api_.local_reply(stream_, 200, {}, nullptr, 0, bad), 0);
  }
  EXPECT_LT(api_.get(stream_, 0, View("x"), 0, nullptr), 0);
  EXPECT_LT(api_.get(stream_, 99, View("x"), 0, &v), 0);
  EXPECT_LT(api_.get_token(stream_, 0, UINT32_MAX, 0, &v), 0);
  EXPECT_LT(api_.get_token(stream_, 0, 65536 + WEIR_TOKEN_HOST, 0, &v), 0);
  EXPECT_LT(api_.get_start(stream_, View(":path"), nullptr), 0);
  EXPECT_EQ(api_.body_size(stream_, 2), 0u);
  EXPECT_EQ(api_.body_size(nullptr, 0), 0u);
  EXPECT_LT(api_.body_drain(nullptr, 0, 0), 0);
  EXPECT_LT(api_.body_append(nullptr, 0, {}), 0);
  EXPECT_LT(api_.body_append(stream_, 7, {}), 0);
  EXPECT_LT(api_.body_length(stream_, 7, 1), 0);
  EXPECT_LT(api_.local_reply(nullptr, 200, {}, nullptr, 0, {}), 0);
  EXPECT_LT(api_.reset(nullptr), 0);
  EXPECT_EQ(api_.ticket(nullptr).value[0], 0u);
  EXPECT_EQ(api_.route_config(nullptr), nullptr);
  EXPECT_LT(api_.attribute(stream_, WEIR_ATTR_PROTOCOL, nullptr), 0);
  EXPECT_LT(api_.attribute(stream_, 4711, &v), 0);
  EXPECT_EQ(api_.status(nullptr), 0u);
  EXPECT_LT(api_.set_status(nullptr, 200), 0);
  EXPECT_EQ(owner_.asked_replies, 0);
}

TEST_F(FilterHostTest, ALocalReplysArgumentsAreChecked) {
  weir_field field{};
  for (const uint32_t bad : {0u, 100u, 199u, 600u})
    EXPECT_EQ(api_.local_reply(stream_, bad, {}, nullptr, 0, {}), WEIR_REFUSED);
  EXPECT_EQ(api_.local_reply(stream_, 403, {}, nullptr, 1, {}), WEIR_REFUSED);
  EXPECT_EQ(api_.local_reply(stream_, 403, {}, &field, 1, {}), WEIR_REFUSED)
      << "a field without a name";
  EXPECT_EQ(api_.local_reply(stream_, 403, {}, &field, UINT32_MAX, {}), WEIR_NO_ROOM);
  EXPECT_EQ(owner_.asked_replies, 0);
  field.name = "x-a";
  field.name_size = 3;
  EXPECT_EQ(api_.local_reply(stream_, 403, View("no"), &field, 1, View("why")), WEIR_OK);
  EXPECT_EQ(owner_.asked_replies, 1);
}

TEST_F(FilterHostTest, ADeadStreamTakesNothingMoreButCanBeRead) {
  owner_.chain().Kill();
  EXPECT_EQ(api_.set(stream_, WEIR_REQUEST, View("x"), View("1")), WEIR_REFUSED);
  EXPECT_EQ(api_.body_append(stream_, WEIR_REQUEST, View("x")), WEIR_REFUSED);
  EXPECT_EQ(api_.local_reply(stream_, 200, {}, nullptr, 0, {}), WEIR_REFUSED);
  EXPECT_EQ(api_.reset(stream_), WEIR_REFUSED);
  EXPECT_EQ(Get(WEIR_REQUEST, "host"), "example.com");
}

TEST_F(FilterHostTest, ATicketOfAnEndedStreamDoesNothing) {
  const weir_ticket ticket = api_.ticket(stream_);
  EXPECT_EQ(ticket.value[0], 77u);
  EXPECT_EQ(api_.resume(ticket, WEIR_REQUEST), WEIR_OK);
  EXPECT_EQ(api_.resume(ticket, WEIR_REQUEST_TRAILERS), WEIR_REFUSED);
  weir_ticket forged = ticket;
  forged.value[1] += 1;
  EXPECT_EQ(api_.resume(forged, WEIR_REQUEST), WEIR_REFUSED) << "no such filter";
  EXPECT_EQ(api_.resume({{0, 0}}, WEIR_REQUEST), WEIR_REFUSED);
  EXPECT_EQ(api_.resume({{UINT64_MAX, UINT64_MAX}}, WEIR_REQUEST), WEIR_REFUSED);
  owner_.chain().Destroy();
  EXPECT_EQ(api_.resume(ticket, WEIR_REQUEST), WEIR_REFUSED);
  EXPECT_EQ(api_.ticket(stream_).value[0], 0u) << "a dead stream gives no ticket";
}

TEST_F(FilterHostTest, ATicketMeansNothingOnAnotherWorker) {
  const weir_ticket ticket = api_.ticket(stream_);
  std::thread([&] {
    ChainOwner other;  // with the same number
    FilterScript script;
    weir_stream* stream = nullptr;
    script.create = [&](weir_stream* x) { return stream = x, WEIR_OK; };
    other.Make({&script});
    EXPECT_EQ(api_.ticket(stream).value[0], ticket.value[0]);
    EXPECT_EQ(api_.resume(ticket, WEIR_REQUEST), WEIR_REFUSED);
  }).join();
}

TEST_F(FilterHostTest, AttributesComeFromTheStream) {
  weir_view value;
  EXPECT_EQ(api_.attribute(stream_, WEIR_ATTR_PROTOCOL, &value), WEIR_OK);
  EXPECT_EQ(View(value), "HTTP/1.1");
  EXPECT_EQ(api_.attribute(stream_, WEIR_ATTR_ROUTE, &value), WEIR_ERROR);
}

}  // namespace
}  // namespace weir::http
