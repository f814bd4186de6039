#include "codecs/h2/hpack/decoder.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "codecs/h2/hpack/huffman.h"
#include "codecs/h2/hpack/integer.h"
#include "plugins/util/ascii.h"
#include "plugins/util/scan.h"

namespace weir::h2::hpack {
namespace {

constexpr size_t kMaxNameSize = UINT16_MAX;

// A string of a literal. Only over a limit can it be lost: decoded for its size alone, because it
// is larger than all of the scratch memory.
struct String {
  const char* data = nullptr;
  size_t size = 0;

  bool lost() const { return data == nullptr && size > 0; }
  std::string_view view() const { return {data, size}; }
};

enum class Read : uint8_t { kDone, kNoRoom, kFailed };

bool IsChecked(uint16_t token, std::string_view name, std::string_view value) {
  if (!HasKnownName(token) && !util::IsLowerName(name.data(), name.size())) return false;
  if (value.empty()) return true;
  return !util::IsOws(value.front()) && !util::IsOws(value.back()) &&
         util::IsFieldValue(value.data(), value.size());
}

// One block, on the stack for as long as it is decoded.
class BlockReader {
 public:
  BlockReader(DynamicTable* table, const uint8_t* data, size_t size, Block* block)
      : table_(*table),
        block_(*block),
        at_(data),
        end_(data + size),
        scratch_(block->at),
        fields_(block->fields),
        fields_left_(block->max_fields) {}

  bool SizeUpdates(uint32_t limit, uint32_t lowest);
  bool Fields();
  void Finish();

  Status status() const { return status_; }
  const char* detail() const { return detail_; }

 private:
  bool Indexed();
  bool Literal();
  Read ReadLiteral(unsigned prefix_bits, uint16_t* token, String* name, String* value);
  Read ReadName(uint32_t index, uint16_t* token, String* name);
  Read ReadString(String* string);
  Read ReadHuffman(size_t size, String* string);
  Read Copy(std::string_view from, String* to);
  bool Insert(uint16_t token, const String& name, const String& value, uint16_t* flags);
  void Emit(uint16_t token, const String& name, const String& value, uint16_t flags);
  bool Count(uint64_t size);

  // Nothing is kept from here on.
  void GoOver(Status status, const char* detail) {
    if (over_) return;
    over_ = true;
    status_ = status;
    detail_ = detail;
  }

  bool Fail(Status status, const char* detail) {
    over_ = true;
    status_ = status;
    detail_ = detail;
    return false;
  }

  bool Bad(const char* detail) { return Fail(Status::kCompression, detail); }

