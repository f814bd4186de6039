#pragma once

#include <atomic>
#include <cstdint>

#include "plugins/abi/weir.h"

// What stands in a weir_ticket: value[0] the number of a stream or connection on its worker, never
// 0; value[1] the number of that worker's thread, whether it is a connection of network filters,
// and the filter's place in its chain.

namespace weir::net {

// Tells threads apart, from 1: a ticket used on another worker must find nothing, whatever numbers
// the streams there have.
inline uint32_t ThreadNumber() {
  static std::atomic<uint32_t> last{0};
  thread_local const uint32_t number = ++last;
  return number;
}

enum class TicketKind : uint8_t { kStream, kConnection };

inline weir_ticket MakeTicket(uint64_t number, TicketKind kind, uint32_t index) {
  const uint64_t of = kind == TicketKind::kConnection ? uint64_t{1} << 31 : 0;
  return {{number, uint64_t{ThreadNumber()} << 32 | of | index}};
}

inline uint32_t TicketThread(weir_ticket ticket) {
  return ticket.value[0] == 0 ? 0 : static_cast<uint32_t>(ticket.value[1] >> 32);
}
inline TicketKind TicketKindOf(weir_ticket ticket) {
  return (ticket.value[1] >> 31 & 1) != 0 ? TicketKind::kConnection : TicketKind::kStream;
}
inline uint32_t TicketIndex(weir_ticket ticket) {
  return static_cast<uint32_t>(ticket.value[1]) & 0x7fffffff;
}
// Whether it may name something of `kind` on the calling thread.
inline bool TicketIsHere(weir_ticket ticket, TicketKind kind) {
  return TicketThread(ticket) == ThreadNumber() && TicketKindOf(ticket) == kind;
}

}  // namespace weir::net
