// The connection manager with filters that stop, buffer, answer and edit: what the chain's own
// tests cannot show, for there no codec, route or backend stands behind it. The known ways to get a
// filter chain wrong have their numbers from tests/README.md.

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "filters/network/http_connection_manager/stream.h"
#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

namespace weir::hcm {
namespace {

using test::FilterScript;

const weir_http_api& api() {
  return *http::HttpFilterHostTable();
}

weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

int32_t LocalReply(weir_stream* stream, uint32_t status, std::string_view body = {}) {
  return api().local_reply(stream, status, View(body), nullptr, 0, View("scripted"));
}

std::string Attribute(weir_stream* stream, uint32_t id) {
  weir_view value{};
  api().attribute(stream, id, &value);
  return value.data == nullptr ? "" : std::string(value.data, value.size);
}

std::string Body(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

bool HasStatus(const std::string& answer, const std::string& status) {
  return answer.rfind("HTTP/1.1 " + status + " ", 0) == 0;
}

constexpr char kPost[] = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
constexpr char kExpect[] =
    "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr char kUpgrade[] =
    "GET /t HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: e\r\n\r\n";
constexpr char kTunnels[] = "upgrade_configs: [{ upgrade_type: e }]";

// A world whose requests pass these filters.
class World : public HcmWorld {
 public:
  explicit World(const std::vector<FilterScript*>& scripts, const std::string& keys = "",
                 const std::string& routes = "")
      : HcmWorld(keys, routes, "", "", scripts) {}
};

// Holds the head and the body of requests until their end.
FilterScript Buffering() {
  FilterScript s;
  s.request_headers = [](weir_stream*, bool end) { return end ? WEIR_CONTINUE : WEIR_STOP; };
  s.request_data = [](weir_stream*, bool end) { return end ? WEIR_CONTINUE : WEIR_STOP; };
  return s;
}

// ---- What a filter's own answer says of its body

TEST(FiltersReply, ItsContentTypeIsTheOnlyOneAndGoesWithItsBody) {
  FilterScript s;
  s.request_headers = [](weir_stream* x, bool) {
    weir_field field{};
    field.name = "content-type";
    field.name_size = 12;
    field.value = "text/html";
    field.value_size = 9;
    field.token = WEIR_TOKEN_UNSET;
    api().local_reply(x, 403, View("<p>no"), &field, 1, View("scripted"));
    return WEIR_STOP_ALL;
  };
  World world({&s});
  std::string answer = world.Ask("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(FieldOf(answer, "content-type"), "text/html");
  EXPECT_EQ(answer.find("content-type"), answer.rfind("content-type")) << answer;
  World other({&s}, "local_reply_config: { body_format: { text_format: 'no' } }");
  answer = other.Ask("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(FieldOf(answer, "content-type"), "text/plain");
  EXPECT_EQ(Body(answer), "no");
}

// ---- Expect: 100-continue

TEST(ExpectContinue, AFilterThatWantsTheBodyFirstHasItAskedFor) {
  FilterScript s = Buffering();
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, kExpect);
  EXPECT_EQ(world.Got(client), kContinue) << "the backend, whose word it would be, has no head";
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  world.Send(client, "ab");
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  world.Send(client, "cd");
  const std::string asked = world.backend(0).Written();
  EXPECT_EQ(FieldOf(asked, "expect"), "(none)") << "it was answered";
  EXPECT_EQ(Body(asked), "abcd");
  // A backend that says it all the same says it to nobody: the client has one.
  world.Answer(0, std::string(kContinue) + kOk);
  EXPECT_TRUE(HasStatus(world.Got(client), "200"));
}

TEST(ExpectContinue, AnsweredHereItIsAnsweredOnceWhateverTheFilterDoes) {
  FilterScript s = Buffering();
  World world({&s}, "proxy_100_continue: false");
  Client& client = world.Connect();
  world.Send(client, kExpect);
  EXPECT_EQ(world.Got(client), kContinue);
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  world.Send(client, "abcd");
  EXPECT_EQ(world.Got(client), "");
  const std::string asked = world.backend(0).Written();
  EXPECT_EQ(FieldOf(asked, "expect"), "(none)");
  EXPECT_EQ(Body(asked), "abcd");
  world.Answer(0, kOk);
  EXPECT_TRUE(HasStatus(world.Got(client), "200"));
}

TEST(ExpectContinue, AHeadThatIsHeldUntilAResumeIsAnsweredHereToo) {
  for (const char* keys : {"proxy_100_continue: false", "proxy_100_continue: true"}) {
    FilterScript s;
    weir_ticket ticket{};
    s.request_headers = [&](weir_stream* x, bool) {
      ticket = api().ticket(x);
      return WEIR_STOP_ALL;
    };
    World world({&s}, keys);
    Client& client = world.Connect();
    world.Send(client, kExpect);
    EXPECT_EQ(world.Got(client), kContinue) << keys;
    world.Send(client, "abcd");
    EXPECT_EQ(world.worker.dialer.count(), 0u) << keys;
    EXPECT_EQ(api().resume(ticket, WEIR_REQUEST), WEIR_OK);
    world.Turn();
    const std::string asked = world.backend(0).Written();
    EXPECT_EQ(FieldOf(asked, "expect"), "(none)") << keys;
    EXPECT_EQ(Body(asked), "abcd") << keys;
    world.Answer(0, kOk);
    EXPECT_TRUE(HasStatus(world.Got(client), "200")) << keys;
  }
}

// The client must be free to keep its body to itself.
TEST(ExpectContinue, AFilterThatRefusesTheHeadIsTheOnlyAnswer) {
  FilterScript s = Buffering();
  s.request_headers = [](weir_stream* x, bool) { return LocalReply(x, 403), WEIR_STOP; };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, kExpect);
  EXPECT_TRUE(HasStatus(world.Got(client), "403"));
  EXPECT_EQ(world.worker.dialer.count(), 0u);
}

TEST(ExpectContinue, AFilterThatLetsTheHeadPassLeavesItToTheBackend) {
  FilterScript s = Buffering();
  s.request_headers = nullptr;
  s.request_data = [](weir_stream*, bool) { return WEIR_CONTINUE; };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, kExpect);
  EXPECT_EQ(world.Got(client), "");
  EXPECT_EQ(FieldOf(world.backend(0).Written(), "expect"), "100-continue");
  world.Answer(0, "HTTP/1.1 417 No\r\ncontent-length: 0\r\n\r\n");
  EXPECT_TRUE(HasStatus(world.Got(client), "417"));
}

// ---- Watermarks

TEST(StreamFilters, AFilterThatPausesARequestHoldsTheClientUntilItResumes) {
  FilterScript s;
  weir_ticket ticket{};
  bool hold = true;
  s.request_data = [&](weir_stream* x, bool) {
    ticket = api().ticket(x);
    return hold ? WEIR_STOP_WATERMARK : WEIR_CONTINUE;
  };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4000000\r\n\r\n");
  for (int i = 0; i < 40; ++i) world.Send(client, std::string(100'000, 'x'));
  EXPECT_GT(client.peer.to_read.size(), 1'000'000u);
  EXPECT_EQ(Body(world.backend(0).Written()), "");
  hold = false;
  EXPECT_EQ(api().resume(ticket, WEIR_REQUEST), WEIR_OK);
  for (int i = 0; i < 40; ++i) world.Turn();
  EXPECT_EQ(client.peer.to_read.size(), 0u);
  EXPECT_EQ(world.backend(0).Written(), std::string(4'000'000, 'x'));
  world.Answer(0, kOk);
  EXPECT_TRUE(HasStatus(world.Got(client), "200"));
  EXPECT_GE(world.Stat("downstream_flow_control_paused_reading_total"), 1u);
  EXPECT_EQ(world.Stat("downstream_flow_control_paused_reading_total"),
            world.Stat("downstream_flow_control_resumed_reading_total"));
}

TEST(StreamFilters, AFilterThatPausesAResponseHoldsTheBackendUntilItResumes) {
  FilterScript s;
  weir_ticket ticket{};
  bool hold = true;
  s.response_headers = [&](weir_stream*, bool) { return WEIR_STOP; };
  s.response_data = [&](weir_stream* x, bool) {
    ticket = api().ticket(x);
    return hold ? WEIR_STOP_WATERMARK : WEIR_CONTINUE;
  };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.backend(0).Send("HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 4000000\r\n\r\n");
  for (int i = 0; i < 40; ++i) {
    world.backend(0).Send(std::string(100'000, 'y'));
    world.Turn();
  }
  EXPECT_GT(world.backend(0).peer.to_read.size(), 1'000'000u);
  EXPECT_EQ(world.Got(client), "");
  hold = false;
  EXPECT_EQ(api().resume(ticket, WEIR_RESPONSE), WEIR_OK);
  for (int i = 0; i < 40; ++i) world.Turn();
  EXPECT_EQ(world.backend(0).peer.to_read.size(), 0u);
  const std::string got = world.Got(client);
  EXPECT_EQ(FieldOf(got, "x-a"), "b");
  EXPECT_EQ(Body(got), std::string(4'000'000, 'y'));
}

// ---- The known ways to get this wrong

TEST(StreamFilters, Pitfall5WhatComesAfterAResetReachesNoHook) {
  FilterScript s;
  int hooks = 0, completed = 0;
  s.request_data = [&](weir_stream* x, bool) {
    ++hooks;
    EXPECT_EQ(api().reset(x), WEIR_OK);
    return WEIR_STOP;
  };
  s.request_trailers = [&](weir_stream*) { return ++hooks, WEIR_CONTINUE; };
  s.response_headers = [&](weir_stream*, bool) { return ++hooks, WEIR_CONTINUE; };
  s.complete = [&](weir_stream*) { ++completed; };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, std::string(kPost) + "2\r\nab\r\n2\r\ncd\r\n0\r\nx-t: 1\r\n\r\n");
  EXPECT_EQ(hooks, 1);
  EXPECT_EQ(completed, 1);
  EXPECT_EQ(world.Got(client), "");
  EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
}

TEST(StreamFilters, Pitfall6AnOverflowingResponseIsReplacedWhole) {
  FilterScript s;
  int heads = 0;
  std::string held;
  s.response_headers = [&](weir_stream*, bool) { return ++heads, WEIR_STOP; };
  s.response_data = [&](weir_stream* x, bool) {
    weir_view value{};
    EXPECT_EQ(api().get(x, WEIR_RESPONSE, View("x-of-the-backend"), 0, &value), WEIR_OK);
    held.assign(value.data, value.size);
    return WEIR_STOP;
  };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.backend(0).Send(
      "HTTP/1.1 200 OK\r\nx-of-the-backend: secret\r\ncontent-length: 9000000\r\n\r\n");
  for (int i = 0; i < 40 && !world.backend(0).peer.closed; ++i) {
    world.backend(0).Send(std::string(100'000, 'x'));
    world.Turn();
  }
  const std::string got = world.Got(client);
  EXPECT_TRUE(HasStatus(got, "500")) << got.substr(0, 200);
  EXPECT_EQ(FieldOf(got, "x-of-the-backend"), "(none)");
  EXPECT_EQ(Body(got).find('x'), std::string::npos);
  EXPECT_EQ(held, "secret");
  EXPECT_EQ(heads, 1) << "the filters had their say";
  EXPECT_EQ(world.Stat("rs_too_large"), 1u);
  EXPECT_TRUE(world.backend(0).peer.closed);
}

// What one filter allowed is what is done: the route is looked up once, before the filters, and no
// call looks it up again.
TEST(StreamFilters, Pitfall7AnEditedStartLineOpensNoOtherRoute) {
  const std::string routes =
      "[{ match: { prefix: /admin }, name: admin, direct_response: { status: 200, body: "
      "{ inline_string: secret } } }, { match: { prefix: / }, name: open, route: { cluster: app } "
      "}]";
  FilterScript guard, editor;
  std::vector<std::string> seen;
  guard.request_headers = [&](weir_stream* x, bool) {
    seen.push_back(Attribute(x, WEIR_ATTR_ROUTE));
    return WEIR_CONTINUE;
  };
  editor.request_headers = [&](weir_stream* x, bool) {
    EXPECT_EQ(api().set_start(x, View(":path"), View("/admin/keys")), WEIR_OK);
    EXPECT_EQ(api().set_start(x, View(":authority"), View("internal.example")), WEIR_OK);
    seen.push_back(Attribute(x, WEIR_ATTR_ROUTE));
    return WEIR_CONTINUE;
  };
  editor.response_headers = [&](weir_stream* x, bool) {
    EXPECT_EQ(api().set_start(x, View(":path"), View("/late")), WEIR_REFUSED);
    seen.push_back(Attribute(x, WEIR_ATTR_ROUTE));
    return WEIR_CONTINUE;
  };
  World world({&guard, &editor}, "", routes);
  Client& client = world.Connect();
  world.Send(client, kGet);
  ASSERT_EQ(world.worker.dialer.count(), 1u) << "it stays on the route that the guard saw";
  world.Answer(0, kOk);
  EXPECT_EQ(Body(world.Got(client)), "ok");
  EXPECT_EQ(seen, (std::vector<std::string>{"open", "open", "open"}));
}

TEST(StreamFilters, APathOfAFilterGoesByTheConnectionManagersRules) {
  FilterScript s;
  s.request_headers = [](weir_stream* x, bool) {
    EXPECT_EQ(api().set_start(x, View(":path"), View("/a/%2e%2e//b")), WEIR_OK);
    EXPECT_EQ(api().set_start(x, View(":path"), View("/a%2fb")), WEIR_REFUSED);
    return WEIR_CONTINUE;
  };
  for (const bool merge : {true, false}) {
    World world({&s}, merge ? "" : "merge_slashes: false");
    Client& client = world.Connect();
    world.Send(client, kGet);
    const std::string asked = world.backend(0).Written();
    EXPECT_EQ(asked.rfind(merge ? "GET /b HTTP/1.1\r\n" : "GET //b HTTP/1.1\r\n", 0), 0u) << asked;
    world.Answer(0, kOk);
  }
}

TEST(StreamFilters, Pitfall8TheBackendOfTheChosenRouteGetsTheEditedPath) {
  FilterScript s;
  s.request_headers = [](weir_stream* x, bool) {
    EXPECT_EQ(api().set_start(x, View(":path"), View("/new?q=1")), WEIR_OK);
    EXPECT_EQ(api().set_start(x, View(":authority"), View("new.example")), WEIR_OK);
    return WEIR_CONTINUE;
  };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, kGet);
  const std::string asked = world.backend(0).Written();
  EXPECT_EQ(asked.rfind("GET /new?q=1 HTTP/1.1\r\n", 0), 0u) << asked;
  EXPECT_EQ(FieldOf(asked, "host"), "new.example");
  world.Answer(0, kOk);
}

// A rewrite replaces what the route matched. A filter may have put another path there, shorter than
// the prefix even.
TEST(StreamFilters, Pitfall8ARewriteOfAnEditedPathNeedsThePrefixOfItsRoute) {
  const std::string match = "[{ match: { prefix: /long/prefix/ }, ";
  const std::string forward = match + "route: { cluster: app, prefix_rewrite: /v2/ } }]";
  const std::string redirect = match + "redirect: { prefix_rewrite: /v2/ } }]";
  const char* const request = "GET /long/prefix/a HTTP/1.1\r\nhost: a\r\n\r\n";
  std::string path;
  FilterScript s;
  s.request_headers = [&](weir_stream* x, bool) {
    EXPECT_EQ(api().set_start(x, View(":path"), View(path)), WEIR_OK);
    return WEIR_CONTINUE;
  };
  for (const char* other : {"/", "/x", "/another/path/a", "/long/prefiX/a", "/?/long/prefix/"}) {
    path = other;
    World to_backend({&s}, "", forward);
    EXPECT_TRUE(HasStatus(to_backend.Ask(request), "400")) << path;
    for (size_t i = 0; i < to_backend.worker.dialer.count(); ++i)
      EXPECT_EQ(to_backend.backend(i).Written(), "") << path;
    World to_client({&s}, "", redirect);
    EXPECT_TRUE(HasStatus(to_client.Ask(request), "400")) << path;
  }
  path = "/long/prefix/b?q";
  World world({&s}, "", forward);
  world.Ask(request);
  EXPECT_EQ(world.backend(0).Written().rfind("GET /v2/b?q HTTP/1.1\r\n", 0), 0u);
}

TEST(StreamFilters, Pitfall9AFiltersOwnAnswerPassesItsResponseHookOnceAndLater) {
  FilterScript s;
  bool inside = false;
  int answers = 0;
  s.request_headers = [&](weir_stream* x, bool) {
    inside = true;
    EXPECT_EQ(LocalReply(x, 403, "no"), WEIR_OK);
    EXPECT_EQ(LocalReply(x, 200, "yes"), WEIR_OK) << "the first one counts";
    inside = false;
    return WEIR_CONTINUE;
  };
  s.response_headers = [&](weir_stream* x, bool) {
    EXPECT_FALSE(inside);
    EXPECT_EQ(api().status(x), 403u);
    EXPECT_EQ(LocalReply(x, 500, "again"), WEIR_OK);
    api().set(x, WEIR_RESPONSE, View("x-answer"), View("mine"));
    return ++answers, WEIR_CONTINUE;
  };
  World world({&s});
  const std::string got = world.Ask(kGet);
  EXPECT_TRUE(HasStatus(got, "403")) << got;
  EXPECT_EQ(FieldOf(got, "x-answer"), "mine");
  EXPECT_EQ(Body(got), "no");
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(world.worker.dialer.count(), 0u);
}

// An answer that waits for its turn is not sent behind another one that came first.
TEST(StreamFilters, Pitfall9AnAnswerThatCameTooLateIsNoSecondOne) {
  FilterScript s;
  weir_stream* stream = nullptr;
  s.request_headers = [&](weir_stream* x, bool) { return stream = x, WEIR_CONTINUE; };
  World world({&s}, "",
              "[{ match: { prefix: / }, route: { cluster: app }, max_request_bytes: 10 }]");
  Client& client = world.Connect();
  world.Send(client, kPost);
  EXPECT_EQ(LocalReply(stream, 403, "late"), WEIR_OK);
  world.Send(client, "b\r\nhello world\r\n");
  const std::string got = world.Got(client);
  EXPECT_TRUE(HasStatus(got, "413")) << got;
  EXPECT_EQ(got.find("403"), std::string::npos);
  EXPECT_EQ(world.Stat("downstream_rq_tx_reset"), 0u);
  EXPECT_EQ(world.Stat("downstream_rq_completed"), 1u);
}

// While a filter is made there may be later ones that are not yet: nothing it asks for may call
// them, and no request may pass the one that refused it.
TEST(StreamFilters, Pitfall10WhatIsAskedForWhileFiltersAreMadeWaitsUntilAllAre) {
  FilterScript first, second;
  std::string log;
  first.create = [&](weir_stream* x) {
    log += "make1 ";
    EXPECT_EQ(api().resume(api().ticket(x), WEIR_REQUEST), WEIR_REFUSED);
    EXPECT_EQ(api().body_append(x, WEIR_RESPONSE, View("x")), WEIR_REFUSED);
    EXPECT_EQ(LocalReply(x, 403, "no"), WEIR_OK);
    return WEIR_OK;
  };
  first.complete = [&](weir_stream*) { log += "end1"; };
  second.create = [&](weir_stream*) { return log += "make2 ", WEIR_OK; };
  second.request_headers = [&](weir_stream*, bool) { return log += "request ", WEIR_CONTINUE; };
  second.response_headers = [&](weir_stream*, bool) { return log += "response ", WEIR_CONTINUE; };
  World world({&first, &second});
  const std::string got = world.Ask(kGet);
  EXPECT_TRUE(HasStatus(got, "403")) << got;
  EXPECT_EQ(log, "make1 make2 response end1");
  EXPECT_EQ(world.worker.dialer.count(), 0u) << "the request was refused";
}

TEST(StreamFilters, Pitfall10AResetAskedForWhileAFilterIsMadeReachesNobody) {
  FilterScript s;
  int hooks = 0;
  s.create = [](weir_stream* x) { return api().reset(x); };
  s.request_headers = [&](weir_stream*, bool) { return ++hooks, WEIR_CONTINUE; };
  World world({&s});
  EXPECT_EQ(world.Ask(kGet), "");
  EXPECT_EQ(hooks, 0);
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  EXPECT_EQ(world.Stat("downstream_rq_tx_reset"), 1u);
}

// There is no call that runs a request again. The Mux does by itself, behind the filters.
TEST(StreamFilters, Pitfall13ARequestThatIsSentAgainPassesTheFiltersOnce) {
  FilterScript s;
  int requests = 0, bodies = 0;
  s.request_headers = [&](weir_stream* x, bool) {
    api().add(x, WEIR_REQUEST, View("x-count"), View("1"));
    return ++requests, WEIR_CONTINUE;
  };
  s.request_data = [&](weir_stream*, bool) { return ++bodies, WEIR_CONTINUE; };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, kOk);
  world.Got(client);
  world.backend(0).Written();
  requests = bodies = 0;
  world.Send(client, "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi");
  world.backend(0).Fin();
  world.Turn();
  ASSERT_EQ(world.worker.dialer.count(), 2u);
  const std::string again = world.backend(1).Written();
  EXPECT_EQ(FieldOf(again, "x-count"), "1");
  EXPECT_EQ(Body(again), "hi");
  world.Answer(1, kOk);
  EXPECT_EQ(Body(world.Got(client)), "ok");
  EXPECT_EQ(requests, 1);
  EXPECT_EQ(bodies, 1);
}

TEST(StreamFilters, Pitfall14AFilterThatWaitsForTheEndOfATunnelEndsWithItsTime) {
  FilterScript s = Buffering();
  World world({&s}, std::string(kTunnels) + "\nstream_idle_timeout: 5s");
  Client& client = world.Connect();
  world.Send(client, kUpgrade);
  world.Send(client, "early bytes");
  EXPECT_EQ(world.Got(client), "");
  world.Pass(5'100);
  EXPECT_TRUE(HasStatus(world.Got(client), "408"));
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  EXPECT_EQ(world.Stat("downstream_cx_upgrades_total"), 0u);
}

TEST(StreamFilters, Pitfall14ATunnelThatAFilterHoldsIsNotReadUntilItOpens) {
  FilterScript s = Buffering();
  World world({&s}, kTunnels);
  Client& client = world.Connect();
  world.Send(client, kUpgrade);
  for (int i = 0; i < 40; ++i) world.Send(client, std::string(100'000, 'x'));
  EXPECT_EQ(world.Got(client), "");
  EXPECT_GT(client.peer.to_read.size(), 3'000'000u);
  EXPECT_LT(world.worker.slabs.pinned_bytes(), 1'000'000u);
}

TEST(StreamFilters, Pitfall14ATunnelThatAFilterBuffersIsCutAtItsLimit) {
  FilterScript s;
  s.request_data = [](weir_stream*, bool end) { return end ? WEIR_CONTINUE : WEIR_STOP; };
  World world({&s}, kTunnels);
  Client& client = world.Connect();
  world.Send(client, kUpgrade);
  world.Answer(0, "HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: e\r\n\r\nhello");
  EXPECT_EQ(Body(world.Got(client)), "hello");
  world.backend(0).Written();
  for (int i = 0; i < 40 && !client.peer.shut; ++i) world.Send(client, std::string(100'000, 'x'));
  EXPECT_TRUE(client.peer.shut);
  EXPECT_EQ(world.backend(0).Written(), "");
  EXPECT_TRUE(world.backend(0).peer.closed);
  EXPECT_EQ(world.Got(client), "") << "no answer belongs into a tunnel";
  EXPECT_EQ(world.Stat("downstream_rq_too_large"), 1u);
  world.Pass(1'100);
  EXPECT_TRUE(client.peer.closed);
  EXPECT_EQ(world.Stat("downstream_cx_upgrades_active"), 0u);
}

// A lean chain for tunnels: their route goes without the filter.
TEST(StreamFilters, Pitfall14ATunnelsRouteCanDoWithoutABufferingFilter) {
  FilterScript s = Buffering();
  World world(
      {&s}, kTunnels,
      "[{ match: { prefix: /t }, route: { cluster: app }, typed_per_filter_config: "
      "{ script_0: { disabled: true } } }, { match: { prefix: / }, route: { cluster: app } }]");
  Client& client = world.Connect();
  world.Send(client, kUpgrade);
  world.Answer(0, "HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: e\r\n\r\nhello");
  EXPECT_EQ(Body(world.Got(client)), "hello");
  world.backend(0).Written();
  world.Send(client, "hi");
  EXPECT_EQ(world.backend(0).Written(), "hi");
}

TEST(StreamFilters, Pitfall14ATunnelPassesFiltersThatLookAtHeadsOnly) {
  FilterScript s;
  int hooks = 0;
  s.request_headers = s.response_headers = [&](weir_stream*, bool end) {
    EXPECT_FALSE(end);
    return ++hooks, WEIR_CONTINUE;
  };
  World world({&s}, kTunnels);
  Client& client = world.Connect();
  world.Send(client, kUpgrade);
  world.Answer(0, "HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: e\r\n\r\nhello");
  EXPECT_EQ(Body(world.Got(client)), "hello");
  world.backend(0).Written();
  world.Send(client, "hi");
  EXPECT_EQ(world.backend(0).Written(), "hi");
  EXPECT_EQ(hooks, 2);
}

TEST(StreamFilters, Pitfall15NoFilterCanTakeTheStartLineAway) {
  FilterScript s;
  s.request_headers = [](weir_stream* x, bool) {
    for (const char* name : {":path", ":method", ":authority", ":scheme", "host"}) {
      EXPECT_EQ(api().remove(x, WEIR_REQUEST, View(name)), WEIR_REFUSED) << name;
      EXPECT_EQ(api().set(x, WEIR_REQUEST, View(name), View("")), WEIR_REFUSED) << name;
      EXPECT_EQ(api().set_start(x, View(name), View("")), WEIR_REFUSED) << name;
    }
    EXPECT_EQ(api().set_start(x, View(":method"), View("DELETE")), WEIR_REFUSED);
    return WEIR_CONTINUE;
  };
  s.response_headers = [](weir_stream* x, bool) {
    EXPECT_EQ(api().remove(x, WEIR_RESPONSE, View(":status")), WEIR_REFUSED);
    EXPECT_EQ(api().set_status(x, 0), WEIR_REFUSED);
    return WEIR_CONTINUE;
  };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, "GET /p HTTP/1.1\r\nhost: a.example\r\n\r\n");
  const std::string asked = world.backend(0).Written();
  EXPECT_EQ(asked.rfind("GET /p HTTP/1.1\r\n", 0), 0u) << asked;
  EXPECT_EQ(FieldOf(asked, "host"), "a.example");
  world.Answer(0, kOk);
  EXPECT_TRUE(HasStatus(world.Got(client), "200"));
}

TEST(StreamFilters, Pitfall16AFilterSeesEveryValueByItself) {
  FilterScript s;
  std::vector<std::string> values;
  s.request_headers = [&](weir_stream* x, bool) {
    weir_view value{};
    for (uint32_t i = 0; api().get(x, WEIR_REQUEST, View("x-role"), i, &value) == WEIR_OK; ++i)
      values.emplace_back(value.data, value.size);
    EXPECT_EQ(api().remove(x, WEIR_REQUEST, View("x-role")), 3) << "none may stay behind";
    return WEIR_CONTINUE;
  };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client,
             "GET / HTTP/1.1\r\nhost: a\r\nx-role: user\r\nx-other: 1\r\nX-Role: root\r\n"
             "x-role: a,b\r\n\r\n");
  EXPECT_EQ(values, (std::vector<std::string>{"user", "root", "a,b"}));
  EXPECT_EQ(FieldOf(world.backend(0).Written(), "x-role"), "(none)");
  world.Answer(0, kOk);
}

// ---- The head of an answer that has gone

std::string FieldSeen(weir_stream* stream, uint32_t which, std::string_view name) {
  weir_view value{};
  if (api().get(stream, which, View(name), 0, &value) != WEIR_OK) return "(none)";
  return std::string(value.data, value.size);
}

TEST(StreamFilters, TheHeadOfAnAnswerIsTheFiltersAfterItWasSentToo) {
  FilterScript s;
  std::vector<std::string> seen;
  s.response_data = [&](weir_stream* x, bool) {
    seen.push_back(FieldSeen(x, WEIR_RESPONSE, "x-mark"));
    return WEIR_CONTINUE;
  };
  s.response_trailers = [&](weir_stream* x) {
    seen.push_back(FieldSeen(x, WEIR_RESPONSE, "x-mark"));
    return WEIR_CONTINUE;
  };
  s.complete = [&](weir_stream* x) { seen.push_back(FieldSeen(x, WEIR_RESPONSE, "x-mark")); };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, "HTTP/1.1 200 OK\r\nx-mark: the head's\r\ntransfer-encoding: chunked\r\n\r\n");
  const std::string piece = "80\r\n" + std::string(128, 'x') + "\r\n";
  world.Answer(0, piece);
  world.Answer(0, piece);
  world.Answer(0, "0\r\nx-trailer: " + std::string(200, 'y') + "\r\n\r\n");
  EXPECT_TRUE(HasStatus(world.Got(client), "200"));
  EXPECT_EQ(seen, std::vector<std::string>(seen.size(), "the head's"));
  EXPECT_EQ(seen.size(), 4u);
}

TEST(StreamFilters, AnInterimAnswerIsGoneOnceItWasSent) {
  FilterScript s;
  std::vector<std::string> seen;
  s.response_interim = [&](weir_stream* x) {
    seen.push_back(FieldSeen(x, WEIR_RESPONSE, "link"));
    return WEIR_CONTINUE;
  };
  s.request_data = [&](weir_stream* x, bool) {
    seen.push_back(FieldSeen(x, WEIR_RESPONSE, "link"));
    return WEIR_CONTINUE;
  };
  World world({&s});
  Client& client = world.Connect();
  world.Send(client, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n");
  world.Answer(0, "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n");
  EXPECT_TRUE(HasStatus(world.Got(client), "103"));
  world.Send(client, "abcd");
  EXPECT_EQ(seen, (std::vector<std::string>{"</a.css>", "(none)"}));
  world.Answer(0, kOk);
  EXPECT_TRUE(HasStatus(world.Got(client), "200"));
}

}  // namespace
}  // namespace weir::hcm
