#pragma once

#include <cstdint>

#include "core/net/actor.h"

namespace weir::net {

// Deadlines of a worker's actors. Three rings of 64 slots: 16 ms, 1.024 s and 65.536 s a slot, so
// about 70 minutes ahead; what is further away is looked at again then. A deadline may fire up to
// one slot of the lowest ring (16 ms) late, never early.
class DeadlineWheel {
 public:
  explicit DeadlineWheel(uint64_t now_ms) : tick_(now_ms >> kTickBits) {}

  // deadline_ms 0 disarms. A later deadline than the armed one costs a store.
  void Set(Actor* actor, uint64_t deadline_ms);
  // Fires everything due at now_ms, in order of slots.
  void Advance(uint64_t now_ms);
  // Milliseconds from now until the next slot that may hold something due; UINT64_MAX when the
  // wheel is empty.
  uint64_t NextIn(uint64_t now_ms) const;

 private:
  static constexpr int kTickBits = 4;  // 16 ms
  static constexpr int kSlotBits = 6;
  static constexpr int kSlots = 1 << kSlotBits;
  static constexpr int kRings = 3;
  using Slot = base::List<Actor, &Actor::wheel_link_>;

  // The first tick after tick_ at which a slot is to be visited; UINT64_MAX when all are empty.
  uint64_t NextTick() const;
  void Arm(Actor* actor);
  void Place(Actor* actor, uint64_t tick);
  void Visit(int ring, uint64_t slot_index);

  uint64_t tick_;  // all ticks <= this were visited
  Slot slots_[kRings][kSlots];
  uint64_t occupied_[kRings] =
      {};  // may have bits of slots that emptied since; cleared when visited
};

}  // namespace weir::net
