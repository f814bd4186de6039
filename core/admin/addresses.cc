#include "core/admin/addresses.h"

#include <string>

namespace weir::admin {

void WriteAddress(const config::Address& address, JsonWriter* out) {
  out->BeginObject();
  if (address.kind == config::Address::Kind::kUnix) {
    out->Key("pipe");
    out->BeginObject();
    out->Field("path", address.path);
  } else {
    std::string host = address.ToString();
    host.resize(host.rfind(':'));
    if (!host.empty() && host.front() == '[') host = host.substr(1, host.size() - 2);
    out->Key("socket_address");
    out->BeginObject();
    out->Field("address", host);
    out->Field("port_value", address.port);
  }
  out->EndObject();
  out->EndObject();
}

}  // namespace weir::admin
