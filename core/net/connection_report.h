#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weir::net {

// What connections say of themselves to somebody who looks: text is copied, for it goes to another
// thread. Made on the worker, rarely, and never for more than `max_streams` streams.

struct StreamReport {
  std::string method;
  std::string authority;
  std::string path;
  std::string cluster;    // empty: none was chosen
  std::string upstream;   // the endpoint that has it; empty: none
  std::string waits_for;  // "an answer's head from the backend"
  uint64_t waits_ms = 0;  // since the last byte either way, where that is known, else its age
  uint64_t age_ms = 0;
  uint64_t bytes_received = 0;  // of bodies
  uint64_t bytes_sent = 0;
  uint32_t response_code = 0;  // 0: no answer has begun
};

struct ConnectionReport {
  std::string listener;
  std::string peer;
  std::string local;
  std::string protocol;  // "http", "tcp"; empty: none yet
  bool tls = false;
  bool draining = false;
  uint64_t id = 0;        // of HTTP: what the log calls CONNECTION_ID; 0: none
  std::string waits_for;  // "a request"
  uint64_t age_ms = 0;
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  uint64_t stream_count = 0;
  size_t max_streams = 0;  // how many `streams` may become; set by who asks
  std::vector<StreamReport> streams;
};

}  // namespace weir::net
