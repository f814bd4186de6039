#include "tests/simulation/ledger.h"

#include <algorithm>
#include <cstring>

namespace weir::sim {
namespace {

uint64_t Word(uint64_t key, uint64_t index) {
  uint64_t x = key + index * 0xbf58476d1ce4e5b9u;
  x ^= x >> 31;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 29);
}

template <typename Fn>
void ForEachPiece(uint64_t key, uint64_t offset, size_t size, Fn&& fn) {
  for (size_t done = 0; done < size;) {
    const uint64_t at = offset + done;
    const uint64_t word = Word(key, at / 8);
    const size_t skip = at % 8;
    const size_t n = std::min(size - done, 8 - skip);
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(word >> (8 * i));
    if (!fn(bytes + skip, done, n)) return;
    done += n;
  }
}

}  // namespace

void AppendBody(uint64_t key, uint64_t offset, size_t size, std::string* out) {
  out->reserve(out->size() + size);
  ForEachPiece(key, offset, size, [&](const char* bytes, size_t, size_t n) {
    out->append(bytes, n);
    return true;
  });
}

int64_t CompareBody(uint64_t key, uint64_t offset, std::string_view bytes) {
  int64_t differs = -1;
  ForEachPiece(key, offset, bytes.size(), [&](const char* expected, size_t at, size_t n) {
    if (std::memcmp(expected, bytes.data() + at, n) == 0) return true;
    differs = static_cast<int64_t>(at);
    return false;
  });
  return differs;
}

}  // namespace weir::sim
