#include "core/net/connection_notes.h"

namespace weir::net {

std::string_view ConnectionNotes::Find(std::string_view space, std::string_view key) const {
  for (const Note& note : notes_) {
    if (note.space == space && note.key == key) return note.value;
  }
  return {};
}

bool ConnectionNotes::Set(std::string_view space, std::string_view key, std::string_view value) {
  if (space.size() + key.size() > kMaxNames || value.size() > kMaxValue) return false;
  for (Note& note : notes_) {
    if (note.space != space || note.key != key) continue;
    note.value = value;
    return true;
  }
  if (notes_.size() == kMaxNotes) return false;
  notes_.push_back({std::string(space), std::string(key), std::string(value)});
  return true;
}

}  // namespace weir::net
