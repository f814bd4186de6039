#include "core/http/metadata.h"

#include <algorithm>
#include <cstring>

namespace weir::http {

Metadata::Note* Metadata::FindNote(std::string_view space, std::string_view key) const {
  for (Note* note = first_; note != nullptr; note = note->next) {
    if (note->key == key && note->space == space) return note;
  }
  return nullptr;
}

std::string_view Metadata::Find(std::string_view space, std::string_view key) const {
  const Note* note = FindNote(space, key);
  return note == nullptr ? std::string_view{} : std::string_view{note->value, note->size};
}

bool Metadata::Set(base::Arena* arena, std::string_view space, std::string_view key,
                   std::string_view value) {
  if (space.size() + key.size() > kMaxNames || value.size() > kMaxValue) return false;
  Note* note = FindNote(space, key);
  if (note == nullptr && count_ == kMaxNotes) return false;
  const bool fits = note != nullptr && value.size() <= note->room;
  char* room = fits ? note->value : nullptr;
  size_t size = fits ? note->room : value.size();
  if (!fits) {
    // Twice as much for one that grows, so that growing for ever costs a bounded part of the arena.
    if (note != nullptr) size = std::min(kMaxValue, std::max(size, size_t{note->room} * 2));
    room = static_cast<char*>(arena->Allocate(std::max<size_t>(size, 1), 1));
    if (room == nullptr) return false;
  }
  if (note == nullptr) {
    const std::string_view kept_space = arena->Copy(space);
    const std::string_view kept_key = arena->Copy(key);
    note = arena->AllocateArray<Note>(1);
    if (note == nullptr || kept_space.size() != space.size() || kept_key.size() != key.size())
      return false;
    *note = {first_, kept_space, kept_key, room, 0, 0};
    first_ = note;
    ++count_;
  }
  if (!value.empty()) std::memmove(room, value.data(), value.size());
  note->value = room;
  note->size = static_cast<uint32_t>(value.size());
  note->room = static_cast<uint32_t>(size);
  return true;
}

}  // namespace weir::http
