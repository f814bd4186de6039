#pragma once

#include <cstdint>
#include <string>

namespace weir::net {

class TlsSession;

// The attributes of a connection that its handshake settled (plugins/abi/weir.h,
// WEIR_ATTR_REQUESTED_SERVER_NAME to WEIR_ATTR_TLS_SESSION_ID): for filters and access logs. False
// where the id is none of them, or there is no TLS, or it has no value: then *value is untouched.
// What a client's certificate says has one only where that was verified. Allocates.
bool TlsAttribute(const TlsSession* tls, uint32_t id, std::string* value);

}  // namespace weir::net
