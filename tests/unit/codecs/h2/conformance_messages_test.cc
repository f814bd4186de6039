// RFC 9113 section 8: messages, and what fields may stand in them. What the bytes of fields may be
// is in conformance_bytes_test.cc.

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

constexpr auto kProtocol = ErrorCode::kProtocolError;

// What the codec tells its host to answer in place of a reset (RFC 9113 section 8.1.1).
void Answered(const TextFields& fields, uint16_t status) {
  ForAllCuts({}, [&](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Block(fields), true));
    ASSERT_TRUE(h.knows(1));
    EXPECT_EQ(h.stream(1).status, status);
    EXPECT_TRUE(h.stream(1).heads.empty());
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 0u);
    EXPECT_EQ(h.Answer(1, status, true), WEIR_OK);
    EXPECT_EQ(h.LastFrame(FrameType::kHeaders, 1)->Field(":status"), std::to_string(status));
    h.ExpectServes();
  });
}

void RequestIsFine(const TextFields& fields, const std::function<void(const SeenHead&)>& look) {
  ForAllCuts({}, [&](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Block(fields), true));
    ASSERT_TRUE(h.knows(1));
    ASSERT_EQ(h.stream(1).heads.size(), 1u);
    look(h.stream(1).heads[0]);
    h.ExpectFine();
  });
}

// ---- 8.1

TEST(H2Conformance, TrailersEndTheStream) {
  CostsTheStream(1, kProtocol, [](H2Harness& h) {
    return wire::Headers(1, h.Block({{"x-a", "b"}}), false);
  });
  CostsTheStream(H2Setup::Client(), 1, kProtocol, [](H2Harness& h) {
    return wire::Headers(1, h.Response("200"), false)
           << wire::Headers(1, h.Block({{"x-a", "b"}}), false);
  });
}

TEST(H2Conformance, DataComesAfterTheHead) {
  CostsTheStream(H2Setup::Client(), 1, kProtocol, [](H2Harness&) { return wire::Data(1, "x"); });
  CostsTheStream(H2Setup::Client(), 1, kProtocol, [](H2Harness& h) {
    return wire::Headers(1, h.Response("103"), false) << wire::Data(1, "x", true);
  });
}

TEST(H2Conformance, AnInterimResponseDoesNotEndTheStream) {
  MalformedResponse({{":status", "100"}});
}

TEST(H2Conformance, NoErrorAfterAResponseLosesNothing) {
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    const uint32_t number = h.Send("/upload", false);
    h.Body(number, "first", false);
    h.Feed(wire::Headers(1, h.Response("413"), false)
           << wire::Data(1, "too large", true) << wire::Reset(1, ErrorCode::kNoError));
    EXPECT_EQ(h.stream(number).heads.at(0).status, 413);
    EXPECT_EQ(h.stream(number).body, "too large");
    EXPECT_TRUE(h.stream(number).complete);
    EXPECT_TRUE(h.stream(number).over);
    EXPECT_EQ(h.stream(number).reason, WEIR_REASON_NO_ERROR);
    h.ExpectFine();
  });
}

// ---- 8.1.1

TEST(H2Conformance, NoMoreDataThanContentLength) {
  CostsTheStream(5, kProtocol, [](H2Harness& h) {
    return wire::Headers(5, h.Request("/", {{"content-length", "3"}}), false)
           << wire::Data(5, "four");
  });
  CostsTheStream(H2Setup::Client(), 1, kProtocol, [](H2Harness& h) {
    return wire::Headers(1, h.Response("200", {{"content-length", "3"}}), false)
           << wire::Data(1, "123") << wire::Data(1, "4", true);
  });
}

TEST(H2Conformance, NoLessDataThanContentLength) {
  CostsTheStream(5, kProtocol, [](H2Harness& h) {
    return wire::Headers(5, h.Request("/", {{"content-length", "3"}}), false)
           << wire::Data(5, "12", true);
  });
  CostsTheStream(H2Setup::Client(), 1, kProtocol, [](H2Harness& h) {
    return wire::Headers(1, h.Response("200", {{"content-length", "3"}}), false)
           << wire::Data(1, "12") << wire::Data(1, "", true);
  });
}

TEST(H2Conformance, NoContentLengthWithoutContent) {
  MalformedRequest(RequestFields({{"content-length", "1"}}));
  MalformedResponse({{":status", "200"}, {"content-length", "1"}});
  RequestIsFine(RequestFields({{"content-length", "0"}}), [](const SeenHead& head) {
    EXPECT_TRUE(head.Has(WEIR_HEAD_HAS_LENGTH));
    EXPECT_EQ(head.Field("content-length"), "(none)");
  });
}

