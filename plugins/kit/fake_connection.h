#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "plugins/abi/weir.h"

namespace weir::kit {

// A connection for network and listener filters.
struct FakeConnection {
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

  weir_connection* handle() { return reinterpret_cast<weir_connection*>(this); }
};

const weir_network_api* FakeNetworkApi();

// Accepts any address text that has a colon.
const weir_listener_api* FakeListenerApi();

}  // namespace weir::kit
