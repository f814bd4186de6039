#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/arena.h"
#include "plugins/abi/tokens.h"
#include "plugins/abi/weir.h"

namespace weir::http {

inline std::string_view View(weir_view v) {
  return {v.data, v.size};
}
inline weir_view View(std::string_view v) {
  return {v.data(), v.size()};
}
inline std::string_view Name(const weir_field& f) {
  return {f.name, f.name_size};
}
inline std::string_view Value(const weir_field& f) {
  return {f.value, f.value_size};
}
inline bool Removed(const weir_field& f) {
  return (f.flags & WEIR_FIELD_REMOVED) != 0;
}
// Names whose meaning is in the head's values and that never stand in the fields.
inline bool IsFramingToken(uint16_t token) {
  return token != 0 && token <= WEIR_TOKEN_HTTP2_SETTINGS;
}

// One head (request, response, interim or trailers) in the protocol-neutral form. This is the one
// entrance of bytes into messages: what codecs hand over and what filters add is checked here, and
// what is not valid cannot be held.
//
// Fields stand in one array in the stream's arena. Their bytes stay where the codec found them
// until Own moves them to the arena; removing leaves a tombstone, so indices stay valid.
class Message {
 public:
  explicit Message(base::Arena* arena) : arena_(arena) {}
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  enum class Verdict : uint8_t { kOk, kInvalid, kTooLarge };

  // Takes over a codec's head: copies the field array, checks every byte. The views stay the
  // codec's until Own. max_fields: kTooLarge beyond. Unless the verdict is kOk the message is
  // empty.
  Verdict Take(const weir_head& head, uint32_t max_fields);
  // Moves all bytes into the arena, once: one copy for the block, others one by one. False: the
  // arena's limit is reached, and the message is empty. What is added later is in the arena
  // already, or somebody keeps it alive.
  bool Own();
  // An empty head of a kind, for messages that the host makes.
  void Reset(uint8_t kind, uint16_t status = 0);

  weir_head& head() { return head_; }
  const weir_head& head() const { return head_; }
  bool empty() const { return head_.kind == 0; }

  std::string_view method() const { return View(head_.method); }
  std::string_view path() const { return View(head_.path); }
  std::string_view authority() const { return View(head_.authority); }
  bool has(uint32_t flag) const { return (head_.flags & flag) != 0; }

  uint32_t count() const { return head_.field_count; }
  weir_field& field(uint32_t i) { return head_.fields[i]; }

  // The index-th field of that name. One bit test when the message has none. Known tokens only.
  weir_field* Find(uint16_t token, uint32_t index = 0);
  // The index-th field of that name (lower case).
  weir_field* Find(std::string_view name, uint32_t index = 0);
  // The same for a name that has no token.
  weir_field* FindUnknown(std::string_view name, uint32_t index);
  // The value of the first field, or nothing.
  std::string_view Get(uint16_t token) {
    const weir_field* f = Find(token);
    return f == nullptr ? std::string_view{} : Value(*f);
  }

  // Writers copy into the arena. WEIR_REFUSED: framing or pseudo name, or a byte that cannot be
  // there; WEIR_NO_ROOM: arena or field limit.
  int32_t Add(std::string_view name, std::string_view value);
  int32_t Set(std::string_view name, std::string_view value);
  int32_t Remove(std::string_view name);
  // The same for names of the table and values that the host made itself and keeps alive: nothing
  // is copied or checked.
  int32_t AddStatic(uint16_t token, std::string_view value);
  int32_t SetStatic(uint16_t token, std::string_view value);
  void Remove(uint16_t token);
  // Replaces a field's value: the raw line is no longer what it was.
  static void Edit(weir_field* field, std::string_view value);

  base::Arena* arena() const { return arena_; }

 private:
  Verdict TakeChecked(const weir_head& head, uint32_t max_fields);
  bool Grow();
  weir_field* Append();
  void Note(uint16_t token) {
    if (token < 128) present_[token >> 6] |= uint64_t{1} << (token & 63);
  }
  bool MayHave(uint16_t token) const {
    return token >= 128 || ((present_[token >> 6] >> (token & 63)) & 1) != 0;
  }
  template <class Fn>
  bool MoveViews(Fn&& move);

  weir_head head_{};
  uint32_t capacity_ = 0;
  uint32_t max_fields_ = 0;
  bool owned_ = false;  // no view points at a codec's bytes
  uint64_t present_[2] = {};
  base::Arena* arena_;
};

}  // namespace weir::http