TEST(H2Conformance, NoTrailersBeforeContentLength) {
  CostsTheStream(5, kProtocol, [](H2Harness& h) {
    return wire::Headers(5, h.Request("/", {{"content-length", "3"}}), false)
           << wire::Data(5, "12") << wire::Headers(5, h.Block({{"x-a", "b"}}), true);
  });
}

TEST(H2Conformance, ContentLengthIsOneNumber) {
  for (const char* value : {"", "+5", "-0", " 5", "5 ", "5,5", "5, 5", "0x5", "5a", "1e3",
                            "99999999999999999999", "18446744073709551616"}) {
    SCOPED_TRACE(value);
    MalformedRequest(RequestFields({{"content-length", value}}), false);
  }
  MalformedRequest(RequestFields({{"content-length", "5"}, {"content-length", "5"}}), false);
  MalformedResponse({{":status", "200"}, {"content-length", "5,5"}}, false);
}

TEST(H2Conformance, HeadAndNotModifiedMayAnnounceContent) {
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    SeenHead head;
    head.kind = WEIR_HEAD_REQUEST;
    head.method = "HEAD";
    head.path = "/";
    head.authority = "weir.test";
    ASSERT_EQ(h.Open(), 1u);
    h.SendHead(1, head, true);
    h.Feed(wire::Headers(1, h.Response("200", {{"content-length", "77"}}), true));
    EXPECT_EQ(h.stream(1).heads.at(0).length, 77u);
    EXPECT_TRUE(h.stream(1).heads.at(0).Has(WEIR_HEAD_NO_BODY));
    h.Send("/");
    h.Feed(wire::Headers(3, h.Response("304", {{"content-length", "77"}}), false)
           << wire::Data(3, "", true));
    EXPECT_EQ(h.stream(3).heads.at(0).length, 77u);
    EXPECT_TRUE(h.stream(3).complete);
    h.ExpectFine();
  });
}

TEST(H2Conformance, HeadNoContentAndNotModifiedCarryNone) {
  for (const char* status : {"204", "304"}) {
    CostsTheStream(H2Setup::Client(), 1, kProtocol, [&](H2Harness& h) {
      return wire::Headers(1, h.Response(status), false) << wire::Data(1, "x");
    });
  }
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    SeenHead head;
    head.kind = WEIR_HEAD_REQUEST;
    head.method = "HEAD";
    head.path = "/";
    head.authority = "weir.test";
    h.Open();
    h.SendHead(1, head, true);
    h.Feed(wire::Headers(1, h.Response("200"), false) << wire::Data(1, "x"));
    h.ExpectStreamError(1, kProtocol);
  });
}

// ---- 8.2

TEST(H2Conformance, NoUpperCaseInNames) {
  MalformedRequest(RequestFields({{"X-upper", "v"}}));
  MalformedRequest(RequestFields({{"x-uppeR", "v"}}));
  MalformedRequest(RequestFields({{"Content-Length", "0"}}));
  MalformedResponse({{":status", "200"}, {"x-A", "v"}});
}

TEST(H2Conformance, NoConnectionField) {
  MalformedRequest(RequestFields({{"connection", "keep-alive"}}));
  MalformedRequest(RequestFields({{"connection", ""}}));
}
TEST(H2Conformance, NoProxyConnectionField) {
  MalformedRequest(RequestFields({{"proxy-connection", "keep-alive"}}));
}
TEST(H2Conformance, NoKeepAliveField) {
  MalformedRequest(RequestFields({{"keep-alive", "timeout=5"}}));
}
TEST(H2Conformance, NoTransferEncodingField) {
  MalformedRequest(RequestFields({{"transfer-encoding", "chunked"}}), false);
}
TEST(H2Conformance, NoUpgradeField) {
  MalformedRequest(RequestFields({{"upgrade", "websocket"}}));
}

TEST(H2Conformance, TeSaysTrailers) {
  for (const char* value : {"gzip", "trailers, gzip", "trailers;q=1", "", "chunked"})
    MalformedRequest(RequestFields({{"te", value}}));
  for (const char* value : {"trailers", "Trailers"}) {
    RequestIsFine(RequestFields({{"te", value}}), [](const SeenHead& head) {
      EXPECT_TRUE(head.Has(WEIR_HEAD_TE_TRAILERS));
      EXPECT_EQ(head.Field("te"), "(none)");
    });
  }
}

