#include "codecs/h2/hpack/dynamic_table.h"

#include <algorithm>
#include <cstring>

#include "codecs/h2/hpack/names.h"
#include "codecs/h2/hpack/static_table.h"

namespace weir::h2::hpack {
namespace {

constexpr uint32_t kFirstCapacity = 224;
constexpr uint32_t kFirstEntries = 8;

uint32_t StoredSize(const DynamicTable::Entry& entry) {
  return entry.value_size + (HasKnownName(entry.token) ? 0u : entry.name_size);
}

}  // namespace

std::string_view DynamicTable::NameOf(const Entry& entry) const {
  if (HasKnownName(entry.token)) return KnownName(entry.token);
  return {bytes_ + entry.offset, entry.name_size};
}

std::string_view DynamicTable::ValueOf(const Entry& entry) const {
  const uint32_t skip = HasKnownName(entry.token) ? 0 : entry.name_size;
  return {bytes_ + entry.offset + skip, entry.value_size};
}

void DynamicTable::SetMaxSize(uint32_t max_size) {
  max_size_ = std::min(max_size, kMaxTableSize);
  while (size_ > max_size_) Evict();
  if (count_ == 0) {
    Clear();
  } else if (capacity_ > max_size_) {
    MoveBytes(max_size_);  // the larger block does as well when memory is refused
  }
}

void DynamicTable::Clear() {
  if (bytes_ != nullptr) memory_.free(bytes_, capacity_ + kSlack);
  if (entries_ != nullptr) memory_.free(entries_, (mask_ + 1) * sizeof(Entry));
  bytes_ = nullptr;
  entries_ = nullptr;
  capacity_ = begin_ = end_ = mask_ = count_ = size_ = 0;
}

size_t DynamicTable::memory_held() const {
  return (bytes_ != nullptr ? capacity_ + kSlack : 0) +
         (entries_ != nullptr ? (mask_ + 1) * sizeof(Entry) : 0);
}

void DynamicTable::Evict() {
  const Entry& oldest = At(count_ - 1);
  size_ -= oldest.name_size + oldest.value_size + kFieldOverhead;
  begin_ += StoredSize(oldest);
  if (--count_ == 0) begin_ = end_ = 0;
}

bool DynamicTable::Insert(uint16_t token, std::string_view name, std::string_view value,
                          uint16_t flags) {
  const size_t size = name.size() + value.size() + kFieldOverhead;
  if (size > max_size_) {
    Clear();
    return true;
  }
  while (size_ + size > max_size_) Evict();
  const Entry entry{end_, static_cast<uint16_t>(name.size()), static_cast<uint16_t>(value.size()),
                    token, flags};
  const uint32_t stored = StoredSize(entry);
  if ((entries_ == nullptr || count_ > mask_) && !GrowEntries()) return false;
  if ((capacity_ - end_ < stored || bytes_ == nullptr) && !Reserve(stored)) return false;
  char* const at = bytes_ + end_;
  const uint32_t kept_name = stored - entry.value_size;
  if (kept_name > 0) std::memcpy(at, name.data(), kept_name);
  if (entry.value_size > 0) std::memcpy(at + kept_name, value.data(), entry.value_size);
  Entry& slot = entries_[inserted_++ & mask_];
  slot = entry;
  slot.offset = end_;
  end_ += stored;
  size_ += static_cast<uint32_t>(size);
  ++count_;
  return true;
}

// Room for `size` bytes at end_. Up to three quarters full the bytes are moved to the front of
// their block: the 32 octets that each entry counts for beyond its bytes keep that rare in a full
// table.
bool DynamicTable::Reserve(uint32_t size) {
  const uint32_t need = end_ - begin_ + size;
  uint32_t capacity = capacity_;
  if (capacity < max_size_ && need > capacity / 4 * 3) {
    capacity = std::max({capacity * 2, kFirstCapacity, need + need / 4});
    capacity = std::min(capacity, max_size_);
  }
  if (bytes_ != nullptr && capacity == capacity_) return MoveBytes(capacity_);
  if (MoveBytes(capacity)) return true;
  Clear();
  return false;
}

// To the front of the block, or of a new one with this capacity.
bool DynamicTable::MoveBytes(uint32_t capacity) {
  char* to = bytes_;
  if (capacity != capacity_ || bytes_ == nullptr) {
    to = static_cast<char*>(memory_.alloc(capacity + kSlack));
    if (to == nullptr) return false;
  }
  const uint32_t live = end_ - begin_;
  if (live > 0 && bytes_ != nullptr) std::memmove(to, bytes_ + begin_, live);
  for (uint32_t i = 0; i < count_; ++i) entries_[(inserted_ - 1 - i) & mask_].offset -= begin_;
  if (to != bytes_ && bytes_ != nullptr) memory_.free(bytes_, capacity_ + kSlack);
  bytes_ = to;
  capacity_ = capacity;
  begin_ = 0;
  end_ = live;
  return true;
}

bool DynamicTable::GrowEntries() {
  const uint32_t room = entries_ == nullptr ? kFirstEntries : (mask_ + 1) * 2;
  auto* entries = static_cast<Entry*>(memory_.alloc(room * sizeof(Entry)));
  if (entries == nullptr) {
    Clear();
    return false;
  }
  for (uint32_t i = 1; entries_ != nullptr && i <= count_; ++i) {
    entries[(inserted_ - i) & (room - 1)] = entries_[(inserted_ - i) & mask_];
  }
  if (entries_ != nullptr) memory_.free(entries_, (mask_ + 1) * sizeof(Entry));
  entries_ = entries;
  mask_ = room - 1;
  return true;
}

}  // namespace weir::h2::hpack