  DynamicTable& table_;
  Block& block_;
  const uint8_t* at_;
  const uint8_t* const end_;
  char* scratch_;
  weir_field* fields_;
  uint32_t fields_left_;
  bool over_ = false;
  Status status_ = Status::kOk;
  uint64_t list_size_ = 0;
  const char* detail_ = nullptr;
};

// At most two, and at the start (RFC 7541 4.2): the lowest size that was allowed since the last
// block, then the last. Where the table is larger than that lowest one, the first update is due.
bool BlockReader::SizeUpdates(uint32_t limit, uint32_t lowest) {
  bool due = table_.max_size() > lowest;
  for (int updates = 0; at_ < end_ && (*at_ & 0xe0) == 0x20; ++updates) {
    uint32_t size = 0;
    if (updates == 2) return Bad("http2.hpack.third_size_update");
    if (!ReadInteger(&at_, end_, 5, &size)) return Bad("http2.hpack.integer");
    if (size > limit) return Bad("http2.hpack.size_update_over_limit");
    if (due && size > lowest) return Bad("http2.hpack.size_update_missing");
    due = false;
    table_.SetMaxSize(size);
  }
  return !due || Bad("http2.hpack.size_update_missing");
}

bool BlockReader::Fields() {
  while (at_ < end_) {
    if (!((*at_ & 0x80) != 0 ? Indexed() : Literal())) return false;
  }
  return true;
}

void BlockReader::Finish() {
  block_.list_size = list_size_;
  if (over_) {
    block_.count = 0;
    return;
  }
  block_.count = static_cast<uint32_t>(fields_ - block_.fields);
  block_.at = scratch_;
}

// Whether a field that counts for `size` is kept.
inline bool BlockReader::Count(uint64_t size) {
  list_size_ += size;
  if (over_) return false;
  if (fields_left_ == 0) {
    GoOver(Status::kTooMany, "http2.too_many_headers");
    return false;
  }
  if (list_size_ > block_.max_list_size) {
    GoOver(Status::kTooLarge, "http2.headers_too_large");
    return false;
  }
  --fields_left_;
  return true;
}

bool BlockReader::Indexed() {
  uint32_t index = 0;
  if (!ReadInteger(&at_, end_, 7, &index)) return Bad("http2.hpack.integer");
  if (index - 1 < kStaticCount) {
    const StaticEntry& entry = kStaticTable[index];
    if (Count(entry.size)) *fields_++ = entry.field;
    return true;
  }
  index -= kStaticCount + 1;
  if (index >= table_.count()) return Bad("http2.hpack.index");  // 0 is far above as well
  const DynamicTable::Entry& entry = table_.At(index);
  const std::string_view known = table_.NameOf(entry);
  String name{known.data(), known.size()};
  String value;
  if (over_) {
    list_size_ += known.size() + entry.value_size + kFieldOverhead;
    return true;
  }
  if ((!HasKnownName(entry.token) && Copy(known, &name) != Read::kDone) ||
      Copy(table_.ValueOf(entry), &value) != Read::kDone) {
    GoOver(Status::kTooLarge, "http2.headers_too_large");
    list_size_ += known.size() + entry.value_size + kFieldOverhead;
    return true;
  }
  Emit(entry.token, name, value, entry.flags);
  return true;
}

// The three forms of RFC 7541 6.2.
bool BlockReader::Literal() {
  const uint8_t* const begin = at_;
  const uint8_t first = *at_;
  if ((first & 0xe0) == 0x20) return Bad("http2.hpack.late_size_update");
  const bool indexing = (first & 0x40) != 0;
  uint16_t token = 0;
  uint16_t flags = (first & 0x50) == 0x10 ? WEIR_FIELD_NEVER_INDEX : 0;
  String name;
  String value;
  while (true) {
    if (over_) scratch_ = block_.at;
    const Read read = ReadLiteral(indexing ? 6 : 4, &token, &name, &value);
    if (read == Read::kDone) break;
    if (read == Read::kFailed) return false;
    // Once more, with all of the scratch memory for what the table may need of this field.
    GoOver(Status::kTooLarge, "http2.headers_too_large");
    at_ = begin;
  }
  if (indexing && !Insert(token, name, value, &flags)) return false;
  Emit(token, name, value, flags);
  return true;
}

Read BlockReader::ReadLiteral(unsigned prefix_bits, uint16_t* token, String* name, String* value) {
  uint32_t index = 0;
  if (!ReadInteger(&at_, end_, prefix_bits, &index)) {
    Bad("http2.hpack.integer");
    return Read::kFailed;
  }
  const Read read = ReadName(index, token, name);
  return read == Read::kDone ? ReadString(value) : read;
}

Read BlockReader::ReadName(uint32_t index, uint16_t* token, String* name) {
  if (index == 0) {
    char* const mark = scratch_;
    const Read read = ReadString(name);
    if (read != Read::kDone || name->lost()) return read;
    *token = FindName(name->data, name->size);
    if (HasKnownName(*token)) {
      name->data = KnownName(*token).data();
      scratch_ = mark;
    }
    return read;
  }
  if (index <= kStaticCount) {
    const weir_field& field = kStaticTable[index].field;
    *token = field.token;
    *name = {field.name, field.name_size};
    return Read::kDone;
  }
  index -= kStaticCount + 1;
  if (index >= table_.count()) {
    Bad("http2.hpack.index");
    return Read::kFailed;
  }
  const DynamicTable::Entry& entry = table_.At(index);
  *token = entry.token;
  const std::string_view text = table_.NameOf(entry);
  *name = {text.data(), text.size()};
  // Its entry may be evicted for the field that uses it (4.4).
  return HasKnownName(entry.token) ? Read::kDone : Copy(text, name);
}

Read BlockReader::ReadString(String* string) {
  uint32_t size = 0;
  const bool huffman = at_ < end_ && (*at_ & 0x80) != 0;
  if (!ReadInteger(&at_, end_, 7, &size)) {
    Bad("http2.hpack.integer");
    return Read::kFailed;
  }
  if (size > static_cast<size_t>(end_ - at_)) {
    Bad("http2.hpack.truncated");
    return Read::kFailed;
  }
  if (huffman) return ReadHuffman(size, string);
  *string = {reinterpret_cast<const char*>(at_), size};
  at_ += size;
  return Read::kDone;
}

Read BlockReader::ReadHuffman(size_t size, String* string) {
  HuffmanReader reader(at_, size);
  char* to = scratch_;
  Huffman result = reader.Read(&to, block_.limit);
  *string = {scratch_, static_cast<size_t>(to - scratch_)};
  if (result == Huffman::kNoRoom) {
    if (!over_) return Read::kNoRoom;
    const int64_t whole = HuffmanDecodedSize(at_, size);
    if (whole < 0) result = Huffman::kBad;
    *string = {nullptr, static_cast<size_t>(whole)};
    to = scratch_;
  }
  if (result == Huffman::kBad) {
    Bad("http2.hpack.huffman");
    return Read::kFailed;
  }
  scratch_ = to;
  at_ += size;
  return Read::kDone;
}

// Out of the dynamic table, whose bytes may be read kSlack beyond their end.
inline Read BlockReader::Copy(std::string_view from, String* to) {
  const size_t size = from.size();
  const auto room = static_cast<size_t>(block_.limit - scratch_);
  if (room < size) {
    *to = {nullptr, size};
    return over_ ? Read::kDone : Read::kNoRoom;
  }
  *to = {scratch_, size};
  static_assert(DynamicTable::kSlack >= 32);
  if (size <= 32 && room >= 32) {
    std::memcpy(scratch_, from.data(), 16);
    std::memcpy(scratch_ + 16, from.data() + 16, 16);
  } else {
    std::memcpy(scratch_, from.data(), size);
  }
  scratch_ += size;
  return Read::kDone;
}

bool BlockReader::Insert(uint16_t token, const String& name, const String& value, uint16_t* flags) {
  if (name.size + value.size + kFieldOverhead > table_.max_size()) {
    table_.Clear();
    return true;
  }
  // Only a caller with less scratch memory than a table takes can come to this.
  if (name.lost() || value.lost()) return Fail(Status::kNoMemory, "http2.hpack.scratch");
  if (IsChecked(token, name.view(), value.view())) *flags |= kFieldChecked;
  if (table_.Insert(token, name.view(), value.view(), *flags)) return true;
  return Fail(Status::kNoMemory, "http2.hpack.memory");
}

inline void BlockReader::Emit(uint16_t token, const String& name, const String& value,
                              uint16_t flags) {
  if (!Count(uint64_t{name.size} + value.size + kFieldOverhead)) return;
  if (name.size > kMaxNameSize) {
    GoOver(Status::kTooLarge, "http2.hpack.name_too_large");
    return;
  }
  weir_field& field = *fields_++;
  field.name = name.data;
  field.value = value.data;
  field.value_size = static_cast<uint32_t>(value.size);
  field.name_size = static_cast<uint16_t>(name.size);
  field.token = token;
  field.flags = flags;
  field.raw_form = 0;
  field.raw_tail = 0;
  field.reserved = 0;
}

}  // namespace

void Decoder::SetLimit(uint32_t limit) {
  limit_ = std::min(limit, kMaxTableSize);
  lowest_ = std::min(lowest_, limit_);
}

Status Decoder::Decode(const uint8_t* data, size_t size, Block* block) {
  block->count = 0;
  block->list_size = 0;
  if (dead_ != Status::kOk) return dead_;
  BlockReader reader(&table_, data, size, block);
  if (reader.SizeUpdates(limit_, lowest_)) reader.Fields();
  reader.Finish();
  lowest_ = limit_;
  detail_ = reader.detail();
  const Status status = reader.status();
  if (status == Status::kCompression || status == Status::kNoMemory) dead_ = status;
  return status;
}

}  // namespace weir::h2::hpack
