#include "core/net/deadline_wheel.h"

#include <algorithm>
#include <bit>

namespace weir::net {

void DeadlineWheel::Set(Actor* actor, uint64_t deadline_ms) {
  actor->deadline_ = deadline_ms;
  if (deadline_ms == 0)
    return;  // left in the wheel: whoever visits it sees that there is nothing to do
  const uint64_t due = (deadline_ms >> kTickBits) + 1;
  if (actor->wheel_link_.linked() && actor->armed_ <= due) return;
  Arm(actor);
}

void DeadlineWheel::Arm(Actor* actor) {
  actor->wheel_link_.Unlink();
  // +1: a deadline inside a tick is due when the tick is over, so that nothing fires early.
  Place(actor, std::max((actor->deadline_ >> kTickBits) + 1, tick_ + 1));
}

void DeadlineWheel::Place(Actor* actor, uint64_t tick) {
  int ring = 0;
  // A slot of a ring can be used while it is less than a whole turn ahead of the present one.
  while (ring < kRings - 1 &&
         (tick >> (ring * kSlotBits)) - (tick_ >> (ring * kSlotBits)) >= kSlots)
    ++ring;
  uint64_t index = tick >> (ring * kSlotBits);
  const uint64_t present = tick_ >> (ring * kSlotBits);
  if (index - present >= kSlots)
    index = present + kSlots - 1;  // beyond the horizon: look again there
  actor->armed_ = index << (ring * kSlotBits);
  slots_[ring][index % kSlots].PushBack(actor);
  occupied_[ring] |= uint64_t{1} << (index % kSlots);
}

void DeadlineWheel::Visit(int ring, uint64_t index) {
  Slot& slot = slots_[ring][index % kSlots];
  occupied_[ring] &= ~(uint64_t{1} << (index % kSlots));
  Slot due;
  due.Splice(&slot);
  while (Actor* actor = due.PopFront()) {
    actor->armed_ = 0;
    if (actor->deadline_ == 0) continue;
    if ((actor->deadline_ >> kTickBits) + 1 > tick_) {
      Arm(actor);
    } else {
      actor->deadline_ = 0;
      actor->OnDeadline();
    }
  }
}

uint64_t DeadlineWheel::NextTick() const {
  uint64_t best = UINT64_MAX;
  for (int ring = 0; ring < kRings; ++ring) {
    if (occupied_[ring] == 0) continue;
    const uint64_t present = tick_ >> (ring * kSlotBits);
    // Bit i of the rotated word: the slot i + 1 after the present one.
    const uint64_t ahead = std::rotr(occupied_[ring], static_cast<int>((present + 1) % kSlots));
    const uint64_t index = present + 1 + static_cast<uint64_t>(std::countr_zero(ahead));
    best = std::min(best, index << (ring * kSlotBits));
  }
  return best;
}

void DeadlineWheel::Advance(uint64_t now_ms) {
  const uint64_t target = now_ms >> kTickBits;
  while (tick_ < target) {
    // Empty stretches are skipped in one step: a worker that slept an hour does not walk every
    // tick.
    tick_ = std::min(NextTick(), target);
    for (int ring = kRings - 1; ring >= 0; --ring) {
      if ((tick_ & ((uint64_t{1} << (ring * kSlotBits)) - 1)) != 0) continue;
      const uint64_t index = tick_ >> (ring * kSlotBits);
      if ((occupied_[ring] >> (index % kSlots)) & 1) Visit(ring, index);
    }
  }
}

uint64_t DeadlineWheel::NextIn(uint64_t now_ms) const {
  const uint64_t tick = NextTick();
  if (tick == UINT64_MAX) return tick;
  const uint64_t at = tick << kTickBits;
  return at > now_ms ? at - now_ms : 0;
}

}  // namespace weir::net
