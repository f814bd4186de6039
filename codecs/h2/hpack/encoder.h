// Encodes header blocks (RFC 7541) of one direction of a connection.
//
// A block is: Begin, then the pseudo-fields, then the fields, written one behind the other to a
// weir_out. Every call looks at the room first and answers false, with nothing written and the
// table as it was, when there is less than the most that it could write. Who has room for
// kMaxBegin and the MaxSize of all fields before Begin never sees that.
//
// A block that was begun has to be sent: the peer's table follows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codecs/h2/hpack/dynamic_table.h"
#include "codecs/h2/hpack/integer.h"
#include "codecs/h2/hpack/names.h"
#include "plugins/abi/weir.h"

namespace weir::h2::hpack {

class Encoder {
 public:
  // max_table: what our table takes at most, whatever the peer allows; 0: it is not used.
  explicit Encoder(Memory memory, uint32_t max_table = 4096);
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // The peer's SETTINGS_HEADER_TABLE_SIZE. The next Begin says what has to be said of it (4.2).
  void SetPeerLimit(uint32_t size);

  static constexpr size_t kMaxBegin = 2 * kMaxIntegerSize;
  static constexpr size_t kMaxStatus = 2 + 1 + 3;
  static constexpr size_t kMaxNumber = 2 + 1 + 20;

  // The most that Field writes.
  static constexpr size_t MaxSize(size_t name_size, size_t value_size) {
    return name_size + value_size + 3 * kMaxIntegerSize;
  }
  static size_t MaxSize(const weir_field& field) {
    return MaxSize(field.name_size, field.value_size);
  }

  bool Begin(weir_out* out);
  bool Status(weir_out* out, uint32_t status);  // 100 to 999
  bool ContentLength(weir_out* out, uint64_t length);
  // A field whose name the token stands for: a pseudo-field, or one that the codec makes.
  bool Field(weir_out* out, uint16_t token, std::string_view value);
  // A field of a message. Its name is in lower case; its token is right, or WEIR_TOKEN_UNKNOWN.
  bool Field(weir_out* out, const weir_field& field);

  const DynamicTable& table() const { return table_; }

 private:
  struct Slot;

  uint8_t* Write(uint8_t* at, uint16_t token, std::string_view name, std::string_view value,
                 bool never_index);
  uint8_t* WriteRepeated(uint8_t* at, uint16_t token, std::string_view value);
  bool MakeSlots();

  Memory memory_;
  DynamicTable table_;
  Slot* slots_ = nullptr;
  uint32_t max_table_;
  uint32_t announced_;  // the size that the peer's table shall have
  uint32_t lowest_;     // the lowest one since the last Begin
};

}  // namespace weir::h2::hpack
