#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/net/connection_report.h"
#include "core/observe/server_state.h"
#include "core/observe/stats.h"

namespace weir::admin {

// What the pages say of the process.
struct ProcessFacts {
  std::string_view version;
  uint64_t uptime_s = 0;
  uint64_t start_unix_s = 0;
  uint32_t pid = 0;
  uint32_t concurrency = 0;  // workers
};

// One endpoint of a cluster, its numbers summed over the workers.
struct EndpointFacts {
  std::string cluster;
  config::Address address;
  std::string hostname;
  uint32_t weight = 1;
  bool healthy = true;
  uint64_t connections = 0;  // open or connecting
  uint64_t active_requests = 0;
  // Since the worker knows it, in Envoy's words.
  uint64_t cx_total = 0;
  uint64_t cx_connect_fail = 0;
  uint64_t rq_total = 0;
  uint64_t rq_success = 0;
  uint64_t rq_error = 0;
  uint64_t rq_timeout = 0;
};

// What came of a reload of the configuration.
struct ReloadFacts {
  uint64_t number = 0;  // from 1; 0: there was none, or it is not over
  bool ok = false;
  std::string error;                 // empty when ok
  std::vector<std::string> changes;  // empty when ok: nothing differs
  int64_t unix_ms = 0;
};

// Certificates of a listener or a cluster, as new handshakes use them.
struct CertificateSource {
  std::string used_by;  // "listener main", "cluster app"
  bool authority = false;
  std::string path;  // "inline_string" where the configuration holds it
  std::string pem;
  int64_t read_unix_s = 0;
  // Why what the file holds now is not what is used, and since when; empty: nothing failed.
  std::string error;
  int64_t error_unix_s = 0;
};

// Where the pages take what they show, and give orders to. Every call may come from any thread but
// a worker's: some wait, a short bounded time, for what the workers say.
class Host {
 public:
  virtual ~Host() = default;

  // Any thread, without waiting.
  virtual observe::ServerState State() = 0;

  virtual const observe::StatRegistry& Stats() = 0;
  virtual ProcessFacts Process() = 0;
  // What the connections of clients say of themselves, at most `most` of each worker, with as many
  // streams. busy: only those that have streams. A worker that does not answer in time is left out.
  virtual std::vector<net::ConnectionReport> Connections(size_t most, bool busy) = 0;
  // Begins the drain, as SIGTERM does; later calls change nothing. False when nobody takes the
  // order in time.
  virtual bool Drain() = 0;
  // Reads the configuration again, and waits for what comes of it. None: this process does not
  // reload. Number 0: it is not over in time.
  virtual std::optional<ReloadFacts> Reload() = 0;
  virtual ReloadFacts LastReload() = 0;
  // What new connections are served with.
  virtual std::shared_ptr<const config::Bootstrap> Config() = 0;
  // What TLS uses, with every certificate that the configuration names.
  virtual std::vector<CertificateSource> Certificates() = 0;
  // Where each listener is bound, by its name: not what the configuration says where that leaves
  // the port open. Empty when nobody answers in time.
  virtual std::map<std::string, config::Address, std::less<>> Bound() = 0;
  // Every endpoint that a worker knows. A worker that does not answer in time is left out.
  virtual std::vector<EndpointFacts> Endpoints() = 0;
  // What `weir plugins` prints: a table, or JSON. Empty when nobody answers in time.
  virtual std::string Plugins(bool json) = 0;
};

}  // namespace weir::admin
