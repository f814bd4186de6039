#pragma once

#include <cstdint>
#include <vector>

#include "core/base/intrusive_list.h"
#include "core/config/config.h"
#include "core/net/address.h"
#include "core/upstream/client_connection.h"

namespace weir::upstream {

// One endpoint as one worker sees it: its load and its connections.
struct Host {
  const config::Endpoint* endpoint = nullptr;
  net::Address address;  // where connections go now: addresses[address_index]
  uint32_t address_index = 0;
  std::vector<net::Address> addresses;  // never empty
  uint32_t weight = 1;
  uint32_t index = 0;
  int connect_error = 0;  // errno of the connection that failed last before it was of use
  bool healthy = true;    // health checks and outlier detection will write it
  bool gone = false;      // no member any more: no further stream, no connection is kept
  // Since it is there; for the page of clusters.
  struct Totals {
    uint64_t connections = 0;
    uint64_t connect_failures = 0;
    uint64_t requests = 0;   // attempts
    uint64_t successes = 0;  // answered with less than 500
    uint64_t errors = 0;     // answered with more, or not to the end
    uint64_t timeouts = 0;   // of these, for which the proxy waited no longer
  };
  Totals totals;
  uint32_t active_requests = 0;  // attached to its connections
  uint32_t connections = 0;      // open or connecting
  uint32_t connecting = 0;       // of these, on their way
  uint32_t leaving = 0;          // of these, taking no further stream: they end with their last
  // Streams that the connections on their way are counted upon to take.
  uint32_t expected = 0;
  // Streams that the last one took at once, for the next guess; 0: none came yet.
  uint32_t room = 0;
  int64_t current_weight = 0;  // of smooth weighted round robin
  // Connections without streams; the most recently used first.
  base::List<ClientConnection, &ClientConnection::idle_link_> idle;
  // Multiplexed connections with streams and room for more; the most recently used first. One
  // without room leaves the list and comes back with it.
  base::List<ClientConnection, &ClientConnection::idle_link_> sharing;
  // Requests that wait for a connection to this host, in order.
  base::List<PoolRequest, &PoolRequest::pending_link_> pending;
  uint32_t pending_count = 0;
  uint32_t pending_fresh = 0;  // of these, those that want a fresh connection
};

}  // namespace weir::upstream
