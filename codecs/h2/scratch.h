// Where a decoded head lives until the next call of `receive`: one per thread, shared by all codecs
// on it, so that an idle connection pays for none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plugins/abi/weir.h"

namespace weir::h2 {

struct Scratch {
  weir_head head;
  weir_field* fields;  // room for max_fields, and for what a head has besides
  char* text;          // room for two field lists: what was decoded, and what is joined from it
  uint32_t max_fields;
  uint32_t max_list;
  uint32_t users;
  size_t size;                   // of all of it
  const weir_codec_host* owner;  // who gave the memory

  // The thread's scratch with room for blocks of these limits; null when memory is refused. Given
  // back with Release on the same thread, after which the pointer is dead.
  static Scratch* Acquire(const weir_codec_host* host, uint32_t max_fields, uint32_t max_list);
  void Release();
};

}  // namespace weir::h2
