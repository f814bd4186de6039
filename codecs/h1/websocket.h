// The handshake of WebSocket on HTTP/1.1 (RFC 6455 section 4). The key and its answer belong to one
// connection, so they never cross as fields: each position makes and checks its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plugins/abi/weir.h"

namespace weir::h1 {

inline constexpr size_t kDigestSize = 20;
inline constexpr size_t kKeySize = 24;
inline constexpr size_t kAcceptSize = 28;

// Whether it is base64 of 16 bytes.
bool GoodWebSocketKey(std::string_view key);

// A new key of random bytes.
void MakeWebSocketKey(const weir_host& host, char key[kKeySize]);

// SHA-1 of the key and the protocol's GUID; `key` has kKeySize bytes.
void DigestWebSocketKey(const weir_host& host, std::string_view key, uint8_t digest[kDigestSize]);

// The digest as sec-websocket-accept has it.
void WriteWebSocketAccept(const uint8_t digest[kDigestSize], char accept[kAcceptSize]);

}  // namespace weir::h1
