#pragma once

#include <cstdint>
#include <string_view>

#include "core/net/address.h"
#include "core/observe/response_flags.h"

namespace weir::http {

// What is known about a stream for the access log, filters and counters. Views live as long as the
// stream.
struct StreamInfo {
  uint64_t start_ms = 0;           // reactor clock
  uint64_t request_end_ms = 0;     // 0: not yet
  uint64_t upstream_start_ms = 0;  // first attempt was written
  uint64_t upstream_sent_ms = 0;   // the last byte of the request was written
  uint64_t upstream_head_ms = 0;   // the final head arrived
  uint64_t upstream_end_ms = 0;    // the end of the answer arrived
  uint64_t end_ms = 0;             // all was sent, or it was given up
  uint64_t bytes_received = 0;     // body
  uint64_t bytes_sent = 0;         // body
  observe::ResponseFlags flags;
  uint32_t response_code = 0;  // 0: none was sent
  uint32_t attempts = 0;
  uint8_t upstream_version = 0;  // as received: 10, 11, 20
  std::string_view details;
  std::string_view cluster;
  const net::Address* upstream = nullptr;
  const net::Address* upstream_local = nullptr;  // our end of that connection
  std::string_view upstream_failure;             // static text: why there was no connection to it
};

}  // namespace weir::http
