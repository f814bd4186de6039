#include "core/base/random.h"

#include <bit>
#include <cerrno>
#include <system_error>

#include <sys/random.h>

namespace weir::base {
namespace {

// SplitMix64: spreads a seed of few bits over the whole state.
uint64_t Spread(uint64_t* seed) {
  uint64_t z = (*seed += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Random Random::FromOs() {
  std::array<uint64_t, 4> state{};
  ssize_t got = 0;
  do {
    got = getrandom(state.data(), sizeof(state), 0);  // whole: up to 256 bytes are never cut short
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof(state))) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  state[0] |= 1;
  return Random(state);
}

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) word = Spread(&seed);
  state_[0] |= 1;
}

uint64_t Random::Next() {
  const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Random::Below(uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((Wide{Next()} * bound) >> 64);
}

std::string_view Random::Uuid(char* room) {
  static constexpr char kHex[] = "0123456789abcdef";
  const uint64_t high = (Next() & ~uint64_t{0xf000}) | 0x4000;              // version 4
  const uint64_t low = (Next() & 0x3fffffffffffffff) | 0x8000000000000000;  // variant 10
  char* out = room;
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) *out++ = '-';
    const uint64_t word = digit < 16 ? high : low;
    *out++ = kHex[(word >> (60 - 4 * (digit % 16))) & 0xf];
  }
  return {room, kUuidSize};
}

}  // namespace weir::base
