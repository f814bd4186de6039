#pragma once

#include <cstddef>

#include "core/config/config.h"
#include "core/net/address.h"

namespace weir::upstream {

// Room that WriteProxyHeader needs: a line of version 1 has at most 107 bytes.
inline constexpr size_t kMaxProxyHeader = 128;

// The header of the PROXY protocol with which a connection to a backend begins: whom it is for.
// Null addresses, or such as are no IP addresses: the connection is the proxy's own (LOCAL,
// UNKNOWN). Answers its size; 0 for kNone.
size_t WriteProxyHeader(config::ProxyProtocol version, const net::Address* source,
                        const net::Address* destination, char* out);

}  // namespace weir::upstream
