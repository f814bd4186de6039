// Heads as bytes (RFC 9112 sections 3, 4 and 5). Framing comes from values that the codec decided;
// the field array is copied, runs of untouched lines whole.
#pragma once

#include <cstdint>
#include <string_view>

#include "codecs/h1/output.h"
#include "plugins/abi/tokens.h"
#include "plugins/abi/weir.h"

namespace weir::h1 {

// The framing lines of a head.
struct HeadFraming {
  bool has_length = false;
  bool chunked = false;
  bool close = false;       // connection: close
  bool keep_alive = false;  // connection: keep-alive, which HTTP/1.0 wants to hear
  bool te_trailers = false;
  bool expect_continue = false;
  uint64_t length = 0;
  std::string_view upgrade;    // not empty: connection: upgrade, and the protocol
  std::string_view ws_key;     // sec-websocket-key
  std::string_view ws_accept;  // sec-websocket-accept
  bool ws_version = false;     // sec-websocket-version: 13
};

// The standard phrase; empty for a status that has none.
std::string_view ReasonPhrase(uint32_t status);

void WriteStatusLine(uint32_t status, Output* out);
void WriteRequestLine(std::string_view method, std::string_view target, std::string_view authority,
                      Output* out);

// Fields without the empty line. Tombstones and framing fields are passed over, and what has the
// token `except`, which the codec says itself.
void WriteFields(const weir_field* fields, uint32_t count, uint8_t raw_form, Output* out,
                 uint16_t except = WEIR_TOKEN_UNSET);

// The framing lines and the empty line.
void WriteFraming(const HeadFraming& framing, Output* out);

}  // namespace weir::h1
