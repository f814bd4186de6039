// Which of the latest streams we have ended while the peer could still send on them: what comes for
// those was on its way and is dropped in silence, what comes for any other closed stream is a fault
// (RFC 9113 section 5.1). And which identifiers were used at all: one that was passed over can not
// be used any more (section 5.1.1). Two bits for each of the last 512 identifiers; of older ones
// nothing is known, and they are taken for used and reset.
#pragma once

#include <cstdint>

namespace weir::h2 {

class ClosedStreams {
 public:
  // `wire` is used now. Calls come with rising ones.
  void Advance(uint32_t wire) {
    const uint32_t to = wire >> 1;
    if (to - last_ >= kBits) {
      for (uint64_t& word : reset_) word = 0;
      for (uint64_t& word : used_) word = 0;
    } else {
      for (uint32_t i = last_ + 1; i <= to; ++i) {
        reset_[Word(i)] &= ~Mask(i);
        used_[Word(i)] &= ~Mask(i);
      }
    }
    last_ = to;
    used_[Word(to)] |= Mask(to);
  }
  void Mark(uint32_t wire) {
    const uint32_t index = wire >> 1;
    if (index <= last_ && last_ - index < kBits) reset_[Word(index)] |= Mask(index);
  }
  bool WasReset(uint32_t wire) const { return Has(reset_, wire); }
  bool WasUsed(uint32_t wire) const { return Has(used_, wire); }

 private:
  static constexpr uint32_t kWords = 8;
  static constexpr uint32_t kBits = kWords * 64;

  static constexpr uint64_t Mask(uint32_t index) { return uint64_t{1} << (index % 64); }
  static constexpr uint32_t Word(uint32_t index) { return (index / 64) % kWords; }
  bool Has(const uint64_t* words, uint32_t wire) const {
    const uint32_t index = wire >> 1;
    return last_ - index >= kBits || (words[Word(index)] & Mask(index)) != 0;
  }

  uint64_t reset_[kWords] = {};
  uint64_t used_[kWords] = {};
  uint32_t last_ = 0;
};

}  // namespace weir::h2
