#include "codecs/h1/scratch.h"

#include <cstddef>

namespace weir::h1 {

namespace {

// The newest one; an older, smaller one lives until its users are gone.
thread_local Scratch* current = nullptr;

size_t SizeOf(uint32_t capacity) {
  return sizeof(Scratch) + capacity * sizeof(weir_field);
}

}  // namespace

Scratch* Scratch::Acquire(const weir_codec_host* host, uint32_t capacity) {
  if (current == nullptr || current->capacity < capacity) {
    void* const memory = host->alloc(SizeOf(capacity));
    if (memory == nullptr) return nullptr;
    auto* const scratch = static_cast<Scratch*>(memory);
    *scratch = Scratch{};
    scratch->fields = reinterpret_cast<weir_field*>(scratch + 1);
    scratch->capacity = capacity;
    scratch->owner = host;
    current = scratch;
  }
  ++current->users;
  return current;
}

void Scratch::Release() {
  if (--users != 0) return;
  if (current == this) current = nullptr;
  owner->free(this, SizeOf(capacity));
}

// Member by member: a fill of the whole struct becomes a string instruction, which costs more.
weir_head& Scratch::NewHead() {
  constexpr weir_view kNone = {nullptr, 0};
  head.struct_size = sizeof(head);
  head.kind = 0;
  head.http_version = 0;
  head.status = 0;
  head.flags = 0;
  head.field_count = 0;
  head.fields = fields;
  head.content_length = 0;
  head.method = kNone;
  head.scheme = kNone;
  head.authority = kNone;
  head.path = kNone;
  head.protocol = kNone;
  head.group = 0;
  head.reserved = 0;
  head.block = kNone;
  return head;
}

}  // namespace weir::h1
