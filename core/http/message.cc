#include "core/http/message.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "plugins/util/scan.h"
#include "plugins/util/token.h"

namespace weir::http {
namespace {

constexpr size_t kMaxValue = 262144;   // the largest piece of an arena
constexpr uint32_t kSpareFields = 12;  // what the connection manager and a filter or two add

bool ValidName(const weir_field& f) {
  return f.name_size > 0 && util::IsLowerName(f.name, f.name_size);
}

bool ValidValue(std::string_view v) {
  if (v.empty()) return true;
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  return !blank(v.front()) && !blank(v.back()) && util::IsFieldValue(v.data(), v.size());
}

bool IsTokenText(weir_view v) {
  for (size_t i = 0; i < v.size; ++i) {
    if (!util::IsTokenByte(v.data[i])) return false;
  }
  return true;
}

bool ValidPath(const weir_head& h) {
  if (h.path.size == 0) return View(h.method) == "CONNECT" && h.protocol.size == 0;
  return (h.path.data[0] == '/' || View(h.path) == "*") && util::IsTarget(h.path.data, h.path.size);
}

bool ValidRequest(const weir_head& h) {
  return h.method.size > 0 && IsTokenText(h.method) && IsTokenText(h.protocol) && ValidPath(h) &&
         (h.authority.size == 0 || util::IsTarget(h.authority.data, h.authority.size)) &&
         (h.scheme.size == 0 || View(h.scheme) == "http" || View(h.scheme) == "https");
}

bool ValidStart(const weir_head& h) {
  switch (h.kind) {
    case WEIR_HEAD_REQUEST:
      return ValidRequest(h);
    case WEIR_HEAD_INTERIM:
      return h.status >= 100 && h.status <= 199 && h.status != 101;
    case WEIR_HEAD_RESPONSE:
      if ((h.flags & WEIR_HEAD_TUNNEL) != 0 && !IsTokenText(h.protocol)) return false;
      return (h.status >= 200 && h.status <= 599) ||
             (h.status == 101 && (h.flags & WEIR_HEAD_TUNNEL) != 0);
    default:
      return h.kind == WEIR_HEAD_TRAILERS;
  }
}

// Whether the field's raw line lies in the block with all of it, so that moving the block moves the
// line.
bool RawIn(const weir_field& f, const char* from, const char* end) {
  return f.name >= from && f.name + f.name_size <= f.value &&
         f.value + f.value_size + f.raw_tail <= end;
}

}  // namespace

Message::Verdict Message::Take(const weir_head& head, uint32_t max_fields) {
  const Verdict verdict = TakeChecked(head, max_fields);
  // What is not valid cannot be held, not even by a caller who goes on.
  if (verdict != Verdict::kOk) Reset(0);
  return verdict;
}

Message::Verdict Message::TakeChecked(const weir_head& head, uint32_t max_fields) {
  if (head.field_count > max_fields) return Verdict::kTooLarge;
  if (!ValidStart(head)) return Verdict::kInvalid;
  head_ = head;
  owned_ = false;
  max_fields_ = max_fields + 64;  // what filters may add on top
  capacity_ = head.field_count + kSpareFields;
  head_.fields = arena_->AllocateArray<weir_field>(capacity_);
  if (head_.fields == nullptr) return Verdict::kTooLarge;
  present_[0] = present_[1] = 0;
  for (uint32_t i = 0; i < head.field_count; ++i) {
    weir_field& f = head_.fields[i];
    f = head.fields[i];
    // "Not in the table" is looked up too: a framing name with a wrong token would pass for an
    // ordinary one.
    if (f.token == WEIR_TOKEN_UNSET || f.token == 0) f.token = util::FindToken(f.name, f.name_size);
    // A known name is a good name; its spelling is compared, since a codec might be wrong about it.
    const bool name_ok =
        f.token == 0 ? ValidName(f) : f.name_size > 0 && util::TokenName(f.token) == Name(f);
    if (!name_ok || IsFramingToken(f.token) || !ValidValue(Value(f))) return Verdict::kInvalid;
    f.flags = WEIR_FIELD_FROM_PEER | (f.flags & WEIR_FIELD_NEVER_INDEX);
    Note(f.token);
  }
  return Verdict::kOk;
}

template <class Fn>
bool Message::MoveViews(Fn&& move) {
  for (weir_view* v :
       {&head_.method, &head_.scheme, &head_.authority, &head_.path, &head_.protocol}) {
    if (v->size > 0 && !move(&v->data, v->size)) return false;
  }
  for (uint32_t i = 0; i < head_.field_count; ++i) {
    weir_field& f = head_.fields[i];
    // The table's spelling of a known name needs no copy, but a raw line is copied from its name
    // on.
    if (f.token != 0 && f.raw_form == 0) {
      f.name = util::TokenName(f.token).data();
    } else if (!move(&f.name, f.name_size)) {
      return false;
    }
    if (!move(&f.value, f.value_size)) return false;
  }
  return true;
}

bool Message::Own() {
  if (owned_) return true;
  const char* from = head_.block.data;
  const size_t size = head_.block.size;
  const char* to = nullptr;
  if (size > 0) to = arena_->Copy({from, size}).data();
  bool ok = size == 0 || to != nullptr;
  for (uint32_t i = 0; i < head_.field_count; ++i) {
    weir_field& f = head_.fields[i];
    if (f.raw_form != 0 && !RawIn(f, from, from + size)) f.raw_form = 0;
  }
  ok = ok && MoveViews([&](const char** p, size_t n) {
         // An empty value moves too: a raw line reaches from its name to behind its value.
         if (size > 0 && *p >= from && *p + n <= from + size) {
           *p = to + (*p - from);
           return true;
         }
         if (n == 0) return true;
         *p = arena_->Copy({*p, n}).data();
         return *p != nullptr;
       });
  if (!ok) {
    // Nothing may point at bytes that are gone after this turn.
    Reset(0);
    return false;
  }
  head_.block = {to, size};
  owned_ = true;
  return true;
}

void Message::Reset(uint8_t kind, uint16_t status) {
  owned_ = false;
  head_ = weir_head{};
  head_.struct_size = sizeof(weir_head);
  head_.kind = kind;
  head_.status = status;
  capacity_ = 0;
  max_fields_ = 128;
  present_[0] = present_[1] = 0;
}

weir_field* Message::Find(uint16_t token, uint32_t index) {
  if (!MayHave(token)) return nullptr;
  for (uint32_t i = 0; i < head_.field_count; ++i) {
    weir_field& f = head_.fields[i];
    if (f.token == token && !Removed(f) && index-- == 0) return &f;
  }
  return nullptr;
}

weir_field* Message::Find(std::string_view name, uint32_t index) {
  const uint16_t token = util::FindToken(name);
  return token != 0 ? Find(token, index) : FindUnknown(name, index);
}

weir_field* Message::FindUnknown(std::string_view name, uint32_t index) {
  for (uint32_t i = 0; i < head_.field_count; ++i) {
    weir_field& f = head_.fields[i];
    if (Removed(f) || f.token != 0 || Name(f) != name) continue;
    if (index-- == 0) return &f;
  }
  return nullptr;
}

bool Message::Grow() {
  const uint32_t capacity = std::min(std::max(capacity_ * 2, 16u), max_fields_);
  if (capacity <= capacity_) return false;
  auto* fields = arena_->AllocateArray<weir_field>(capacity);
  if (fields == nullptr) return false;
  if (head_.field_count > 0)
    std::memcpy(fields, head_.fields, head_.field_count * sizeof(weir_field));
  head_.fields = fields;
  capacity_ = capacity;
  return true;
}

weir_field* Message::Append() {
  if (head_.field_count == capacity_ && !Grow()) return nullptr;
  weir_field* f = &head_.fields[head_.field_count++];
  *f = weir_field{};
  return f;
}

int32_t Message::AddStatic(uint16_t token, std::string_view value) {
  assert(token < WEIR_TOKEN_COUNT && token != 0 && !IsFramingToken(token));
  weir_field* f = Append();
  if (f == nullptr) return WEIR_NO_ROOM;
  const std::string_view name = util::TokenName(token);
  f->name = name.data();
  f->name_size = static_cast<uint16_t>(name.size());
  f->token = token;
  f->value = value.data();
  f->value_size = static_cast<uint32_t>(value.size());
  Note(token);
  return WEIR_OK;
}

int32_t Message::SetStatic(uint16_t token, std::string_view value) {
  weir_field* f = Find(token);
  if (f == nullptr) return AddStatic(token, value);
  Remove(token);
  f->flags = static_cast<uint16_t>(f->flags & ~WEIR_FIELD_REMOVED);
  Edit(f, value);
  return WEIR_OK;
}

void Message::Edit(weir_field* field, std::string_view value) {
  field->value = value.data();
  field->value_size = static_cast<uint32_t>(value.size());
  field->raw_form = 0;
}

int32_t Message::Add(std::string_view name, std::string_view value) {
  if (value.size() > kMaxValue) return WEIR_NO_ROOM;
  weir_field probe{};
  probe.name = name.data();
  probe.name_size = static_cast<uint16_t>(name.size());
  const uint16_t token = util::FindToken(name);
  if (name.size() > 0xffff || !ValidName(probe) || IsFramingToken(token) || !ValidValue(value))
    return WEIR_REFUSED;
  const std::string_view kept_name = token != 0 ? util::TokenName(token) : arena_->Copy(name);
  const std::string_view kept_value = arena_->Copy(value);
  if (kept_name.data() == nullptr || (kept_value.data() == nullptr && !value.empty()))
    return WEIR_NO_ROOM;
  weir_field* f = Append();
  if (f == nullptr) return WEIR_NO_ROOM;
  f->name = kept_name.data();
  f->name_size = static_cast<uint16_t>(kept_name.size());
  f->token = token;
  f->value = kept_value.data();
  f->value_size = static_cast<uint32_t>(kept_value.size());
  Note(token);
  return WEIR_OK;
}

int32_t Message::Set(std::string_view name, std::string_view value) {
  weir_field* f = Find(name);
  if (f == nullptr) return Add(name, value);
  if (value.size() > kMaxValue) return WEIR_NO_ROOM;
  if (!ValidValue(value)) return WEIR_REFUSED;
  const std::string_view kept = arena_->Copy(value);
  if (kept.data() == nullptr && !value.empty()) return WEIR_NO_ROOM;
  Remove(name);
  f->flags = static_cast<uint16_t>(f->flags & ~WEIR_FIELD_REMOVED);
  Edit(f, kept);
  return WEIR_OK;
}

int32_t Message::Remove(std::string_view name) {
  int32_t removed = 0;
  while (weir_field* f = Find(name)) {
    f->flags |= WEIR_FIELD_REMOVED;
    ++removed;
  }
  return removed;
}

void Message::Remove(uint16_t token) {
  while (weir_field* f = Find(token)) f->flags |= WEIR_FIELD_REMOVED;
}

}  // namespace weir::http
