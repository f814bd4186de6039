#include "core/base/random.h"

#include <bit>
#include <cerrno>
#include <cstring>
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

// The two digits of every byte.
constexpr auto kHexPairs = [] {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, 512> pairs{};
  for (size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = kDigits[byte >> 4];
    pairs[2 * byte + 1] = kDigits[byte & 15];
  }
  return pairs;
}();

// Bytes first … last - 1 of the word, the highest being byte 0.
char* Hex(char* out, uint64_t word, int first, int last) {
  for (int at = first; at < last; ++at, out += 2) {
    std::memcpy(out, &kHexPairs[2 * (word >> (56 - 8 * at) & 0xff)], 2);
  }
  return out;
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
  const uint64_t high = (Next() & ~uint64_t{0xf000}) | 0x4000;              // version 4
  const uint64_t low = (Next() & 0x3fffffffffffffff) | 0x8000000000000000;  // variant 10
  char* out = Hex(room, high, 0, 4);
  *out++ = '-';
  out = Hex(out, high, 4, 6);
  *out++ = '-';
  out = Hex(out, high, 6, 8);
  *out++ = '-';
  out = Hex(out, low, 0, 2);
  *out++ = '-';
  Hex(out, low, 2, 8);
  return {room, kUuidSize};
}

}  // namespace weir::base
