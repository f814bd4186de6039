// What filters may ask of a stream, in a whole worker: what is known, calls between the hooks,
// other routes, bytes and trailers of their own.

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/filters/network/http_connection_manager/h2_world.h"

namespace weir::hcm {
namespace {

using test::FilterScript;

constexpr auto kH1 = H2World::Backends::kH1;
constexpr auto kH2 = H2World::Backends::kH2;

const weir_http_api& api() {
  return *http::HttpFilterHostTable();
}

weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

std::string Attribute(weir_stream* stream, uint32_t id) {
  weir_view value{};
  if (api().attribute(stream, id, &value) != WEIR_OK) return "(none)";
  return std::string(value.data, value.size);
}

int64_t Number(weir_stream* stream, uint32_t id) {
  int64_t value = 0;
  return api().number(stream, id, &value) == WEIR_OK ? value : INT64_MIN;
}

bool HasStatus(const std::string& answer, const std::string& status) {
  return answer.rfind("HTTP/1.1 " + status + " ", 0) == 0;
}

std::string Body(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

class World : public HcmWorld {
 public:
  explicit World(FilterScript* script, const std::string& keys = "", const std::string& routes = "")
      : HcmWorld(keys, routes, "", "", {script}) {}
};

// ---- What is known

TEST(StreamAttributes, EverythingThatIsKnownOfAnExchangeCanBeRead) {
  FilterScript s;
  std::map<uint32_t, std::string> early, late;
  std::map<uint32_t, int64_t> numbers;
  s.request_headers = [&](weir_stream* x, bool) {
    for (uint32_t id = 0; id < 40; ++id) early[id] = Attribute(x, id);
    return WEIR_CONTINUE;
  };
  s.complete = [&](weir_stream* x) {
    for (uint32_t id = 0; id < 40; ++id) late[id] = Attribute(x, id);
    for (uint32_t id = 0; id < 25; ++id) numbers[id] = Number(x, id);
  };
  World world(&s, "",
              "[{ name: r, match: { prefix: /p }, route: { cluster: app, prefix_rewrite: /q } }]");
  Client& client = world.Connect();
  world.Send(client, "POST /p/x HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n");
  world.Pass(10);
  world.Send(client, "abcd");
  world.Pass(20);
  world.Answer(0, "HTTP/1.1 201 Made\r\ncontent-length: 2\r\n\r\n");
  world.Pass(30);
  world.Answer(0, "ok");
  EXPECT_TRUE(HasStatus(world.Got(client), "201"));
  const std::map<uint32_t, std::string> known = {
      {WEIR_ATTR_DOWNSTREAM_ADDRESS, "10.9.8.7:4711"},
      {WEIR_ATTR_DIRECT_ADDRESS, "10.9.8.7:4711"},
      {WEIR_ATTR_LOCAL_ADDRESS, "127.0.0.1:80"},
      {WEIR_ATTR_ROUTE, "r"},
      {WEIR_ATTR_CLUSTER, "app"},
      {WEIR_ATTR_PROTOCOL, "HTTP/1.1"},
      {WEIR_ATTR_VIRTUAL_HOST, early[WEIR_ATTR_VIRTUAL_HOST]},
      {WEIR_ATTR_LISTENER, "main"},
      {WEIR_ATTR_RESPONSE_FLAGS, "-"},
      {WEIR_ATTR_ORIGINAL_PATH, "/p/x"}};
  for (const auto& [id, text] : known) {
    EXPECT_EQ(early[id], text) << id;
    EXPECT_EQ(late[id], text) << id;
  }
  EXPECT_NE(early[WEIR_ATTR_VIRTUAL_HOST], "(none)");
  EXPECT_EQ(early[WEIR_ATTR_UPSTREAM_ADDRESS], "(none)");
  EXPECT_EQ(late[WEIR_ATTR_UPSTREAM_ADDRESS], "10.0.0.1:80");
  EXPECT_EQ(early[WEIR_ATTR_UPSTREAM_PROTOCOL], "(none)");
  EXPECT_EQ(late[WEIR_ATTR_UPSTREAM_PROTOCOL], "HTTP/1.1");
  EXPECT_EQ(late[WEIR_ATTR_RESPONSE_CODE_DETAILS], "via_upstream");
  EXPECT_EQ(late[WEIR_ATTR_LOCAL_REPLY_BODY], "(none)");
  for (uint32_t id = WEIR_ATTR_REQUESTED_SERVER_NAME; id < 40; ++id)
    EXPECT_EQ(late[id], "(none)") << id;
  EXPECT_EQ(late[0], "(none)");

  EXPECT_EQ(numbers[WEIR_NUMBER_RESPONSE_CODE], 201);
  EXPECT_EQ(numbers[WEIR_NUMBER_BYTES_RECEIVED], 4);
  EXPECT_EQ(numbers[WEIR_NUMBER_BYTES_SENT], 2);
  EXPECT_NEAR(static_cast<double>(numbers[WEIR_NUMBER_START_UNIX_US]),
              static_cast<double>(UnixMs()) * 1000, 60e6);
  EXPECT_EQ(numbers[WEIR_NUMBER_UPSTREAM_START_US], 0);
  EXPECT_EQ(numbers[WEIR_NUMBER_REQUEST_END_US], 10'000);
  EXPECT_EQ(numbers[WEIR_NUMBER_UPSTREAM_END_US], 10'000);
  EXPECT_EQ(numbers[WEIR_NUMBER_RESPONSE_START_US], 30'000);
  EXPECT_EQ(numbers[WEIR_NUMBER_RESPONSE_END_US], 60'000);
  EXPECT_EQ(numbers[WEIR_NUMBER_END_US], 60'000);
  EXPECT_EQ(numbers[WEIR_NUMBER_ATTEMPTS], 1);
  EXPECT_GT(numbers[WEIR_NUMBER_CONNECTION_ID], 0);
  EXPECT_GT(numbers[WEIR_NUMBER_STREAM_ID], 0);
  EXPECT_EQ(numbers[WEIR_NUMBER_DOWNSTREAM_PORT], 4711);
  EXPECT_EQ(numbers[WEIR_NUMBER_LOCAL_PORT], 80);
  EXPECT_EQ(numbers[WEIR_NUMBER_SECURE], 0);
  EXPECT_EQ(numbers[WEIR_NUMBER_PEER_VERIFIED], 0);
  EXPECT_EQ(numbers[WEIR_NUMBER_LOCAL_REPLY], 0);
  EXPECT_EQ(numbers[0], INT64_MIN);
  EXPECT_EQ(numbers[24], INT64_MIN);
}

TEST(StreamAttributes, WhatHasNotHappenedIsNotKnown) {
  FilterScript s;
  int asked = 0;
  s.request_headers = [&](weir_stream* x, bool) {
    for (uint32_t id = WEIR_NUMBER_REQUEST_END_US; id <= WEIR_NUMBER_END_US; ++id)
      EXPECT_EQ(Number(x, id), INT64_MIN) << id;
    EXPECT_EQ(Number(x, WEIR_NUMBER_RESPONSE_CODE), 0);
    EXPECT_EQ(Number(x, WEIR_NUMBER_ATTEMPTS), 0);
    EXPECT_EQ(Attribute(x, WEIR_ATTR_ORIGINAL_PATH), "(none)");
    ++asked;
    api().local_reply(x, 403, View("no"), nullptr, 0, View("because"));
    return WEIR_STOP;
  };
  s.complete = [&](weir_stream* x) {
    EXPECT_EQ(Attribute(x, WEIR_ATTR_LOCAL_REPLY_BODY), "no");
    EXPECT_EQ(Attribute(x, WEIR_ATTR_RESPONSE_CODE_DETAILS), "because");
    EXPECT_EQ(Number(x, WEIR_NUMBER_LOCAL_REPLY), 1);
    EXPECT_EQ(Number(x, WEIR_NUMBER_RESPONSE_CODE), 403);
    EXPECT_EQ(Number(x, WEIR_NUMBER_UPSTREAM_START_US), INT64_MIN);
    ++asked;
  };
  World world(&s);
  Client& client = world.Connect();
  world.Send(client, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n");
  EXPECT_TRUE(HasStatus(world.Got(client), "403"));
  EXPECT_EQ(asked, 2);
}

TEST(StreamAttributes, ConnectionsAndStreamsHaveNumbersOfTheirOwn) {
  FilterScript s;
  std::vector<int64_t> connections, streams;
  s.request_headers = [&](weir_stream* x, bool) {
    connections.push_back(Number(x, WEIR_NUMBER_CONNECTION_ID));
    streams.push_back(Number(x, WEIR_NUMBER_STREAM_ID));
    api().local_reply(x, 200, View(""), nullptr, 0, View(""));
    return WEIR_STOP;
  };
  World world(&s);
  Client& one = world.Connect();
  world.Send(one, kGet);
  world.Send(one, kGet);
  world.Send(world.Connect(), kGet);
  ASSERT_EQ(connections.size(), 3u);
  EXPECT_EQ(connections[0], connections[1]);
  EXPECT_NE(connections[0], connections[2]);
  EXPECT_NE(streams[0], streams[1]);
  EXPECT_NE(streams[1], streams[2]);
}

TEST(StreamAttributes, OfATlsConnectionItsHandshakeIsKnown) {
  FilterScript s;
  std::map<uint32_t, std::string> texts;
  int64_t secure = 0, verified = 1;
  s.request_headers = [&](weir_stream* x, bool) {
    for (uint32_t id = 20; id < 30; ++id) texts[id] = Attribute(x, id);
    secure = Number(x, WEIR_NUMBER_SECURE);
    verified = Number(x, WEIR_NUMBER_PEER_VERIFIED);
    api().local_reply(x, 200, View(""), nullptr, 0, View(""));
    return WEIR_STOP;
  };
  World world(&s);
  test::FakeTls tls;
  tls.agreed = "http/1.1";
  world.Send(world.Connect(&tls), kGet);
  EXPECT_EQ(texts[WEIR_ATTR_ALPN], "http/1.1");
  EXPECT_EQ(texts[WEIR_ATTR_TLS_VERSION], "TLSv1.3");
  EXPECT_EQ(texts[WEIR_ATTR_REQUESTED_SERVER_NAME], "(none)");
  EXPECT_EQ(texts[WEIR_ATTR_PEER_SUBJECT], "(none)");
  EXPECT_EQ(secure, 1);
  EXPECT_EQ(verified, 0);
}

TEST(StreamAttributes, AskingForEverCostsNoMemory) {
  FilterScript s;
  s.request_headers = [&](weir_stream* x, bool) {
    for (int i = 0; i < 100'000; ++i) {
      EXPECT_EQ(Attribute(x, WEIR_ATTR_DOWNSTREAM_ADDRESS), "10.9.8.7:4711");
      EXPECT_EQ(Attribute(x, WEIR_ATTR_RESPONSE_FLAGS), "-");
    }
    EXPECT_EQ(api().set(x, WEIR_REQUEST, View("x-large"), View(std::string(200'000, 'x'))),
              WEIR_OK);
    return WEIR_CONTINUE;
  };
  World world(&s);
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.backend(0).Written();
  world.Answer(0, kOk);
  EXPECT_TRUE(HasStatus(world.Got(client), "200"));
}

TEST(StreamAttributes, FlagsAndTheOriginalPathAreInTheLogsWords) {
  FilterScript s;
  std::string flags, path;
  s.request_headers = [&](weir_stream* x, bool) {
    EXPECT_EQ(api().set_flag(x, View("RL")), WEIR_OK);
    EXPECT_EQ(api().set_flag(x, View("DI")), WEIR_OK);
    EXPECT_EQ(api().set_start(x, View(":path"), View("/changed")), WEIR_OK);
    EXPECT_EQ(api().set_start(x, View(":path"), View("/again")), WEIR_OK);
    flags = Attribute(x, WEIR_ATTR_RESPONSE_FLAGS);
    path = Attribute(x, WEIR_ATTR_ORIGINAL_PATH);
    return WEIR_CONTINUE;
  };
  World world(&s);
  Client& client = world.Connect();
  world.Send(client, "GET /asked HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(world.backend(0).Written().find("GET /again "), 0u);
  world.Answer(0, kOk);
  EXPECT_EQ(flags, "DI,RL");
  EXPECT_EQ(path, "/asked");
}

// ---- Between the hooks

struct Handle {
  FilterScript script;
  weir_stream* stream = nullptr;
  weir_ticket ticket{};

  explicit Handle(int32_t status) {
    script.request_headers = [this, status](weir_stream* x, bool) {
      stream = x;
      ticket = api().ticket(x);
      return status;
    };
  }
};

TEST(BetweenHooks, ALocalReplyTakesEffectInTheNextTurn) {
  for (const int32_t status : {WEIR_STOP, WEIR_CONTINUE}) {
    Handle h(status);
    World world(&h.script);
    Client& client = world.Connect();
    world.Send(client, kGet);
    EXPECT_EQ(api().local_reply(h.stream, 429, View("slow"), nullptr, 0, View("limited")), WEIR_OK);
    EXPECT_EQ(api().local_reply(h.stream, 200, View("twice"), nullptr, 0, View("")), WEIR_OK);
    EXPECT_EQ(world.Got(client), "");
    world.Turn();
    const std::string answer = world.Got(client);
    EXPECT_TRUE(HasStatus(answer, "429")) << answer;
    EXPECT_EQ(Body(answer), "slow");
    EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
    EXPECT_EQ(world.worker.dialer.open(), 0u);
  }
}

TEST(BetweenHooks, AResetTakesEffectInTheNextTurnAndGoesBeforeAnAnswer) {
  Handle h(WEIR_CONTINUE);
  World world(&h.script);
  Client& client = world.Connect();
  world.Send(client, kGet);
  EXPECT_EQ(api().local_reply(h.stream, 200, View("x"), nullptr, 0, View("")), WEIR_OK);
  EXPECT_EQ(api().reset(h.stream), WEIR_OK);
  EXPECT_FALSE(client.peer.closed);
  world.Turn();
  EXPECT_EQ(world.Got(client), "");
  EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
  EXPECT_EQ(world.Stat("downstream_rq_tx_reset"), 1u);
}

TEST(BetweenHooks, WhatAnEndedStreamCannotDoIsRefused) {
  Handle h(WEIR_STOP);
  World world(&h.script);
  Client& client = world.Connect();
  world.Send(client, kGet);
  EXPECT_EQ(api().reset(h.stream), WEIR_OK);
  EXPECT_EQ(api().set(h.stream, WEIR_REQUEST, View("x"), View("1")), WEIR_OK) << "not yet";
  int refused = 0;
  h.script.complete = [&](weir_stream* x) { EXPECT_EQ(x, h.stream), ++refused; };
  world.Turn();
  EXPECT_EQ(api().resume(h.ticket, WEIR_REQUEST), WEIR_REFUSED);
  EXPECT_EQ(world.worker.dialer.count(), 0u);
}

TEST(BetweenHooks, WhatIsWithheldCanBeEditedUntilItGoesOn) {
  Handle h(WEIR_STOP);
  World world(&h.script);
  Client& client = world.Connect();
  world.Send(client, kGet);
  EXPECT_EQ(api().set(h.stream, WEIR_REQUEST, View("x-user"), View("ann")), WEIR_OK);
  EXPECT_EQ(api().resume(h.ticket, WEIR_REQUEST), WEIR_OK);
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  world.Turn();
  EXPECT_EQ(FieldOf(world.backend(0).Written(), "x-user"), "ann");
  EXPECT_EQ(api().set(h.stream, WEIR_REQUEST, View("x-user"), View("bob")), WEIR_REFUSED);
  world.Answer(0, kOk);
  EXPECT_TRUE(HasStatus(world.Got(client), "200"));
}

// ---- Another route

constexpr char kRoutes[] =
    "[{ name: forward, match: { prefix: /app }, route: { cluster: app } }, "
    "{ name: direct, match: { prefix: /here }, direct_response: { status: 201, body: "
    "{ inline_string: here } } }]";

FilterScript Mover(const std::string& path, std::vector<int32_t>* found) {
  FilterScript s;
  s.request_headers = [=](weir_stream* x, bool) {
    EXPECT_EQ(api().set_start(x, View(":path"), View(path)), WEIR_OK);
    found->push_back(api().refresh_route(x));
    return WEIR_CONTINUE;
  };
  return s;
}

TEST(RefreshRoute, TheRequestTakesTheRouteOfItsNewPath) {
  std::vector<int32_t> found;
  FilterScript s = Mover("/here", &found);
  std::string route;
  s.complete = [&](weir_stream* x) { route = Attribute(x, WEIR_ATTR_ROUTE); };
  World world(&s, "", kRoutes);
  const std::string answer = world.Ask("GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_TRUE(HasStatus(answer, "201")) << answer;
  EXPECT_EQ(Body(answer), "here");
  EXPECT_EQ(found, std::vector<int32_t>{WEIR_OK});
  EXPECT_EQ(route, "direct");
}

TEST(RefreshRoute, OverHttp2TheSame) {
  for (const auto backends : {kH1, kH2}) {
    std::vector<int32_t> found;
    FilterScript s = Mover("/app", &found);
    H2World world(backends, "", kRoutes, "", {&s});
    H2Far& client = world.Connect();
    world.Say(client, H2World::Request(client, 1));
    EXPECT_EQ(found, std::vector<int32_t>{WEIR_OK});
    if (backends == kH1) {
      EXPECT_EQ(world.backend(0).Written().find("GET /app "), 0u);
      world.Answer(0, kOk);
    } else {
      H2Far& back = world.Back(0);
      EXPECT_EQ(back.Field(1, ":path"), "/app");
      world.Say(back, H2World::Response(back, 1, "200", true));
    }
    EXPECT_EQ(client.Field(1, ":status"), "200");
  }
}

TEST(RefreshRoute, WhereNoneMatchesTheRequestIsAnsweredWith404) {
  std::vector<int32_t> found;
  FilterScript s = Mover("/nowhere", &found);
  World world(&s, "", kRoutes);
  EXPECT_TRUE(HasStatus(world.Ask("GET /app HTTP/1.1\r\nhost: a\r\n\r\n"), "404"));
  EXPECT_EQ(found, std::vector<int32_t>{WEIR_ERROR});
}

TEST(RefreshRoute, WhatTheNewRouteDoesNotAllowIsRefused) {
  const std::string routes =
      "[{ match: { prefix: /t }, route: { cluster: app, upgrade_configs: "
      "[{ upgrade_type: e }] } }, { match: { prefix: /plain }, route: { cluster: app } }]";
  std::vector<int32_t> found;
  FilterScript s = Mover("/plain", &found);
  World world(&s, "", routes);
  EXPECT_TRUE(HasStatus(
      world.Ask("GET /t HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: e\r\n\r\n"), "403"));
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  EXPECT_EQ(found, std::vector<int32_t>{WEIR_OK});
}

TEST(RefreshRoute, ItsTimesAreTheNewRoutes) {
  const std::string routes =
      "[{ match: { prefix: /app }, route: { cluster: app, timeout: 100s } }, "
      "{ match: { prefix: /quick }, route: { cluster: app, timeout: 1s } }]";
  std::vector<int32_t> found;
  FilterScript s = Mover("/quick", &found);
  World world(&s, "", routes);
  Client& client = world.Connect();
  world.Send(client, "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
  world.Pass(900);
  EXPECT_EQ(world.Got(client), "");
  world.Pass(200);
  EXPECT_TRUE(HasStatus(world.Got(client), "504"));
}

TEST(RefreshRoute, AfterTheHeadersWentOnItIsRefused) {
  Handle h(WEIR_CONTINUE);
  World world(&h.script, "", kRoutes);
  Client& client = world.Connect();
  world.Send(client, "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(api().refresh_route(h.stream), WEIR_REFUSED);
  world.Answer(0, kOk);
  EXPECT_TRUE(HasStatus(world.Got(client), "200"));
}

// ---- Bytes of a filter's own

TEST(Inject, BytesBetweenTheHooksReachAnHttp1Client) {
  FilterScript s;
  weir_stream* stream = nullptr;
  s.response_headers = [&](weir_stream* x, bool) { return stream = x, WEIR_CONTINUE; };
  World world(&s);
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
  EXPECT_EQ(api().inject(stream, WEIR_RESPONSE, View("ping")), WEIR_OK);
  world.Turn();
  world.Answer(0, "3\r\ntwo\r\n0\r\n\r\n");
  const std::string answer = world.Got(client);
  EXPECT_EQ(Body(answer), "3\r\none\r\n4\r\nping\r\n3\r\ntwo\r\n0\r\n\r\n");
}

TEST(Inject, BytesBetweenTheHooksReachAnHttp2ClientAndItsWindowBoundsThem) {
  FilterScript s;
  weir_stream* stream = nullptr;
  s.response_headers = [&](weir_stream* x, bool) { return stream = x, WEIR_CONTINUE; };
  H2World world(kH2, "", "", "", {&s});
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1));
  H2Far& back = world.Back(0);
  world.Say(back, H2World::Response(back, 1, "200", false));
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(api().inject(stream, WEIR_RESPONSE, View("ping")), WEIR_OK);
  world.Turn();
  world.Collect();
  EXPECT_EQ(client.Body(1), "ping");
  // The client takes 64 KiB; what is beyond waits here, and is bounded.
  const std::string piece(100'000, 'x');
  int32_t status = WEIR_OK;
  int pieces = 0;
  while (status == WEIR_OK && pieces < 100) {
    status = api().inject(stream, WEIR_RESPONSE, View(piece));
    world.Turn();
    world.Collect();
    ++pieces;
  }
  EXPECT_EQ(status, WEIR_NO_ROOM);
  EXPECT_LT(pieces, 6);
  world.Say(back, h2::wire::Data(1, "", true));
  world.Say(client, h2::wire::WindowUpdate(1, 1'000'000) + h2::wire::WindowUpdate(0, 1'000'000));
  EXPECT_EQ(client.Body(1).size(), 4 + 100'000u * static_cast<unsigned>(pieces - 1));
  EXPECT_TRUE(client.Ended(1));
}

TEST(Inject, BytesReachTheBackend) {
  for (const auto backends : {kH1, kH2}) {
    Handle h(WEIR_CONTINUE);
    H2World world(backends, "", "", "", {&h.script});
    H2Far& client = world.Connect();
    world.Say(client, H2World::Request(client, 1, false, "POST"));
    if (backends == kH2) world.Back(0);
    EXPECT_EQ(api().inject(h.stream, WEIR_REQUEST, View("mine ")), WEIR_OK);
    world.Turn();
    world.Say(client, h2::wire::Data(1, "theirs", true));
    if (backends == kH1) {
      EXPECT_EQ(Body(world.backend(0).Written()), "5\r\nmine \r\n6\r\ntheirs\r\n0\r\n\r\n");
      world.Answer(0, kOk);
    } else {
      H2Far& back = world.Back(0);
      EXPECT_EQ(back.Body(1), "mine theirs");
      EXPECT_TRUE(back.Ended(1));
      world.Say(back, H2World::Response(back, 1, "200", true));
    }
    EXPECT_EQ(client.Field(1, ":status"), "200");
    EXPECT_EQ(api().inject(h.stream, WEIR_REQUEST, View("late")), WEIR_REFUSED);
  }
}

// ---- Trailers of a filter's own

FilterScript Summer() {
  FilterScript s;
  s.request_data = [](weir_stream* x, bool end) {
    if (!end) return WEIR_CONTINUE;
    EXPECT_EQ(api().add_trailers(x, WEIR_REQUEST_TRAILERS), WEIR_OK);
    EXPECT_EQ(api().add(x, WEIR_REQUEST_TRAILERS, View("x-sum"), View("1")), WEIR_OK);
    return WEIR_CONTINUE;
  };
  s.response_data = [](weir_stream* x, bool end) {
    if (!end) return WEIR_CONTINUE;
    EXPECT_EQ(api().add_trailers(x, WEIR_RESPONSE_TRAILERS), WEIR_OK);
    EXPECT_EQ(api().add(x, WEIR_RESPONSE_TRAILERS, View("x-sum"), View("2")), WEIR_OK);
    return WEIR_CONTINUE;
  };
  return s;
}

TEST(AddTrailers, AreOnTheWireOfHttp1) {
  FilterScript s = Summer();
  World world(&s, "http_protocol_options: { enable_trailers: true }");
  Client& client = world.Connect();
  world.Send(client,
             "POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\n"
             "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
  EXPECT_EQ(Body(world.backend(0).Written()), "2\r\nab\r\n0\r\nx-sum: 1\r\n\r\n");
  world.Answer(0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
  EXPECT_EQ(Body(world.Got(client)), "2\r\nok\r\n0\r\nx-sum: 2\r\n\r\n");
}

TEST(AddTrailers, AreOnTheWireOfHttp2) {
  FilterScript s = Summer();
  H2World world(kH2, "", "", "", {&s});
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1, false, "POST"));
  H2Far& back = world.Back(0);
  world.Say(client, h2::wire::Data(1, "ab", true));
  EXPECT_EQ(back.Body(1), "ab");
  EXPECT_EQ(back.Field(1, "x-sum"), "1");
  EXPECT_TRUE(back.Ended(1));
  world.Say(back, H2World::Response(back, 1, "200", false) + h2::wire::Data(1, "ok", true));
  EXPECT_EQ(client.Body(1), "ok");
  EXPECT_EQ(client.Field(1, "x-sum"), "2");
  EXPECT_TRUE(client.Ended(1));
}

// The client was told a length, and is not to take trailers for the next answer.
TEST(AddTrailers, ComeToNothingBehindAnAnnouncedLengthOfHttp1) {
  FilterScript s = Summer();
  s.request_data = nullptr;
  World world(&s, "http_protocol_options: { enable_trailers: true }");
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, kOk);
  const std::string answer = world.Got(client);
  EXPECT_EQ(Body(answer), "ok");
  world.Send(client, kGet);
  world.Answer(0, kOk);
  EXPECT_TRUE(HasStatus(world.Got(client), "200"));
}

}  // namespace
}  // namespace weir::hcm
