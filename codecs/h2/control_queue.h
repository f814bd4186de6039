// Frames that answer what the peer did, until the next output takes them: acknowledgements, resets,
// credit. Bounded: a peer that makes us say more than it reads is told to calm down.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plugins/abi/weir.h"

namespace weir::h2 {

class ControlQueue {
 public:
  ControlQueue(const weir_codec_host* host, size_t limit) : host_(host), limit_(limit) {}
  ControlQueue(const ControlQueue&) = delete;
  ControlQueue& operator=(const ControlQueue&) = delete;
  ~ControlQueue() { Release(); }

  size_t size() const { return size_; }
  // Room for a frame of up to `size` bytes; null when the bound or the memory is at its end.
  uint8_t* Room(size_t size);
  void Wrote(const uint8_t* end) { size_ = static_cast<size_t>(end - bytes_); }
  void Clear() { size_ = 0; }
  // Moves everything to the output and gives memory back.
  void MoveTo(weir_out* out);

 private:
  static constexpr size_t kInside = 96;  // what a connection says in its first turn

  void Release();

  const weir_codec_host* const host_;
  const size_t limit_;
  uint8_t* bytes_ = inside_;
  size_t size_ = 0;
  size_t room_ = kInside;
  uint8_t inside_[kInside];
};

}  // namespace weir::h2
