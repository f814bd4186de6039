// Memory of streams and of groups: kept per thread between uses, shared by all connections there,
// so that a request takes none from the system and an idle connection holds none. It goes back with
// the last connection of the thread.
#pragma once

#include <cstddef>
#include <new>

#include "plugins/abi/weir.h"

namespace weir::h2 {

template <class T>
class ObjectPool {
 public:
  // For each connection, around all else.
  static void Enter() { ++Here().users; }
  static void Leave(const weir_codec_host* host) {
    Kept& kept = Here();
    if (--kept.users > 0) return;
    while (kept.first != nullptr) {
      Node* node = kept.first;
      kept.first = node->next;
      host->free(node, sizeof(T));
    }
    kept.count = 0;
  }

  // Null when memory is refused.
  static T* New(const weir_codec_host* host) {
    Kept& kept = Here();
    void* memory;
    if (kept.first != nullptr) {
      memory = kept.first;
      kept.first = kept.first->next;
      --kept.count;
    } else {
      memory = host->alloc(sizeof(T));
    }
    return memory == nullptr ? nullptr : new (memory) T;
  }

  static void Delete(const weir_codec_host* host, T* object) {
    object->~T();
    Kept& kept = Here();
    if (kept.count == kMostKept) {
      host->free(object, sizeof(T));
      return;
    }
    kept.first = new (object) Node{kept.first};
    ++kept.count;
  }

 private:
  static constexpr size_t kMostKept = 4096;

  struct Node {
    Node* next;
  };
  static_assert(sizeof(T) >= sizeof(Node));
  static_assert(alignof(T) % alignof(Node) == 0);

  struct Kept {
    Node* first = nullptr;
    size_t count = 0;
    size_t users = 0;
  };

  static Kept& Here() {
    static thread_local Kept kept;
    return kept;
  }
};

}  // namespace weir::h2
