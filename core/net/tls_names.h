#pragma once

#include <algorithm>
#include <string_view>

// Names that a peer says in its ClientHello, before they go into logs and headers: no byte in them
// may mean anything to those.

namespace weir::net {

// A host name (RFC 6066, 3), or empty.
inline bool IsHostName(std::string_view name) {
  return name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_';
         });
}

// A protocol's name (RFC 7301, 3.1) of visible characters alone, as all registered ones are that
// can be told in a text; or empty.
inline bool IsProtocolName(std::string_view name) {
  return name.size() <= 255 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace weir::net
