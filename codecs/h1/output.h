// Writes small bytes to a weir_out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "plugins/abi/weir.h"
#include "plugins/util/ascii.h"

namespace weir::h1 {

class Output {
 public:
  Output(const weir_codec_host* host, weir_out* out) : host_(host), out_(out) {}

  // At least `size` bytes (at most kMaxRoom) to write at; null when the host gave none, which is
  // kept in failed().
  char* Room(size_t size) {
    if (static_cast<size_t>(out_->limit - out_->at) < size) {
      host_->out_room(out_, size);
      if (static_cast<size_t>(out_->limit - out_->at) < size) {
        failed_ = true;
        return nullptr;
      }
    }
    return reinterpret_cast<char*>(out_->at);
  }

  // Ends a write that began with Room.
  void Wrote(const char* end) {
    out_->at = const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(end));
  }

  void Put(const char* data, size_t size) {
    while (size > kMaxRoom) {
      PutPiece(data, kMaxRoom);
      data += kMaxRoom;
      size -= kMaxRoom;
    }
    PutPiece(data, size);
  }

  void Put(std::string_view text) { Put(text.data(), text.size()); }
  void Put(weir_view view) { Put(view.data, view.size); }

  void PutDecimal(uint64_t value) {
    if (char* at = Room(20)) Wrote(util::WriteDecimal(at, value));
  }

  weir_out* raw() { return out_; }
  bool failed() const { return failed_; }

  static constexpr size_t kMaxRoom = 65536;

 private:
  void PutPiece(const char* data, size_t size) {
    if (size == 0) return;
    if (char* at = Room(size)) {
      std::memcpy(at, data, size);
      Wrote(at + size);
    }
  }

  const weir_codec_host* host_;
  weir_out* out_;
  bool failed_ = false;
};

}  // namespace weir::h1
