// Call-outs of plugins, through the Mux to backends that the test plays.

#include "core/http/callout.h"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/http/callout_set.h"
#include "filters/http/mux/mux.h"
#include "tests/unit/codecs/h2/h2_peer.h"
#include "tests/unit/codecs/h2/h2_wire.h"
#include "tests/unit/core/upstream/fake_worker.h"

namespace weir::http {
namespace {

const weir_callout_api& api() {
  return *CalloutHostTable();
}

// What a plugin keeps of one call-out: its hooks are written down, "200 [body] end:0".
struct Caller {
  std::string log;
  weir_callout* callout = nullptr;
  bool inside = false;  // of one of the host's functions
  std::function<void()> on_head;
  std::function<void()> on_data;
  std::function<void()> on_complete;

  void Note(const std::string& what) {
    EXPECT_FALSE(inside) << "no hook runs inside of start, send or cancel";
    log += (log.empty() ? "" : " ") + what;
  }
  static weir_callout_hooks Hooks() {
    weir_callout_hooks hooks{};
    hooks.struct_size = sizeof hooks;
    hooks.head = [](void* user, const weir_head* head, uint32_t end) {
      auto* caller = static_cast<Caller*>(user);
      caller->Note(std::to_string(head->status) + (end != 0 ? "!" : ""));
      if (caller->on_head) caller->on_head();
    };
    hooks.data = [](void* user, weir_view data, uint32_t end) {
      auto* caller = static_cast<Caller*>(user);
      caller->Note("[" + std::string(data.data == nullptr ? "" : data.data, data.size) + "]" +
                   (end != 0 ? "!" : ""));
      if (caller->on_data) caller->on_data();
    };
    hooks.trailers = [](void* user, const weir_head* trailers) {
      static_cast<Caller*>(user)->Note("trailers:" + std::to_string(trailers->field_count));
    };
    hooks.complete = [](void* user, uint32_t reason) {
      auto* caller = static_cast<Caller*>(user);
      caller->Note("end:" + std::to_string(reason));
      if (caller->on_complete) caller->on_complete();
    };
    return hooks;
  }
};

class CalloutTest : public testing::Test {
 protected:
  explicit CalloutTest(upstream::UpstreamCodec codec = test::H1Upstream(), int hosts = 1) {
    clusters_.push_back(test::TestCluster(hosts));
    const auto stats = observe::BindClusterStats(&worker_.registry, worker_.context.stats, "app");
    pools_.push_back(
        std::make_unique<upstream::Pool>(&worker_.context, &clusters_[0], codec, stats, 1));
    set_ = std::make_unique<CalloutSet>(&worker_.context, &mux_, &worker_.registry, clusters_);
  }
  // Whatever a test did: nothing is left of it.
  ~CalloutTest() override {
    set_->Stop();
    worker_.Turn();
    set_.reset();
    pools_.clear();
    worker_.Turn();
    EXPECT_EQ(worker_.Leftovers(), "");
    EXPECT_EQ(worker_.dialer.open(), 0u);
  }

  static weir_callout_request Request(const char* path = "/check") {
    weir_callout_request request{};
    request.struct_size = sizeof request;
    request.cluster = View(std::string_view("app"));
    request.path = View(std::string_view(path));
    return request;
  }
  Caller& Start(const weir_callout_request& request) {
    callers_.push_back(std::make_unique<Caller>());
    Caller& caller = *callers_.back();
    const weir_callout_hooks hooks = Caller::Hooks();
    caller.inside = true;
    caller.callout = api().start(&request, &hooks, &caller);
    caller.inside = false;
    return caller;
  }
  bool Starts(const weir_callout_request& request) {
    Caller& caller = Start(request);
    if (caller.callout == nullptr) return false;
    Cancel(caller);
    worker_.Turn();
    return true;
  }
  int32_t Send(Caller& caller, std::string_view data, bool end) {
    caller.inside = true;
    const int32_t status = api().send(caller.callout, View(data), end ? 1 : 0);
    caller.inside = false;
    return status;
  }
  void Cancel(Caller& caller) {
    caller.inside = true;
    api().cancel(caller.callout);
    caller.inside = false;
  }
  void Answer(size_t connection, const std::string& bytes) {
    at(connection).Send(bytes);
    worker_.Turn();
  }
  test::Dialled& at(size_t i) { return worker_.dialer.at(i); }
  uint64_t Stat(const std::string& name) { return worker_.Stat("callout." + name); }
  uint64_t ClusterStat(const std::string& name) { return worker_.Stat("cluster.app." + name); }

