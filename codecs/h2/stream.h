// One stream of an HTTP/2 connection as its codec sees it (RFC 9113 section 5).
#pragma once

#include <cstdint>

#include "codecs/h2/guards/guards.h"
#include "codecs/h2/intrusive.h"
#include "plugins/abi/weir.h"

namespace weir::h2 {

struct Group;

struct Stream {
  uint32_t number = 0;  // the host's
  uint32_t wire = 0;  // the identifier in frames; 0: none yet (a client's, before its head is sent)
  weir_stream* user = nullptr;

  // What the peer lets us send; SETTINGS may bring it below zero (section 6.9.2).
  int32_t send_window = 0;
  // receive_window + credit + what the host holds == window_size, always.
  int64_t receive_window = 0;  // what the peer may send
  uint32_t credit = 0;         // consumed, and not announced yet
  uint32_t window_size = 0;

  SlowReader reader;

  uint64_t length_left = 0;  // bytes that content-length still promises

  Group* group = nullptr;  // whose turn it takes; null until it may send
  ListLink ready_link;     // in its group's list of its urgency, or among the parked
  ListLink all_link;

  uint8_t urgency = 3;
  GuardId slow_guard = GuardId::kNone;
  bool incremental : 1 = true;
  bool ready : 1 = false;    // in a list of its group
  bool parked : 1 = false;   // has bytes, and waits for the connection's window
  bool starved : 1 = false;  // has bytes, and waits for its own window
  bool send_open : 1 = true;
  bool receive_open : 1 = true;
  bool head_sent : 1 = false;      // the final one
  bool head_received : 1 = false;  // the final one
  bool has_length : 1 = false;
  bool no_content : 1 = false;  // an answer without content whatever its length says
  bool discard : 1 = false;     // what still comes of its body is of no use to anybody
  bool slow : 1 = false;        // found too slow: slow_guard says how
  bool overdue : 1 = false;     // ended by us, for end_reason; the host does not know yet
  bool wants_turn : 1 = false;  // became ready before its head was sent
  bool tunnel : 1 = false;      // asked for; over only when both halves are
  bool tunnel_open : 1 = false;
  bool to_head : 1 = false;     // client: the request's method is HEAD
  bool to_connect : 1 = false;  // client: ... or CONNECT
  uint16_t interims = 0;        // client: 1xx heads so far
  uint16_t end_reason = WEIR_REASON_TIMEOUT;
};

static_assert(sizeof(Stream) <= 184, "a connection has up to a hundred of these");

}  // namespace weir::h2
