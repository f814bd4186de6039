#pragma once

#include <cstddef>
#include <string_view>

#include "core/config/http_config.h"
#include "core/http/message.h"

namespace weir::hcm {

// The client's address as a trusted proxy in front wrote it in x-forwarded-for: one entry of it, a
// view of the message. Empty where the peer of the connection is the client: no proxy is trusted,
// or what it wrote is not there or no IP address. Envoy's rules: with use_remote_address the
// xff_num_trusted_hops-th entry from the right (none for 0), else the one left of it. To be asked
// before the connection manager adds its own entry.
std::string_view TrustedClient(const config::HttpConnectionManager& settings,
                               http::Message* request);

// As attributes have it, "1.2.3.4:0" or "[::1]:0", for a port is not known: its length at `room`,
// or 0 for text that is too long to be an address.
inline constexpr std::size_t kTrustedClientText = 64;
std::size_t PrintClient(std::string_view ip, char* room);

}  // namespace weir::hcm
