// Looks for the end of a head that comes in pieces, each byte once: a client that sends one byte at
// a time costs as much as one that sends all, and the head is parsed once more when its end is
// here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::h1 {

class HeadScan {
 public:
  // The first `size` bytes of the message at `data` (never fewer than last time, 64 readable bytes
  // behind them): whether it is worth while to parse now, because the empty line is there, or a
  // byte that is a fault, or more than `max_lines` lines.
  bool Ready(const char* data, size_t size, uint32_t max_lines);

  // Whether a head was looked at and was found incomplete.
  bool active() const { return active_; }
  void Reset() { *this = HeadScan(); }

 private:
  uint32_t scanned_ = 0;
  uint32_t lines_ = 0;
  bool active_ = false;
};

}  // namespace weir::h1
