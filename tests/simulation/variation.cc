#include "tests/simulation/variation.h"

#include <algorithm>
#include <numeric>

#include "tests/simulation/ledger.h"

namespace weir::sim {
namespace {

template <size_t N>
uint32_t One(base::Random* random, const uint32_t (&of)[N]) {
  return of[random->Below(N)];
}

const char* Name(Speaks what) {
  const char* const names[] = {"h1", "toy", "h2", "h1+h2"};
  return names[static_cast<int>(what)];
}

}  // namespace

uint16_t FirstPort(uint32_t cluster, uint32_t version) {
  return static_cast<uint16_t>(kFirstPort + cluster * kHostsPerCluster +
                               version * kHostsPerVersion);
}

Variation Variation::From(base::Random* random) {
  const auto chance = [random](uint64_t n) { return random->Below(n) == 0; };
  Variation v;
  const Speaks downs[] = {Speaks::kH1,    Speaks::kH1, Speaks::kToy,   Speaks::kH2,
                          Speaks::kMixed, Speaks::kH2, Speaks::kMixed, Speaks::kH2};
  const Speaks ups[] = {Speaks::kH1, Speaks::kH1, Speaks::kToy,
                        Speaks::kH2, Speaks::kH2, Speaks::kH2};
  v.down = downs[random->Below(8)];
  v.up[0] = ups[random->Below(6)];
  if (chance(2)) v.up.push_back(ups[random->Below(6)]);
  v.clients = One(random, {1, 2, 3, 5, 9});
  v.requests = One(random, {1, 2, 4, 8, 12});
  v.backends = One(random, {1, 1, 2, 3});
  v.most_body = One(random, {0, 200, 5000, 40000, 300000});
  if (v.most_body > 100000 && v.clients > 3) v.clients = 3;
  v.buffer_down = One(random, {16384, 16384, 65536, 262144});
  v.buffer_up = One(random, {16384, 16384, 65536, 262144});
  v.segment = One(random, {1, 7, 100, 1460, 20000, 65536});
  if (v.most_body > 1000 && v.segment < 100) v.segment = 100;
  v.inbox = One(random, {2000, 20000, 65536, 200000});
  v.outbox = One(random, {2000, 20000, 65536, 400000});
  v.least_request = chance(3);
  v.max_streams = One(random, {100, 100, 100, 1, 2, 5});
  v.h2_stream_window = One(random, {65536, 65536, 65535, 100000, 262144});
  v.h2_connection_window = One(random, {1 << 24, 1 << 24, 65535, 100000});
  v.h2_table = One(random, {4096, 4096, 0, 100, 65536});
  if (chance(3)) v.max_connections = One(random, {1, 1, 2, 4});
  if (chance(5)) v.max_requests_down = One(random, {1, 2, 5});
  if (chance(5)) v.max_requests_up = One(random, {1, 2, 5});
  if (chance(8)) v.max_pending = One(random, {0, 1, 3});
  if (chance(8)) v.max_requests = One(random, {1, 3});
  if (chance(3)) v.filters = 1 + static_cast<int>(random->Below(3));
  if (chance(3)) return v;
  v.filter_replies = v.filters > 0 && chance(2);
  v.backend_cuts = chance(2);
  v.backend_idle_closes = chance(2);
  v.backend_early = chance(3);
  v.connect_faults = chance(3);
  v.stalls = chance(4);
  v.client_aborts = chance(3);
  v.drains = chance(6);
  v.floods = chance(4);
  return v;
}

void Variation::ChooseTls(base::Random* random) {
  const auto chance = [random](uint64_t n) { return random->Below(n) == 0; };
  if (!chance(4)) return;
  tls_down = !chance(3);
  for (size_t i = 0; i < up.size(); ++i) tls_up.push_back(!tls_down || !chance(3));
  if (tls_down && chance(3)) tls_strangers = 1 + static_cast<uint32_t>(random->Below(4));
}

void Variation::ChooseChanges(base::Random* random) {
  const auto chance = [random](uint64_t n) { return random->Below(n) == 0; };
  members = chance(3);
  by_endpoint = members && chance(4);
  reloads = chance(3);
}

Setting Variation::First() const {
  Setting first;
  first.filters = filters;
  first.to.resize(up.size());
  std::iota(first.to.begin(), first.to.end(), 0);
  first.versions.resize(up.size());
  first.present.resize(up.size(), true);
  return first;
}

// Any of it may be as it was, all of it too.
Setting Variation::After(const Setting& setting, base::Random* random) const {
  const auto chance = [random](uint64_t n) { return random->Below(n) == 0; };
  Setting next = setting;
  ++next.number;
  if (chance(3)) next.filters = static_cast<int>(random->Below(4));
  if (chance(2)) {
    for (uint32_t& to : next.to) to = static_cast<uint32_t>(random->Below(up.size()));
  }
  for (uint32_t i = 0; i < up.size(); ++i) {
    const bool needed = std::find(next.to.begin(), next.to.end(), i) != next.to.end();
    next.present[i] = needed || chance(2);
    if (chance(2)) next.versions[i] = next.number;
  }
  return next;
}

bool Variation::HasTls() const {
  return tls_down || std::find(tls_up.begin(), tls_up.end(), true) != tls_up.end();
}

std::string Variation::Yaml(const Setting& setting) const {
  const auto n = [](uint32_t number) { return std::to_string(number); };
  std::string y = "listeners:\n  - name: sim\n    address: 127.0.0.1:80\n";
  y += "    per_connection_buffer_limit_bytes: " + n(buffer_down) + "\n    http:\n";
  const char* const codecs[] = {"h1", "toy", "h2", "h2, h1"};
  y += std::string("      stat_prefix: sim\n      codecs: [") + codecs[static_cast<int>(down)] +
       "]\n";
  y += "      request_headers_timeout: 5s\n      request_timeout: 60s\n      stream_idle_timeout: "
       "20s\n";
  y += "      drain_timeout: 2s\n      delayed_close_timeout: 1s\n      min_request_body_rate: 0\n";
  y += "      common_http_protocol_options:\n        idle_timeout: 40s\n";
  y += "        max_requests_per_connection: " + n(max_requests_down) + "\n";
  if (setting.filters > 0) {
    y += "      http_filters: [";
    for (int i = 0; i < setting.filters; ++i)
      y += "{ name: chance" + n(i) + ", typed_config: { at: " + n(i) + " } }, ";
    y += "mux]\n";
  }
  if (tunnels) y += "      upgrade_configs: [websocket]\n";
  y += "      routes:\n";
  if (up.size() > 1)
    y += "        - { match: { prefix: /s/ }, route: { cluster: app" + n(setting.to[1]) +
         ", timeout: 15s } }\n";
  y += "        - { match: { prefix: / }, route: { cluster: app" + n(setting.to[0]) +
       ", timeout: 15s } }\nclusters:\n";
  for (uint32_t i = 0; i < up.size(); ++i) {
    if (setting.present[i]) y += ClusterYaml(i, setting.versions[i]);
  }
  return y;
}

std::string Variation::ClusterYaml(uint32_t cluster, uint32_t version) const {
  const auto n = [](uint32_t number) { return std::to_string(number); };
  std::string y = "  - name: app" + n(cluster) + "\n    protocol: " + Name(up[cluster]) + "\n";
  y += "    lb_policy: " + std::string(least_request ? "LEAST_REQUEST" : "ROUND_ROBIN") + "\n";
  y += "    connect_timeout: 2s\n    endpoints: [";
  for (uint32_t i = 0; i < backends; ++i)
    y += (i == 0 ? "" : ", ") + ("127.0.0.1:" + n(FirstPort(cluster, version) + i));
  y += "]\n    per_connection_buffer_limit_bytes: " + n(buffer_up) + "\n";
  y += "    circuit_breakers:\n      thresholds:\n        - { max_connections: " +
       n(max_connections);
  y += ", max_pending_requests: " + n(max_pending) + ", max_requests: " + n(max_requests) + " }\n";
  return y;
}

bool Variation::HasUp(Speaks what) const {
  return std::find(up.begin(), up.end(), what) != up.end();
}

std::string Variation::Text() const {
  std::string t = std::string(Name(down)) + (tls_down ? "s" : "") + "->";
  for (uint32_t i = 0; i < up.size(); ++i)
    t += (i == 0 ? "" : "+") + std::string(Name(up[i])) + (TlsUp(i) ? "s" : "");
  if (tls_strangers > 0) t += " strangers=" + std::to_string(tls_strangers);
  t += " filters=" + std::to_string(filters) + " clients=" + std::to_string(clients);
  t += " requests=" + std::to_string(requests) + " backends=" + std::to_string(backends);
  t += " body<=" + std::to_string(most_body) + " segment<=" + std::to_string(segment);
  if (backend_cuts) t += " backend-cuts";
  if (backend_idle_closes) t += " backend-idle-closes";
  if (backend_early) t += " backend-early";
  if (connect_faults) t += " connect-faults";
  if (stalls) t += " stalls";
  if (client_aborts) t += " client-aborts";
  if (drains) t += " drains";
  if (floods) t += " floods";
  if (members) t += by_endpoint ? " addresses-change" : " members-change";
  if (reloads) t += " reloads";
  if (filter_replies) t += " filter-replies";
  return t;
}

}  // namespace weir::sim