TEST(H2Conformance, NoConnectionFieldsInResponsesAndTrailers) {
  for (const char* name :
       {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "te"}) {
    SCOPED_TRACE(name);
    MalformedResponse({{":status", "200"}, {name, "trailers"}});
    CostsTheStream(1, kProtocol, [&](H2Harness& h) {
      return wire::Headers(1, h.Block({{"x-a", "b"}, {name, "trailers"}}), true);
    });
  }
}

TEST(H2Conformance, ACookieMayComeInCrumbs) {
  RequestIsFine(
      RequestFields({{"cookie", "a=1"}, {"x-between", "v"}, {"cookie", "b=2"}, {"cookie", ""}}),
      [](const SeenHead& head) {
        ASSERT_EQ(head.fields.size(), 2u);
        EXPECT_EQ(head.fields[0].second, "a=1; b=2; ");
        EXPECT_EQ(head.fields[1].second, "v");
      });
}

// ---- 8.3

TEST(H2Conformance, NoUndefinedPseudoField) {
  for (const char* name : {":foo", ":", ":Path", ":version"}) {
    SCOPED_TRACE(name);
    TextFields fields = {{name, "/"}};
    const TextFields rest = RequestFields();
    fields.insert(fields.end(), rest.begin(), rest.end());
    MalformedRequest(fields);
  }
}

TEST(H2Conformance, NoStatusInRequests) {
  TextFields fields = {{":status", "200"}};
  const TextFields rest = RequestFields();
  fields.insert(fields.end(), rest.begin(), rest.end());
  MalformedRequest(fields);
}

TEST(H2Conformance, NoRequestPseudoFieldInResponses) {
  for (const char* name : {":method", ":scheme", ":path", ":authority", ":protocol"})
    MalformedResponse({{":status", "200"}, {name, "/"}});
}

TEST(H2Conformance, NoPseudoFieldInTrailers) {
  for (const char* name : {":path", ":status", ":foo"}) {
    CostsTheStream(1, kProtocol, [&](H2Harness& h) {
      return wire::Headers(1, h.Block({{name, "200"}}), true);
    });
  }
  CostsTheStream(H2Setup::Client(), 1, kProtocol, [](H2Harness& h) {
    return wire::Headers(1, h.Response("200"), false) << wire::Headers(1, h.Response("200"), true);
  });
}

TEST(H2Conformance, PseudoFieldsComeFirst) {
  MalformedRequest({{":method", "GET"},
                    {":scheme", "http"},
                    {":path", "/"},
                    {"x-a", "b"},
                    {":authority", "weir.test"}});
  MalformedResponse({{"x-a", "b"}, {":status", "200"}});
}

TEST(H2Conformance, NoPseudoFieldTwice) {
  for (const auto& field : RequestFields()) {
    TextFields fields = {field};
    const TextFields rest = RequestFields();
    fields.insert(fields.end(), rest.begin(), rest.end());
    MalformedRequest(fields);
  }
  MalformedResponse({{":status", "200"}, {":status", "200"}});
}

TEST(H2Conformance, ARequestHasAMethod) {
  MalformedRequest(Without(":method"));
  MalformedRequest(With(":method", ""));
}
TEST(H2Conformance, ARequestHasAScheme) {
  MalformedRequest(Without(":scheme"));
}
TEST(H2Conformance, ARequestHasAPath) {
  MalformedRequest(Without(":path"));
}
TEST(H2Conformance, ThePathIsNotEmpty) {
  MalformedRequest(With(":path", ""));
}

TEST(H2Conformance, ThePathBeginsWithASlash) {
  for (const char* path : {"x", "*", "**", "http://weir.test/", "?q", " /"})
    Answered(With(":path", path), 400);
  RequestIsFine(With(":path", "*", With(":method", "OPTIONS")),
                [](const SeenHead& head) { EXPECT_EQ(head.path, "*"); });
}

TEST(H2Conformance, TheAuthorityHasNoUserinfo) {
  Answered(With(":authority", "user@weir.test"), 400);
  Answered(With(":authority", "user:word@weir.test"), 400);
  TextFields fields = Without(":authority");
  fields.emplace_back("host", "user@weir.test");
  Answered(fields, 400);
}

