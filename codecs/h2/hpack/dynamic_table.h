// The dynamic table of one direction of a connection (RFC 7541 2.3.2, 4).
//
// It holds what it costs: no memory while it is empty, then a block of bytes and one of entries
// that grow, both bounded by the table's size. A name that has a token is not kept as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::h2::hpack {

// Where a table gets its memory: the two calls of weir_codec_host.
struct Memory {
  void* (*alloc)(size_t size);  // null when refused
  void (*free)(void* memory, size_t size);
};

// No table is larger, whatever is configured or announced.
inline constexpr uint32_t kMaxTableSize = 65536;

class DynamicTable {
 public:
  struct Entry {
    uint32_t offset;  // of its bytes: the name, unless the token stands for it, then the value
    uint16_t name_size;
    uint16_t value_size;
    uint16_t token;  // WEIR_TOKEN_* or one of names.h
    uint16_t flags;  // kFieldChecked
  };

  // The bytes of an entry may be read this far past their end.
  static constexpr size_t kSlack = 32;

  DynamicTable(Memory memory, uint32_t max_size) : memory_(memory), max_size_(max_size) {}
  ~DynamicTable() { Clear(); }
  DynamicTable(const DynamicTable&) = delete;
  DynamicTable& operator=(const DynamicTable&) = delete;

  // Evicts what does not fit any more. At most kMaxTableSize.
  void SetMaxSize(uint32_t max_size);

  // Puts a field in front. One that is larger than the table empties it, which is no error (4.4).
  // Neither view may lie in this table. False: memory was refused; the table is then empty, and no
  // longer in step with its peer.
  bool Insert(uint16_t token, std::string_view name, std::string_view value, uint16_t flags);

  // Evicts all and gives the memory back.
  void Clear();

  // The entry with this index, 0 the newest, below count().
  const Entry& At(uint32_t index) const { return entries_[(inserted_ - 1 - index) & mask_]; }
  std::string_view NameOf(const Entry& entry) const;
  std::string_view ValueOf(const Entry& entry) const;

  uint32_t count() const { return count_; }
  uint32_t size() const { return size_; }  // as 4.1 counts it
  uint32_t max_size() const { return max_size_; }
  // How many were ever inserted, modulo 2^32: an entry's number, once, is this minus 1 minus its
  // index.
  uint32_t inserted() const { return inserted_; }
  size_t memory_held() const;

 private:
  void Evict();
  bool Reserve(uint32_t size);
  bool MoveBytes(uint32_t capacity);
  bool GrowEntries();

  Memory memory_;
  char* bytes_ = nullptr;
  Entry* entries_ = nullptr;  // a ring by number of insertion
  uint32_t capacity_ = 0;     // of bytes_, without the slack
  uint32_t begin_ = 0;        // the bytes in use, oldest entry first
  uint32_t end_ = 0;
  uint32_t mask_ = 0;  // entries_ has room for mask_ + 1, when it is there
  uint32_t inserted_ = 0;
  uint32_t count_ = 0;
  uint32_t size_ = 0;
  uint32_t max_size_;
};

}  // namespace weir::h2::hpack
