#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/http/route/route_table.h"
#include "filters/http/mux/mux.h"
#include "tests/unit/core/upstream/fake_worker.h"

namespace weir::mux {

using test::Dialled;

// The stream that a Mux answers: plays the client and writes down what it gets.
class FakeStream final : public http::TerminalHost {
 public:
  FakeStream(test::FakeWorker* worker, const http::Route* route, std::string_view method,
             std::string_view path, uint32_t flags = 0, uint64_t length = 0,
             std::string_view protocol = {}, uint8_t version = 11)
      : worker_(worker),
        route_(route),
        arena_(&worker->slabs, memory_, sizeof memory_ - base::Slab::kPadding, 1u << 20),
        request_(&arena_),
        text_(std::string(method) + " " + std::string(path) + " " + std::string(protocol)) {
    request_.Reset(WEIR_HEAD_REQUEST);
    weir_head& head = request_.head();
    const std::string_view text = text_;
    head.method = http::View(text.substr(0, method.size()));
    head.path = http::View(text.substr(method.size() + 1, path.size()));
    head.protocol = http::View(text.substr(method.size() + path.size() + 2));
    head.authority = {"example.com", 11};
    head.scheme = {"http", 4};
    head.flags = flags;
    head.content_length = length;
    head.http_version = version;
    info_.start_ms = worker->reactor.now_ms();
  }
  ~FakeStream() { End(); }

  // --- the client
  void Start(http::TerminalMaker* maker, bool end_stream) {
    terminal_ = maker->Make(this);
    ASSERT_NE(terminal_, nullptr);
    terminal_->OnRequestHead(end_stream);
  }
  void Body(std::string_view bytes, bool end_stream) {
    http::SliceQueue queue(&worker_->slabs);
    if (!bytes.empty()) queue.Append(bytes.data(), bytes.size());
    sent += bytes.size();
    terminal_->OnRequestData(&queue, end_stream);
    EXPECT_TRUE(queue.empty());
  }
  void Trailers(const weir_head& trailers) { terminal_->OnRequestTrailers(trailers); }
  void Take(uint64_t bytes) { terminal_->OnResponseTaken(bytes); }
  void Cancel() { terminal_->OnCancel(WEIR_REASON_CANCEL); }
  void End() {
    if (terminal_ != nullptr) std::exchange(terminal_, nullptr)->~Terminal();
  }

  // --- what came
  std::string log;  // "100 200 end"
  std::string body;
  uint64_t sent = 0;
  uint64_t taken = 0;
  int tunnels_over = 0;
  http::LocalReply failure;
  std::string failure_details;

  // --- http::TerminalHost
  net::WorkerContext* worker() override { return &worker_->context; }
  base::Arena* arena() override { return &arena_; }
  http::Message& request() override { return request_; }
  const http::Route* route() override { return route_; }
  http::StreamInfo& info() override { return info_; }
  void RespondInterim(const weir_head& head) override { Note(std::to_string(head.status)); }
  void RespondHead(const weir_head& head, bool end_stream) override {
    Note(std::to_string(head.status) + (end_stream ? "!" : ""));
  }
  void RespondData(base::Slice data, bool end_stream) override {
    body.append(reinterpret_cast<const char*>(data.data()), data.size());
    if (credit_at_once) terminal_->OnResponseTaken(data.size());
    if (end_stream) Note("end");
  }
  void RespondTrailers(const weir_head& head) override {
    Note("trailers");
    for (uint32_t i = 0; i < head.field_count; ++i) {
      Note(std::string(http::Name(head.fields[i])) + "=" +
           std::string(http::Value(head.fields[i])));
    }
  }
  void RespondEnd() override { Note("end"); }
  void RespondFailure(const http::LocalReply& reply) override {
    Note("failed");
    failure = reply;
    failure_details = std::string(reply.details);
  }
  void RequestBodyTaken(uint64_t bytes) override { taken += bytes; }
  void TunnelOver() override { ++tunnels_over; }

  bool credit_at_once = true;

 private:
  void Note(const std::string& what) { log += (log.empty() ? "" : " ") + what; }

  test::FakeWorker* worker_;
  const http::Route* route_;
  uint8_t memory_[4096];
  base::Arena arena_;
  http::Message request_;
  std::string text_;
  http::StreamInfo info_;
  http::Terminal* terminal_ = nullptr;
};

// A Mux with one cluster, whose backends the test plays.
class MuxTest : public testing::Test {
 protected:
  MuxTest() : cluster_(test::TestCluster()) {}
  // Whatever a test did: nothing is left of it.
  ~MuxTest() override {
    streams_.clear();
    pools_.clear();
    worker_.Turn();
    EXPECT_EQ(worker_.Leftovers(), "");
    EXPECT_EQ(worker_.dialer.open(), 0u);
  }

  void Build() {
    if (!pools_.empty()) return;
    config::RouteConfiguration routes;
    config::VirtualHost host;
    host.name = "all";
    host.domains = {"*"};
    config::Route route;
    route.match.value = "/";
    route.action = action_;
    host.routes.push_back(route);
    routes.virtual_hosts.push_back(host);
    std::vector<http::RouteError> errors;
    table_ = http::RouteTable::Build(
        std::make_shared<const config::RouteConfiguration>(std::move(routes)), {}, &errors);
    ASSERT_TRUE(errors.empty());
    const auto stats = observe::BindClusterStats(&worker_.registry, worker_.context.stats, "app");
    pools_.push_back(
        std::make_unique<upstream::Pool>(&worker_.context, &cluster_, codec_, stats, 1));
  }
  upstream::Pool& pool() {
    Build();
    return *pools_[0];
  }
  // A request, started: with its head alone, or waiting for its body.
  FakeStream& Begin(std::string_view method, bool end_stream, uint32_t flags = 0,
                    uint64_t length = 0, std::string_view protocol = {},
                    std::string_view path = "/") {
    Build();
    http::RequestView view;
    view.authority = "example.com";
    view.path = "/";
    view.method = "GET";
    streams_.push_back(std::make_unique<FakeStream>(&worker_, table_->Find(view), method, path,
                                                    flags, length, protocol, version_));
    streams_.back()->Start(&mux_, end_stream);
    worker_.Turn();
    return *streams_.back();
  }
  FakeStream& Get() { return Begin("GET", true); }
  FakeStream& Post(uint64_t length) { return Begin("POST", false, WEIR_HEAD_HAS_LENGTH, length); }
  void Send(size_t connection, const std::string& bytes) {
    at(connection).Send(bytes);
    worker_.Turn();
  }
  Dialled& at(size_t i) { return worker_.dialer.at(i); }
  size_t dialled() const { return worker_.dialer.count(); }
  uint64_t Stat(const std::string& name) { return worker_.Stat("cluster.app." + name); }

  test::FakeWorker worker_;
  config::Cluster cluster_;
  config::RouteAction action_;
  upstream::UpstreamCodec codec_ = test::H1Upstream();
  std::unique_ptr<const http::RouteTable> table_;
  uint8_t version_ = 11;  // of the requests to come
  Pools pools_;
  Mux mux_{&pools_};
  std::vector<std::unique_ptr<FakeStream>> streams_;
};

inline constexpr char kOk[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

}  // namespace weir::mux