  test::FakeWorker worker_;
  std::vector<config::Cluster> clusters_;
  mux::Pools pools_;
  mux::Mux mux_{&pools_};
  std::unique_ptr<CalloutSet> set_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

constexpr char kOk[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

TEST_F(CalloutTest, AGetGoesOutInTheNextTurnAndItsAnswerComesInHooks) {
  Caller& caller = Start(Request());
  ASSERT_NE(caller.callout, nullptr);
  EXPECT_EQ(worker_.dialer.count(), 0u);
  worker_.Turn();
  const std::string asked = at(0).Written();
  EXPECT_EQ(asked.find("GET /check HTTP/1.1\r\n"), 0u) << asked;
  EXPECT_NE(asked.find("host: app\r\n"), std::string::npos) << asked;
  EXPECT_EQ(asked.find("content-length"), std::string::npos);
  EXPECT_EQ(asked.find("transfer-encoding"), std::string::npos);
  EXPECT_EQ(Stat("active"), 1u);
  Answer(0, kOk);
  EXPECT_EQ(caller.log, "200 [ok]! end:0");
  EXPECT_EQ(Stat("active"), 0u);
  EXPECT_EQ(Stat("total"), 1u);
  EXPECT_EQ(Stat("failed"), 0u);
  EXPECT_EQ(ClusterStat("upstream_rq_total"), 1u);
  EXPECT_EQ(ClusterStat("upstream_rq_completed"), 1u);
  EXPECT_EQ(ClusterStat("upstream_rq_2xx"), 1u);
  EXPECT_EQ(ClusterStat("upstream_rq_active"), 0u);
}

TEST_F(CalloutTest, EverythingIsCopied) {
  {
    std::string method = "POST", authority = "auth.example:81", path = "/p?q", name = "x-key",
                value = "secret", body = "payload", cluster = "app";
    weir_field field{};
    field.name = name.data();
    field.name_size = static_cast<uint16_t>(name.size());
    field.value = value.data();
    field.value_size = static_cast<uint32_t>(value.size());
    weir_callout_request request = Request();
    request.cluster = View(cluster);
    request.method = View(method);
    request.authority = View(authority);
    request.path = View(path);
    request.body = View(body);
    request.fields = &field;
    request.field_count = 1;
    Start(request);
    for (std::string* text : {&method, &authority, &path, &name, &value, &body, &cluster})
      text->assign(text->size(), '!');
  }
  worker_.Turn();
  const std::string asked = at(0).Written();
  EXPECT_EQ(asked.find("POST /p?q HTTP/1.1\r\n"), 0u) << asked;
  EXPECT_NE(asked.find("host: auth.example:81\r\n"), std::string::npos) << asked;
  EXPECT_NE(asked.find("x-key: secret\r\n"), std::string::npos) << asked;
  EXPECT_NE(asked.find("content-length: 7\r\n"), std::string::npos) << asked;
  EXPECT_EQ(asked.substr(asked.find("\r\n\r\n") + 4), "payload");
  Answer(0, kOk);
}

TEST_F(CalloutTest, WhatIsNotValidDoesNotStart) {
  const auto with = [&](auto&& change) {
    weir_callout_request request = Request();
    change(&request);
    return Starts(request);
  };
  EXPECT_TRUE(with([](auto*) {}));
  EXPECT_FALSE(with([](auto* r) { r->cluster = View(std::string_view("other")); }));
  EXPECT_FALSE(with([](auto* r) { r->cluster = {nullptr, 0}; }));
  for (const std::string_view path : {"", "relative", "/a b", "/a\r\nx: y", "/a#f", "http://h/"})
    EXPECT_FALSE(with([&](auto* r) { r->path = View(path); })) << path;
  for (const std::string_view method : {"CONNECT", "G T", "G\r\n"})
    EXPECT_FALSE(with([&](auto* r) { r->method = View(method); })) << method;
  for (const std::string_view authority : {"a b", "user@h", "h:0", "a\r\nb"})
    EXPECT_FALSE(with([&](auto* r) { r->authority = View(authority); })) << authority;
  EXPECT_FALSE(with([](auto* r) { r->scheme = View(std::string_view("ftp")); }));
  EXPECT_FALSE(with([](auto* r) { r->body = {nullptr, 5}; }));
  EXPECT_FALSE(with([](auto* r) { r->field_count = 1; }));
  for (const char* name : {"content-length", "transfer-encoding", "host", "connection", "te", "",
                           ":path", "Upper", "a b"}) {
    weir_field field{};
    field.name = name;
    field.name_size = static_cast<uint16_t>(std::string_view(name).size());
    field.value = "1";
    field.value_size = 1;
    EXPECT_FALSE(with([&](auto* r) {
      r->fields = &field;
      r->field_count = 1;
    })) << name;
  }
  weir_field bad{};
  bad.name = "x";
  bad.name_size = 1;
  bad.value = "a\r\nb";
  bad.value_size = 4;
  EXPECT_FALSE(with([&](auto* r) {
    r->fields = &bad;
    r->field_count = 1;
  }));
  const std::vector<weir_field> many(101, bad);
  EXPECT_FALSE(with([&](auto* r) {
    r->fields = many.data();
    r->field_count = 101;
  }));
  EXPECT_EQ(api().start(nullptr, nullptr, nullptr), nullptr);
  EXPECT_GT(Stat("refused"), 20u);
  EXPECT_EQ(Stat("active"), 0u);
}

TEST_F(CalloutTest, OnAThreadThatIsNoWorkerNothingStarts) {
  std::thread([] {
    const weir_callout_request request = Request();
    EXPECT_EQ(api().start(&request, nullptr, nullptr), nullptr);
    EXPECT_EQ(api().send(nullptr, {nullptr, 0}, 1), WEIR_REFUSED);
    api().cancel(nullptr);
  }).join();
}

TEST_F(CalloutTest, HooksThatAreNotWantedAreLeftOut) {
  const weir_callout_request request = Request();
  EXPECT_NE(api().start(&request, nullptr, nullptr), nullptr);
  worker_.Turn();
  Answer(0, kOk);
  EXPECT_EQ(Stat("active"), 0u);
}

TEST_F(CalloutTest, OfAStructThatIsOlderOnlyItsMembersAreRead) {
  weir_callout_request request = Request();
  request.struct_size = offsetof(weir_callout_request, timeout_ms);
  request.timeout_ms = 1;
  request.body = {nullptr, 77};
  EXPECT_NE(Start(request).callout, nullptr);
  worker_.Pass(100);
  EXPECT_EQ(Stat("timeout"), 0u);
}

TEST_F(CalloutTest, AnAnswerInPiecesAndWithTrailersIsGivenInPieces) {
  Caller& caller = Start(Request());
  worker_.Turn();
  Answer(0, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(caller.log, "200");
  Answer(0, "1\r\na\r\n");
  Answer(0, "2\r\nbc\r\n0\r\nx-sum: 1\r\n\r\n");
  EXPECT_EQ(caller.log, "200 [a] [bc] trailers:1 end:0");
}

TEST_F(CalloutTest, AnAnswerWithoutABodyEndsWithItsHead) {
  weir_callout_request request = Request();
  request.method = View(std::string_view("HEAD"));
  Caller& caller = Start(request);
  worker_.Turn();
  Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n");
  EXPECT_EQ(caller.log, "200! end:0");
  Caller& second = Start(Request());
  worker_.Turn();
  Answer(0, "HTTP/1.1 204 No\r\n\r\n");
  EXPECT_EQ(second.log, "204! end:0");
}

TEST_F(CalloutTest, TheTimeIsForAllOfIt) {
  weir_callout_request request = Request();
  request.timeout_ms = 100;
  Caller& caller = Start(request);
  worker_.Turn();
  worker_.Pass(60);
  Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\na");
  worker_.Pass(60);
  EXPECT_EQ(caller.log, "200 [a] end:" + std::to_string(WEIR_REASON_TIMEOUT));
  EXPECT_EQ(Stat("timeout"), 1u);
  EXPECT_EQ(Stat("active"), 0u);
  EXPECT_EQ(ClusterStat("upstream_rq_timeout"), 1u);
  EXPECT_TRUE(at(0).peer.closed) << "what comes late is nobody's";
}

TEST_F(CalloutTest, WithoutAWordTheTimeIsFifteenSeconds) {
  Caller& caller = Start(Request());
  worker_.Turn();
  worker_.Pass(14'900);
  EXPECT_EQ(caller.log, "");
  worker_.Pass(200);
  EXPECT_EQ(caller.log, "end:" + std::to_string(WEIR_REASON_TIMEOUT));
}

TEST_F(CalloutTest, ATooLargeAnswerEndsIt) {
  weir_callout_request request = Request();
  request.max_body_bytes = 4;
  Caller& caller = Start(request);
  worker_.Turn();
  Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcd");
  EXPECT_EQ(caller.log, "200 [abcd]");
  Answer(0, "e");
  EXPECT_EQ(caller.log, "200 [abcd] end:" + std::to_string(WEIR_REASON_OVERFLOW));
  EXPECT_EQ(Stat("failed"), 1u);
  EXPECT_TRUE(at(0).peer.closed);
}

TEST_F(CalloutTest, AHostThatCannotBeReachedRefuses) {
  worker_.dialer.at_once = false;
  Caller& caller = Start(Request());
  worker_.Turn();
  for (size_t i = 0; i < 10 && caller.log.empty(); ++i) {
    at(i).Refuse();
    worker_.Turn();
  }
  EXPECT_EQ(caller.log, "end:" + std::to_string(WEIR_REASON_REFUSED));
  EXPECT_EQ(Stat("failed"), 1u);
}

TEST_F(CalloutTest, ABackendThatBreaksOffIsToldApartFromAWholeAnswer) {
  Caller& cut = Start(Request());
  worker_.Turn();
  Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab");
  at(0).Fin();
  worker_.Turn();
  EXPECT_EQ(cut.log.rfind("200 [ab] end:", 0), 0u) << cut.log;
  EXPECT_NE(cut.log, "200 [ab] end:0");
  Caller& garbage = Start(Request());
  worker_.Turn();
  Answer(1, "no HTTP at all\r\n\r\n");
  EXPECT_EQ(garbage.log, "end:" + std::to_string(WEIR_REASON_PROTOCOL));
  EXPECT_EQ(Stat("active"), 0u);
}

TEST_F(CalloutTest, AConnectionThatDiedIdleIsReplaced) {
  Start(Request());
  worker_.Turn();
  Answer(0, kOk);
  Caller& second = Start(Request());
  worker_.Turn();
  ASSERT_EQ(worker_.dialer.count(), 1u);
  at(0).Fin();
  worker_.Turn();
  ASSERT_EQ(worker_.dialer.count(), 2u) << "a GET may be sent again";
  Answer(1, kOk);
  EXPECT_EQ(second.log, "200 [ok]! end:0");
}

// ---- Cancel

TEST_F(CalloutTest, CancelledAtAnyPointItTellsNothingMore) {
  for (int point = 0; point < 4; ++point) {
    Caller& caller = Start(Request());
    if (point > 0) worker_.Turn();
    const size_t last = worker_.dialer.count() - 1;
    if (point > 1) Answer(last, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
    if (point > 2) Answer(last, "ab");
    const std::string before = caller.log;
    Cancel(caller);
    EXPECT_EQ(Stat("active"), 0u);
    worker_.Turn();
    worker_.Pass(20'000);
    EXPECT_EQ(caller.log, before);
    EXPECT_EQ(ClusterStat("upstream_rq_active"), 0u);
    EXPECT_EQ(Send(caller, "x", true), WEIR_REFUSED);
    Cancel(caller);
  }
  EXPECT_EQ(Stat("failed"), 0u);
}

TEST_F(CalloutTest, CancelledInsideItsOwnHooksItIsGone) {
  for (const bool in_data : {false, true}) {
    Caller& caller = Start(Request());
    (in_data ? caller.on_data : caller.on_head) = [&] { api().cancel(caller.callout); };
    worker_.Turn();
    Answer(worker_.dialer.count() - 1, kOk);
    EXPECT_EQ(caller.log, in_data ? "200 [ok]!" : "200");
    EXPECT_EQ(Stat("active"), 0u);
    worker_.Turn();
  }
}

TEST_F(CalloutTest, AHandleThatIsOverNamesNobodyElsesCallout) {
  Caller& first = Start(Request());
  first.on_complete = [&] { api().cancel(first.callout); };
  worker_.Turn();
  Answer(0, kOk);
  Caller& second = Start(Request());
  ASSERT_NE(second.callout, nullptr);
  EXPECT_NE(first.callout, second.callout);
  Cancel(first);
  EXPECT_EQ(Send(first, "x", true), WEIR_REFUSED);
  worker_.Turn();
  Answer(0, kOk);
  EXPECT_EQ(second.log, "200 [ok]! end:0");
  for (const uintptr_t number : {uintptr_t{1}, uintptr_t{0xdeadbeef}, UINTPTR_MAX}) {
    auto* bad = reinterpret_cast<weir_callout*>(number);
    api().cancel(bad);
    EXPECT_EQ(api().send(bad, View(std::string_view("x")), 1), WEIR_REFUSED);
  }
}

TEST_F(CalloutTest, ANewOneMayStartFromTheLastHook) {
  Caller& first = Start(Request());
  Caller* second = nullptr;
  first.on_complete = [&] { second = &Start(Request()); };
  worker_.Turn();
  Answer(0, kOk);
  ASSERT_NE(second, nullptr);
  worker_.Turn();
  Answer(0, kOk);
  EXPECT_EQ(second->log, "200 [ok]! end:0");
}

// ---- Bodies

TEST_F(CalloutTest, ABodyMayBeSentInPieces) {
  weir_callout_request request = Request();
  request.method = View(std::string_view("POST"));
  request.flags = WEIR_CALLOUT_STREAM_BODY;
  request.body = View(std::string_view("first "));
  Caller& caller = Start(request);
  EXPECT_EQ(Send(caller, "second ", false), WEIR_OK);
  worker_.Turn();
  EXPECT_EQ(Send(caller, "third", false), WEIR_OK);
  worker_.Turn();
  EXPECT_EQ(Send(caller, "", true), WEIR_OK);
  EXPECT_EQ(Send(caller, "x", false), WEIR_REFUSED) << "after the end";
  worker_.Turn();
  const std::string asked = at(0).Written();
  EXPECT_NE(asked.find("transfer-encoding: chunked\r\n"), std::string::npos) << asked;
  EXPECT_EQ(asked.substr(asked.find("\r\n\r\n") + 4),
            "d\r\nfirst second \r\n5\r\nthird\r\n0\r\n\r\n");
  Answer(0, kOk);
  EXPECT_EQ(caller.log, "200 [ok]! end:0");
}

TEST_F(CalloutTest, ABodyThatWasGivenWholeTakesNoMore) {
  Caller& caller = Start(Request());
  EXPECT_EQ(Send(caller, "x", false), WEIR_REFUSED);
}

TEST_F(CalloutTest, WhatWaitsForTheBackendIsBounded) {
  weir_callout_request request = Request();
  request.method = View(std::string_view("POST"));
  request.flags = WEIR_CALLOUT_STREAM_BODY;
  Caller& caller = Start(request);
  worker_.Turn();
  at(0).peer.write_room = 0;
  const std::string piece(262'144, 'x');
  int sent = 0;
  while (sent < 100 && Send(caller, piece, false) == WEIR_OK) {
    ++sent;
    worker_.Turn();
  }
  EXPECT_LT(sent, 20);
  EXPECT_EQ(Send(caller, piece, false), WEIR_NO_ROOM);
  EXPECT_EQ(Send(caller, std::string(Callout::kMaxWaiting + 1, 'x'), false), WEIR_REFUSED);
  at(0).peer.write_room = SIZE_MAX;
  at(0).io->Wake(false, true);
  worker_.Turn();
  EXPECT_EQ(Send(caller, "", true), WEIR_OK);
  worker_.Turn();
  EXPECT_GT(at(0).Written().size(), piece.size() * static_cast<size_t>(sent));
  Answer(0, kOk);
  EXPECT_EQ(caller.log, "200 [ok]! end:0");
}

TEST_F(CalloutTest, AnAnswerBeforeTheBodysEndIsTheEnd) {
  weir_callout_request request = Request();
  request.method = View(std::string_view("POST"));
  request.flags = WEIR_CALLOUT_STREAM_BODY;
  Caller& caller = Start(request);
  worker_.Turn();
  Answer(0, kOk);
  EXPECT_EQ(caller.log, "200 [ok]! end:0");
  EXPECT_EQ(Send(caller, "x", true), WEIR_REFUSED);
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.closed) << "half a request stands on it";
}

// ---- Bounds and the end of the worker

TEST_F(CalloutTest, AWorkerHasSoManyAndNoMore) {
  for (uint32_t i = 0; i < CalloutSet::kMaxCallouts; ++i)
    ASSERT_NE(Start(Request()).callout, nullptr) << i;
  EXPECT_EQ(Start(Request()).callout, nullptr);
  EXPECT_EQ(Stat("active"), CalloutSet::kMaxCallouts);
  EXPECT_EQ(Stat("refused"), 1u);
  Cancel(*callers_[7]);
  EXPECT_NE(Start(Request()).callout, nullptr);
  for (const auto& caller : callers_) {
    if (caller->callout != nullptr) Cancel(*caller);
  }
  EXPECT_EQ(Stat("active"), 0u);
}

TEST_F(CalloutTest, AWorkerThatStopsEndsThemAll) {
  Caller& begun = Start(Request());
  worker_.Turn();
  Caller& fresh = Start(Request());
  begun.on_complete = [&] { EXPECT_EQ(Start(Request()).callout, nullptr); };
  set_->Stop();
  const std::string cancelled = "end:" + std::to_string(WEIR_REASON_CANCEL);
  EXPECT_EQ(begun.log, cancelled);
  EXPECT_EQ(fresh.log, cancelled);
  EXPECT_EQ(Start(Request()).callout, nullptr);
  worker_.Turn();
  EXPECT_EQ(Stat("active"), 0u);
  EXPECT_EQ(ClusterStat("upstream_rq_active"), 0u);
}

TEST_F(CalloutTest, AnExceptionThatLeavesAHookEndsTheCallout) {
  Caller& caller = Start(Request());
  caller.on_head = [] { throw std::runtime_error("out of a hook"); };
  caller.on_complete = [] { throw 7; };
  worker_.Turn();
  Answer(0, kOk);
  EXPECT_EQ(caller.log, "200 end:" + std::to_string(WEIR_REASON_INTERNAL));
  EXPECT_EQ(Stat("threw"), 2u);
  EXPECT_EQ(Stat("active"), 0u);
}

// ---- HTTP/2

class H2CalloutTest : public CalloutTest {
 protected:
  H2CalloutTest() : CalloutTest(test::H2Upstream()) {}

  void Say(const std::string& bytes) {
    peer_.CodecRead(bytes);
    Answer(0, bytes);
    peer_.CodecWrote(at(0).Written());
  }
  void Settle() {
    worker_.Turn();
    peer_.CodecWrote(at(0).Written());
    Say(h2::wire::Settings() + h2::wire::SettingsAck());
  }
  std::string Response(uint32_t stream, bool end) {
    return h2::wire::Headers(stream, encoder_.Encode({{":status", "200"}}), end);
  }
  std::string Field(uint32_t stream, std::string_view name) {
    for (const h2::OutFrame& frame : peer_.frames()) {
      if (frame.Is(h2::FrameType::kHeaders) && frame.header.stream == stream)
        return frame.Field(name);
    }
    return "(no head)";
  }
  ~H2CalloutTest() override { EXPECT_EQ(peer_.fault(), ""); }

  h2::H2Peer peer_{h2::Position::kClient};
  h2::EagerEncoder encoder_;
};

TEST_F(H2CalloutTest, ManyShareAConnectionAndEachHasItsOwnAnswer) {
  Caller& one = Start(Request("/one"));
  Settle();
  Caller& two = Start(Request("/two"));
  worker_.Turn();
  peer_.CodecWrote(at(0).Written());
  EXPECT_EQ(worker_.dialer.count(), 1u);
  EXPECT_EQ(Field(1, ":path"), "/one");
  EXPECT_EQ(Field(3, ":path"), "/two");
  EXPECT_EQ(Field(3, ":authority"), "app");
  EXPECT_EQ(Field(3, ":scheme"), "http");
  Say(Response(3, false) + h2::wire::Data(3, "2", true));
  EXPECT_EQ(two.log, "200 [2]! end:0");
  EXPECT_EQ(one.log, "");
  Say(Response(1, true));
  EXPECT_EQ(one.log, "200! end:0");
}

TEST_F(H2CalloutTest, ACancelledOneIsResetAndTheOthersGoOn) {
  Caller& one = Start(Request("/one"));
  Settle();
  Caller& two = Start(Request("/two"));
  worker_.Turn();
  Cancel(one);
  worker_.Turn();
  peer_.CodecWrote(at(0).Written());
  size_t resets = 0;
  for (const h2::OutFrame& frame : peer_.frames())
    resets += frame.Is(h2::FrameType::kRstStream) && frame.header.stream == 1 ? 1 : 0;
  EXPECT_EQ(resets, 1u);
  Say(Response(3, false));
  Say(h2::wire::Data(3, "", true));
  EXPECT_EQ(two.log, "200 []! end:0");
  EXPECT_FALSE(at(0).peer.closed);
}

TEST_F(H2CalloutTest, AResetIsToldAsOne) {
  Caller& caller = Start(Request("/one"));
  Settle();
  Say(Response(1, false));
  Say(h2::wire::Reset(1, h2::ErrorCode::kCancel));
  EXPECT_EQ(caller.log.rfind("200 end:", 0), 0u) << caller.log;
  EXPECT_NE(caller.log, "200 end:0");
}

TEST_F(H2CalloutTest, AStreamedBodyAndTrailersPass) {
  weir_callout_request request = Request();
  request.method = View(std::string_view("POST"));
  request.flags = WEIR_CALLOUT_STREAM_BODY;
  Caller& caller = Start(request);
  Settle();
  EXPECT_EQ(Send(caller, "abc", true), WEIR_OK);
  worker_.Turn();
  peer_.CodecWrote(at(0).Written());
  Say(Response(1, false) + h2::wire::Data(1, "ok", false) +
      h2::wire::Headers(1, encoder_.Encode({{"x-sum", "1"}}), true));
  EXPECT_EQ(caller.log, "200 [ok] trailers:1 end:0");
}

}  // namespace
}  // namespace weir::http
