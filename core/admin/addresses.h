#pragma once

#include "core/admin/json_writer.h"
#include "core/config/address.h"

namespace weir::admin {

// {"socket_address": {"address": "127.0.0.1", "port_value": 80}} or {"pipe": {"path": "/run/a"}}.
void WriteAddress(const config::Address& address, JsonWriter* out);

}  // namespace weir::admin
