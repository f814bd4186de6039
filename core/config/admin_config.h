#pragma once

#include <cstdint>
#include <string>

#include "core/config/address.h"
#include "core/config/node.h"

namespace weir::config {

// The admin listener.
struct Admin {
  Address address;  // Default 127.0.0.1:9901
  // Orders (POST) are taken. Default false; on an address that others reach only with a token.
  bool allow_mutations = false;
  // What a request must show as its bearer; empty: nothing. Read at load from wherever it is.
  std::string token;
  uint32_t max_connections = 256;  // open at once; 0: no limit
  Mark mark;
};

}  // namespace weir::config