TEST(H2Conformance, HostSaysWhatTheAuthoritySays) {
  const auto request = [](const std::string& scheme, const std::string& authority,
                          const std::string& host) {
    return With(":scheme", scheme, With(":authority", authority, RequestFields({{"host", host}})));
  };
  Answered(request("http", "weir.test", "other.test"), 400);
  Answered(request("http", "weir.test", ""), 400);
  Answered(request("http", "weir.test", "weir.test:81"), 400);
  Answered(request("http", "weir.test:443", "weir.test"), 400);
  Answered(request("https", "weir.test:80", "weir.test"), 400);
  Answered(request("http", "weir.test", "weir.test."), 400);
  const auto fine = [](const TextFields& fields) {
    RequestIsFine(fields, [](const SeenHead& head) { EXPECT_EQ(head.Field("host"), "(none)"); });
  };
  fine(request("http", "weir.test", "weir.test"));
  fine(request("http", "weir.test", "WEIR.Test"));
  fine(request("http", "weir.test:80", "weir.test"));
  fine(request("https", "weir.test", "weir.test:443"));
  MalformedRequest(RequestFields({{"host", "weir.test"}, {"host", "weir.test"}}));
}

TEST(H2Conformance, HostMayStandForTheAuthority) {
  TextFields fields = Without(":authority");
  fields.emplace_back("host", "other.test:8080");
  RequestIsFine(fields, [](const SeenHead& head) { EXPECT_EQ(head.authority, "other.test:8080"); });
  Answered(Without(":authority"), 400);
  Answered(With(":authority", ""), 400);
}

TEST(H2Conformance, AResponseHasAStatus) {
  MalformedResponse({{"x-a", "b"}});
  MalformedResponse({});
}

TEST(H2Conformance, TheStatusIsThreeDigits) {
  for (const char* status : {"", "20", "2000", "2x0", "+20", "099", "600", "999", " 20"})
    MalformedResponse({{":status", status}});
}

// ---- 8.5, 8.6

H2Setup WithConnect() {
  H2Setup setup;
  setup.params.flags = WEIR_CODEC_ALLOW_CONNECT | WEIR_CODEC_ALLOW_UPGRADE;
  return setup;
}

TEST(H2Conformance, ConnectHasNoSchemeAndNoPath) {
  MalformedRequest(With(":method", "CONNECT"), false, WithConnect());
  MalformedRequest({{":method", "CONNECT"}, {":scheme", "http"}, {":authority", "weir.test:1"}},
                   false, WithConnect());
  MalformedRequest({{":method", "CONNECT"}, {":path", "/"}, {":authority", "weir.test:1"}}, false,
                   WithConnect());
  ForAllCuts(WithConnect(), [](H2Harness& h) {
    h.Feed(
        wire::Headers(1, h.Block({{":method", "CONNECT"}, {":authority", "weir.test:1"}}), false));
    const SeenHead& head = h.stream(1).heads.at(0);
    EXPECT_TRUE(head.Has(WEIR_HEAD_TUNNEL));
    EXPECT_EQ(head.authority, "weir.test:1");
    EXPECT_EQ(head.path, "");
    h.ExpectFine();
  });
}

TEST(H2Conformance, ConnectHasAnAuthority) {
  MalformedRequest({{":method", "CONNECT"}}, false, WithConnect());
  MalformedRequest({{":method", "CONNECT"}, {":authority", ""}}, false, WithConnect());
}

TEST(H2Conformance, NoHeadersOnATunnel) {
  ForAllCuts(WithConnect(), [](H2Harness& h) {
    h.Feed(
        wire::Headers(1, h.Block({{":method", "CONNECT"}, {":authority", "weir.test:1"}}), false));
    SeenHead open;
    open.kind = WEIR_HEAD_RESPONSE;
    open.status = 200;
    open.flags = WEIR_HEAD_TUNNEL;
    EXPECT_EQ(h.SendHead(1, open, false), WEIR_OK);
    h.Feed(wire::Data(1, "through"));
    EXPECT_EQ(h.stream(1).body, "through");
    h.Feed(wire::Headers(1, h.Block({{"x-a", "b"}}), true));
    h.ExpectStreamError(1, kProtocol);
  });
}

TEST(H2Conformance, NoSwitchingProtocols) {
  MalformedResponse({{":status", "101"}}, false);
}

// ---- RFC 8441

TextFields ExtendedConnect() {
  return {{":method", "CONNECT"},
          {":protocol", "websocket"},
          {":scheme", "http"},
          {":path", "/chat"},
          {":authority", "weir.test"}};
}

TEST(H2Conformance, ProtocolComesWithConnectAlone) {
  MalformedRequest(With(":method", "GET", ExtendedConnect()), true, WithConnect());
}

TEST(H2Conformance, ExtendedConnectIsWhole) {
  for (const char* name : {":scheme", ":path", ":authority"})
    MalformedRequest(Without(name, ExtendedConnect()), false, WithConnect());
}

TEST(H2Conformance, NoExtendedConnectUnannounced) {
  MalformedRequest(ExtendedConnect(), false);
}

}  // namespace
}  // namespace weir::h2
