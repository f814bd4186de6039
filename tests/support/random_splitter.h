// Feeds the same bytes in every way that a network may cut them: whole, byte by byte, and in random
// pieces. A decoder's test passes when all of them give the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

// How to cut `size` bytes: the sizes of the pieces, in order; none is 0 and they add up to `size`.
using Cuts = std::vector<size_t>;

inline Cuts WholeCut(size_t size) {
  return size == 0 ? Cuts{} : Cuts{size};
}

inline Cuts ByteCuts(size_t size) {
  return Cuts(size, 1);
}

// Pieces of 1 to `longest` bytes.
inline Cuts RandomCuts(size_t size, size_t longest, std::mt19937_64& random) {
  Cuts cuts;
  while (size > 0) {
    const size_t piece = std::min(size, 1 + static_cast<size_t>(random() % longest));
    cuts.push_back(piece);
    size -= piece;
  }
  return cuts;
}

// Two pieces, for each place where one can cut.
inline std::vector<Cuts> EveryTwoCuts(size_t size) {
  std::vector<Cuts> all;
  for (size_t at = 1; at < size; ++at) all.push_back({at, size - at});
  return all;
}

// What a decoder's test runs: whole, byte by byte, and `count` random cuts of short and long
// pieces. The seed is fixed: a failure comes again.
inline std::vector<Cuts> AllCuts(size_t size, size_t count = 24, uint64_t seed = 1) {
  std::vector<Cuts> all{WholeCut(size), ByteCuts(size)};
  std::mt19937_64 random(seed * 1000003 + size);
  for (size_t i = 0; i < count; ++i) {
    all.push_back(RandomCuts(size, i % 2 == 0 ? 7 : 1 + size / 2, random));
  }
  return all;
}

inline std::string DescribeCuts(const Cuts& cuts) {
  std::string text = std::to_string(cuts.size()) + " pieces:";
  for (size_t i = 0; i < cuts.size() && i < 40; ++i) text += " " + std::to_string(cuts[i]);
  return cuts.size() > 40 ? text + " ..." : text;
}

}  // namespace weir::test
