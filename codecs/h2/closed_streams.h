// Which of the latest streams we have ended while the peer could still send on them: what comes for
// those was on its way and is dropped in silence, what comes for any other closed stream is a fault
// (RFC 9113 section 5.1). A bit for each of the last 1024 identifiers; of older ones nothing is
// known, and they are taken for reset.
#pragma once

#include <cstdint>

namespace weir::h2 {

class ClosedStreams {
 public:
  // `wire` is the highest identifier in use now. Calls come with rising ones.
  void Advance(uint32_t wire) {
    const uint32_t to = wire >> 1;
    if (to - last_ >= kBits) {
      for (uint64_t& word : words_) word = 0;
    } else {
      for (uint32_t i = last_ + 1; i <= to; ++i) Word(i) &= ~Mask(i);
    }
    last_ = to;
  }
  void Mark(uint32_t wire) {
    const uint32_t index = wire >> 1;
    if (index <= last_ && last_ - index < kBits) Word(index) |= Mask(index);
  }
  bool WasReset(uint32_t wire) const {
    const uint32_t index = wire >> 1;
    return last_ - index >= kBits || (words_[(index / 64) % kWords] & Mask(index)) != 0;
  }

 private:
  static constexpr uint32_t kWords = 16;
  static constexpr uint32_t kBits = kWords * 64;

  static constexpr uint64_t Mask(uint32_t index) { return uint64_t{1} << (index % 64); }
  uint64_t& Word(uint32_t index) { return words_[(index / 64) % kWords]; }

  uint64_t words_[kWords] = {};
  uint32_t last_ = 0;
};

}  // namespace weir::h2
