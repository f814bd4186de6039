#include "codecs/h2/scratch.h"

namespace weir::h2 {
namespace {

// The newest one; an older, smaller one lives until its users are gone.
thread_local Scratch* current = nullptr;

}  // namespace

Scratch* Scratch::Acquire(const weir_codec_host* host, uint32_t max_fields, uint32_t max_list) {
  if (current == nullptr || current->max_fields < max_fields || current->max_list < max_list) {
    // 64 bytes behind the text, for scans that read past a view's end.
    const size_t size =
        sizeof(Scratch) + max_fields * sizeof(weir_field) + size_t{2} * max_list + 64;
    void* const memory = host->alloc(size);
    if (memory == nullptr) return nullptr;
    auto* const scratch = static_cast<Scratch*>(memory);
    *scratch = Scratch{};
    scratch->fields = reinterpret_cast<weir_field*>(scratch + 1);
    scratch->text = reinterpret_cast<char*>(scratch->fields + max_fields);
    scratch->max_fields = max_fields;
    scratch->max_list = max_list;
    scratch->size = size;
    scratch->owner = host;
    current = scratch;
  }
  ++current->users;
  return current;
}

void Scratch::Release() {
  if (--users != 0) return;
  if (current == this) current = nullptr;
  owner->free(this, size);
}

}  // namespace weir::h2
