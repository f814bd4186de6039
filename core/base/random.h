#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::base {

// A worker's own pseudo-random numbers (xoshiro256++), seeded once: no system call and no lock per
// number. Good for spreading load and for naming requests; never for secrets.
class Random {
 public:
  // Seeds from the kernel. Throws std::system_error when it gives no bytes: call at start.
  static Random FromOs();
  // The same numbers for the same seed: the simulator and tests.
  explicit Random(uint64_t seed);

  uint64_t Next();
  // 0 … bound - 1, each as likely as the next to within bound / 2^64. A bound of 0 gives 0.
  uint64_t Below(uint64_t bound);

  static constexpr int kUuidSize = 36;
  // Writes the text of a version 4 UUID (RFC 9562 §5.4) to room[0 … 35], and answers a view of it.
  std::string_view Uuid(char* room);

 private:
  explicit Random(const std::array<uint64_t, 4>& state) : state_(state) {}

  std::array<uint64_t, 4> state_;  // never all zero
};

}  // namespace weir::base
