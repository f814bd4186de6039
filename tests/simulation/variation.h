#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/random.h"

namespace weir::sim {

// The ports of backends start here.
inline constexpr uint32_t kFirstPort = 9000;

// The first one of the endpoints of a cluster, each version of which has its own.
uint16_t FirstPort(uint32_t cluster, uint32_t version);

enum class Speaks : uint8_t { kH1, kToy, kH2, kMixed };

// One configuration of a run: what a reload replaces.
struct Setting {
  uint32_t number = 0;
  int filters = 0;
  std::vector<uint32_t> to;        // the cluster of each kind of path
  std::vector<uint32_t> versions;  // of each cluster; one has endpoints of its own
  std::vector<bool> present;       // a cluster that nothing leads to may be missing

  // What the listener says is the same: it keeps its connections.
  bool SameListener(const Setting& other) const {
    return filters == other.filters && to == other.to;
  }
};

// What differs from run to run besides the order of things: who speaks what, the limits, and what
// may go wrong. All of it follows from the seed.
struct Variation {
  // Down: what clients speak; where it is kMixed the listener speaks HTTP/1 and HTTP/2, and each
  // client either. Up: a cluster for each, and requests of one connection go to both.
  Speaks down = Speaks::kH1;
  std::vector<Speaks> up = {Speaks::kH1};
  int filters = 0;              // how many random HTTP filters
  bool filter_replies = false;  // they answer and reset too
  uint32_t clients = 1;
  uint32_t requests = 1;  // of a client
  uint32_t backends = 1;
  uint32_t most_body = 1000;
  uint32_t buffer_down = 262144;
  uint32_t buffer_up = 262144;
  uint32_t max_connections = 1024;  // to the cluster
  uint32_t max_pending = 1024;
  uint32_t max_requests = 1024;
  uint32_t max_requests_down = 0;  // per connection
  uint32_t max_requests_up = 0;
  uint32_t max_streams = 100;  // of a downstream connection
  // Of HTTP/2, in the worker.
  uint32_t h2_stream_window = 65536;
  uint32_t h2_connection_window = 1 << 24;
  uint32_t h2_table = 4096;
  bool least_request = false;
  uint32_t segment = 65536;
  uint32_t inbox = 65536;
  uint32_t outbox = 65536;

  // TLS, on either side.
  bool tls_down = false;
  std::vector<bool> tls_up;    // for each cluster; may be shorter than `up`
  uint32_t tls_strangers = 0;  // clients that make no handshake

  // What may go wrong. A run without any of these has no excuse: every request is answered.
  bool backend_cuts = false;         // answers that end early, garbage, closes in place of answers
  bool backend_idle_closes = false;  // of kept connections, at any time
  bool backend_early = false;        // answers before the request has ended
  bool connect_faults = false;
  bool stalls = false;  // peers that stop for good
  bool client_aborts = false;
  bool drains = false;   // the worker drains in the middle
  bool tunnels = false;  // are allowed
  bool floods = false;   // clients open more streams than they are allowed

  // What changes while it runs. It excuses little: that a cluster has no endpoint, and what is
  // behind the last request of a connection that was told to end.
  bool members = false;      // endpoints come and go
  bool by_endpoint = false;  // ... and are hosts whatever addresses they have
  bool reloads = false;      // another configuration takes the place of the present one

  static Variation From(base::Random* random);
  // Some runs have TLS.
  void ChooseTls(base::Random* random);
  // Some runs change on the way.
  void ChooseChanges(base::Random* random);
  Setting First() const;
  Setting After(const Setting& setting, base::Random* random) const;
  bool TlsUp(uint32_t cluster) const { return cluster < tls_up.size() && tls_up[cluster]; }
  bool HasTls() const;
  std::string Yaml(const Setting& setting) const;
  std::string ClusterYaml(uint32_t cluster, uint32_t version) const;
  std::string Text() const;
  bool HasUp(Speaks what) const;
  bool limited() const { return max_pending < 100 || max_requests < 100; }
};

}  // namespace weir::sim
