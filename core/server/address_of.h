#pragma once

#include "core/config/address.h"
#include "core/net/address.h"

namespace weir::server {

// The form in which sockets take a configured address.
net::Address AddressOf(const config::Address& address);

}  // namespace weir::server
