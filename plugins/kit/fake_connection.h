#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "plugins/abi/weir.h"

namespace weir::kit {

// A connection for network and listener filters.
struct FakeConnection {
  FakeConnection();
  ~FakeConnection() { End(); }
  FakeConnection(const FakeConnection&) = delete;
  FakeConnection& operator=(const FakeConnection&) = delete;

  std::string received;
  std::string written;
  bool ended = false;  // write with end_stream
  bool closed = false;
  bool flushed = false;                     // closed after the output
  std::uint64_t limit = ~std::uint64_t{0};  // of `written`: beyond it write_received has no room
  std::int32_t failure = 0;
  int resumes = 0;
  bool drained_too_much = false;  // drain or write_received of more than was there
  std::map<std::uint32_t, std::string> attributes;
  std::map<std::uint32_t, std::int64_t> numbers;
  std::map<std::pair<std::string, std::string>, std::string> metadata;
  const std::uint64_t id;
  const std::uint64_t worker;

  // From here on its ticket finds nothing.
  void End();
  weir_ticket ticket() const { return {{id, worker + 1}}; }
  // Null when it has ended, or is none of this worker's connections.
  static FakeConnection* FromTicket(weir_ticket ticket);

  weir_connection* handle() { return reinterpret_cast<weir_connection*>(this); }
};

const weir_network_api* FakeNetworkApi();

// Accepts any address text that has a colon.
const weir_listener_api* FakeListenerApi();

}  // namespace weir::kit
