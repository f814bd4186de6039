// So many events at once, and so many per second after that. Whole numbers only; what is kept is
// the debt, which drains with time, so that nothing adds up over the life of a connection.
#pragma once

#include <cstdint>

namespace weir::h2 {

class TokenBucket {
 public:
  struct Rate {
    uint32_t per_second;  // 0: nothing drains
    uint32_t burst;       // at most kMaxBurst
  };
  static constexpr uint32_t kMaxBurst = 4000000;

  // True: the event fits. False: it does not and nothing is charged. `now_ms` does not run
  // backward.
  constexpr bool Charge(uint64_t now_ms, uint32_t weight, Rate rate) {
    Drain(static_cast<uint32_t>(now_ms), rate.per_second);
    const uint64_t debt = uint64_t{milli_} + uint64_t{weight} * 1000;
    if (debt > uint64_t{rate.burst} * 1000) return false;
    milli_ = static_cast<uint32_t>(debt);
    return true;
  }

 private:
  // Of the time the low half is kept: who is silent for 49 days is taken to have been silent for
  // what is left of them, and has its old debt at worst.
  constexpr void Drain(uint32_t now, uint32_t per_second) {
    const uint64_t drained = uint64_t{now - last_ms_} * per_second;  // thousandths, as it happens
    milli_ = drained >= milli_ ? 0 : milli_ - static_cast<uint32_t>(drained);
    last_ms_ = now;
  }

  uint32_t milli_ = 0;  // thousandths of an event
  uint32_t last_ms_ = 0;
};

// Events that the peer has earned by what it did or what we sent, and that cost nothing. Bounded,
// so that a long good life pays for a short bad moment only.
class Allowance {
 public:
  constexpr void Earn(uint64_t events, uint64_t most) {
    const uint64_t sum = earned_ + events;
    earned_ = static_cast<uint32_t>(sum < most ? sum : most);
  }

  // How many of `events` are not paid for.
  constexpr uint32_t Spend(uint32_t events) {
    const uint32_t paid = events < earned_ ? events : earned_;
    earned_ -= paid;
    return events - paid;
  }

 private:
  uint32_t earned_ = 0;
};

}  // namespace weir::h2
