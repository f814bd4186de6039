#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/arena.h"

namespace weir::http {

// Notes from filter to filter and to the log, each under a name space and a key. Lives in an arena,
// whose end is theirs; nothing is taken from it before the first note.
class Metadata {
 public:
  static constexpr uint32_t kMaxNotes = 64;
  static constexpr size_t kMaxNames = 256;  // of space and key together
  static constexpr size_t kMaxValue = 4096;

  // data() null: there is no such note. The view is good until the note is set anew.
  std::string_view Find(std::string_view space, std::string_view key) const;
  // Copies. False: a limit is reached, and nothing was changed.
  bool Set(base::Arena* arena, std::string_view space, std::string_view key,
           std::string_view value);

 private:
  struct Note {
    Note* next;
    std::string_view space;
    std::string_view key;
    char* value;
    uint32_t size;
    uint32_t room;
  };

  Note* FindNote(std::string_view space, std::string_view key) const;

  Note* first_ = nullptr;
  uint32_t count_ = 0;
};

}  // namespace weir::http
