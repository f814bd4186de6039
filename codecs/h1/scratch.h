// Where parsed heads live until the next call of `receive`: one array of fields per thread, shared
// by all codecs on it, so that an idle connection pays for none.
#pragma once

#include <cstdint>

#include "plugins/abi/weir.h"

namespace weir::h1 {

struct Scratch {
  weir_head head;
  weir_field* fields;  // `capacity` of them, behind this struct
  uint32_t capacity;
  uint32_t users;
  const weir_codec_host* owner;  // who gave the memory

  // The thread's scratch with room for `capacity` fields; null when memory is refused. Given back
  // with Release on the same thread, after which the pointer is dead.
  static Scratch* Acquire(const weir_codec_host* host, uint32_t capacity);
  void Release();

  // The head, made empty.
  weir_head& NewHead();
};

}  // namespace weir::h1
