// From decoded fields to the neutral head: what RFC 9113 section 8 says a request, a response and
// trailers may consist of. Whether the bytes of names and values are legal is the host's to check.
#pragma once

#include <cstdint>
#include <string_view>

#include "codecs/h2/frames/priority_value.h"
#include "codecs/h2/hpack/decoder.h"
#include "plugins/abi/weir.h"

namespace weir::h2 {

struct HeadFault {
  uint16_t status = 0;           // 0: malformed, the stream is reset (section 8.1.1)
  const char* detail = nullptr;  // null: nothing is wrong
};

class HeadReader {
 public:
  // Cookie crumbs are joined at block->at.
  HeadReader(hpack::Block* from, weir_head* to, bool ends_stream)
      : block_(from), head_(to), end_stream_(ends_stream) {}

  bool accept_tunnels = false;  // extended CONNECT (RFC 8441)
  bool accept_connect = false;

  // What the request's `priority` says.
  PriorityValue priority;
  bool has_priority = false;

  // Each fills *head from the block; the fields that are left stand in front of block->fields.
  HeadFault Request();
  HeadFault Response();
  HeadFault Trailers();

 private:
  HeadFault Pseudo(const weir_field& field, uint32_t* seen);
  HeadFault Field(weir_field* field, bool request);
  HeadFault Framing(const weir_field& field, bool request);
  HeadFault Collect(bool request);
  HeadFault Tunnel(uint32_t seen);
  HeadFault Authority();
  bool JoinCookies();
  void Start(uint8_t kind);

  hpack::Block* const block_;
  weir_head* const head_;
  const bool end_stream_;
  std::string_view host_{};  // of a request, beside :authority
  uint32_t kept_ = 0;
  uint32_t cookies_ = 0;
  uint32_t seen_ = 0;
};

}  // namespace weir::h2
