// Streams, or groups of them, by number: open addressing, a power of two of places, at most half of
// them taken. A few places are inside, so that a connection with few streams needs no memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "plugins/abi/weir.h"

namespace weir::h2 {

// T has a member `number`, never 0.
template <class T>
class NumberTable {
 public:
  explicit NumberTable(const weir_codec_host* host) : host_(host) {}
  NumberTable(const NumberTable&) = delete;
  NumberTable& operator=(const NumberTable&) = delete;
  ~NumberTable() { Release(); }

  uint32_t size() const { return size_; }

  T* Find(uint32_t number) const {
    for (uint32_t at = Home(number);; at = (at + 1) & mask_) {
      T* item = places_[at];
      if (item == nullptr || item->number == number) return item;
    }
  }

  // False when there is no memory for it.
  bool Insert(T* item) {
    if ((size_ + 1) * 2 > mask_ + 1 && !Grow()) return false;
    Place(item);
    ++size_;
    return true;
  }

  // The places behind it move up, so that no search ends early.
  void Erase(uint32_t number) {
    uint32_t hole = Home(number);
    while (places_[hole] != nullptr && places_[hole]->number != number) hole = (hole + 1) & mask_;
    if (places_[hole] == nullptr) return;
    --size_;
    for (uint32_t at = (hole + 1) & mask_; places_[at] != nullptr; at = (at + 1) & mask_) {
      const uint32_t home = Home(places_[at]->number);
      if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
      places_[hole] = places_[at];
      hole = at;
    }
    places_[hole] = nullptr;
  }

 private:
  static constexpr uint32_t kInside = 8;

  // Odd numbers in a row, as streams have them, fall into places in a row.
  uint32_t Home(uint32_t number) const { return (number >> 1) & mask_; }

  void Place(T* item) {
    uint32_t at = Home(item->number);
    while (places_[at] != nullptr) at = (at + 1) & mask_;
    places_[at] = item;
  }

  bool Grow() {
    const uint32_t old = mask_ + 1;
    auto** places = static_cast<T**>(host_->alloc(old * 2 * sizeof(T*)));
    if (places == nullptr) return false;
    T** const before = places_;
    std::fill(places, places + old * 2, nullptr);
    places_ = places;
    mask_ = old * 2 - 1;
    for (uint32_t i = 0; i < old; ++i) {
      if (before[i] != nullptr) Place(before[i]);
    }
    if (before != inside_) host_->free(before, old * sizeof(T*));
    return true;
  }

  void Release() {
    if (places_ != inside_) host_->free(places_, (mask_ + 1) * sizeof(T*));
  }

  const weir_codec_host* const host_;
  T** places_ = inside_;
  uint32_t mask_ = kInside - 1;
  uint32_t size_ = 0;
  T* inside_[kInside] = {};
};

}  // namespace weir::h2
