#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/config/config.h"
#include "core/http/codec_connection.h"
#include "core/net/address.h"
#include "core/net/worker_context.h"
#include "core/observe/stat_names.h"
#include "core/upstream/pool.h"
#include "tests/support/fake_io.h"

extern "C" const weir_plugin_descriptor weir_plugin_h1;
extern "C" const weir_plugin_descriptor weir_plugin_h2;

namespace weir::test {

// One connection that was dialled, seen from the backend.
struct Dialled {
  std::string address;
  FakePeer peer;
  FakeIo* io = nullptr;  // gone when peer.closed

  void Establish() {
    peer.connected = true;
    io->Wake(false, true);
  }
  void Refuse() {
    peer.read_fails = true;
    io->Wake(true, true);
  }
  void Send(const std::string& bytes) {
    peer.to_read += bytes;
    io->Wake(true, false);
  }
  void Fin() {
    peer.fin = true;
    io->Wake(true, false);
  }
  void Break() {
    peer.read_fails = peer.write_fails = true;
    io->Wake(true, true);
  }
  // What was written since the last call.
  std::string Written() {
    std::string text;
    text.swap(peer.written);
    return text;
  }
};

// Answers every Dial with a connection that the test plays the backend of.
class FakeDialer final : public net::Dialer {
 public:
  bool at_once = true;  // connections are established when they are dialled
  const FakeTls* tls = nullptr;

  std::unique_ptr<net::Io> Dial(const net::Address& address) override {
    auto made = std::make_unique<Dialled>();
    char text[net::Address::kMaxText];
    made->address.assign(text, address.Print(text));
    made->peer.connected = at_once;
    made->peer.tls = tls;
    auto io = std::make_unique<FakeIo>(&made->peer);
    made->io = io.get();
    dialled_.push_back(std::move(made));
    return io;
  }

  size_t count() const { return dialled_.size(); }
  Dialled& at(size_t i) { return *dialled_.at(i); }
  Dialled& last() { return *dialled_.back(); }
  size_t open() const {
    size_t n = 0;
    for (const auto& one : dialled_) n += one->peer.closed ? 0u : 1u;
    return n;
  }

 private:
  std::vector<std::unique_ptr<Dialled>> dialled_;
};

// A worker without a loop and without sockets.
struct FakeWorker {
  base::SlabPool slabs;  // first: whatever dies with the reactor may hold slabs
  net::Reactor reactor{1'000'000};
  net::ReceiveBuffer receive{&slabs};
  observe::StatRegistry registry;
  FakeDialer dialer;
  base::Random random{42};
  net::WorkerContext context;

  FakeWorker() {
    context.reactor = &reactor;
    context.pool = &slabs;
    context.receive = &receive;
    context.dialer = &dialer;
    context.stats = registry.NewBlock();
    context.random = &random;
  }

  // Turns until nothing wants another one.
  void Turn() {
    for (int i = 0; i < 1000; ++i) {
      if (!reactor.RunTurn()) return;
    }
    ADD_FAILURE() << "the worker does not come to rest";
  }
  void Pass(uint64_t ms) {
    reactor.set_now(reactor.now_ms() + ms);
    Turn();
  }
  uint64_t Stat(std::string_view wanted) const {
    uint64_t found = UINT64_MAX;
    registry.ForEach([&](const std::string& name, observe::StatKind, uint64_t value) {
      if (name == wanted) found = value;
    });
    EXPECT_NE(found, UINT64_MAX) << "no stat is called " << wanted;
    return found;
  }
  // Names of the gauges that are not 0, and "pinned" when a slab is held.
  std::string Leftovers() {
    std::string left;
    registry.ForEach([&](const std::string& name, observe::StatKind kind, uint64_t value) {
      if (kind == observe::StatKind::kGauge && value != 0) left += name + " ";
    });
    receive.Drop();
    if (slabs.pinned_bytes() != 0) left += "pinned ";
    return left;
  }
};

inline const weir_codec_api* H1Api() {
  return static_cast<const weir_codec_api*>(weir_plugin_h1.extensions[0].api);
}

inline weir_codec_params H1Params(uint8_t position, uint32_t window = 262'144) {
  weir_codec_params p{};
  p.struct_size = sizeof p;
  p.position = position;
  p.raw_form = 1;
  p.codec_host = http::CodecHostTable();
  p.max_head_bytes = 61'440;
  p.max_field_count = 100;
  p.max_trailer_bytes = 8192;
  p.stream_window = window;
  p.max_streams = 100;
  p.flags = WEIR_CODEC_ACCEPT_HTTP_10 | WEIR_CODEC_ALLOW_UPGRADE | WEIR_CODEC_ALLOW_CONNECT;
  return p;
}

inline upstream::UpstreamCodec H1Upstream(uint32_t window = 262'144) {
  return {{{{H1Api(), H1Params(WEIR_CLIENT, window)}}}};
}

inline upstream::UpstreamCodec H2Upstream() {
  const auto* api = static_cast<const weir_codec_api*>(weir_plugin_h2.extensions[0].api);
  return {{{{api, H1Params(WEIR_CLIENT)}}}};
}

inline config::Cluster TestCluster(int hosts = 1) {
  config::Cluster cluster;
  cluster.name = "app";
  for (int i = 0; i < hosts; ++i) {
    config::Endpoint endpoint;
    endpoint.address.kind = config::Address::Kind::kIpv4;
    endpoint.address.ip = {10, 0, 0, static_cast<uint8_t>(i + 1)};
    endpoint.address.port = 80;
    cluster.endpoints.push_back(endpoint);
  }
  return cluster;
}

}  // namespace weir::test
