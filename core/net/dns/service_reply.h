#pragma once

#include <cstddef>
#include <cstdint>

#include "core/net/dns/resolver.h"

namespace weir::net::dns {

// Reads the SRV records of a DNS message (RFC 1035 section 4, RFC 2782), the answer to a question
// for them. Records of other kinds and sections are passed over; a target of "." says that there is
// no service. What is cut or contradicts itself is kFailed.
ServiceAnswer ReadServiceReply(const uint8_t* bytes, size_t size);

}  // namespace weir::net::dns
