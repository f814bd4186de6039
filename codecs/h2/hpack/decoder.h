// Decodes header blocks (RFC 7541) of one direction of a connection.
//
// One call per block, in the order of the blocks on the wire: every block that arrives has to be
// decoded, also that of a refused or a reset stream, or the tables of the two ends differ from then
// on. A block is one piece of memory: CONTINUATION frames are joined by the caller.
//
// Structure only: names and values are handed out as they came. Whether their bytes are legal is
// looked at by whoever takes the message. A name in upper case keeps its letters and gets the token
// 0, so does the empty one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h2/hpack/dynamic_table.h"
#include "codecs/h2/hpack/names.h"
#include "codecs/h2/hpack/static_table.h"
#include "plugins/abi/weir.h"

namespace weir::h2::hpack {

// The size of a table before any setting says otherwise (RFC 9113 6.5.2).
inline constexpr uint32_t kDefaultTableSize = 4096;

enum class Status : uint8_t {
  kOk,
  // Over a limit of the call: nothing of the block is kept, but it was decoded to its end and the
  // table is in step. For the stream to answer (431).
  kTooMany,   // fields
  kTooLarge,  // the list, a name beyond 65535 bytes, or what the scratch memory holds
  // The end of the connection; each later call answers the same.
  kCompression,  // COMPRESSION_ERROR (RFC 7541 5, RFC 9113 4.3)
  kNoMemory,     // INTERNAL_ERROR: the table could not grow
};

// Where a block goes to, and how much of it.
struct Block {
  // In. Fields that are pseudo-fields have their token (names.h) and stand where they came.
  weir_field* fields = nullptr;  // room for max_fields
  uint32_t max_fields = 0;       // field lines that may come, pseudo-fields and cookie crumbs too
  uint32_t max_list_size = 0;    // bytes of names and values and 32 for each (RFC 9113 6.5.2)
  // In: memory for strings. Room for max_list_size is always enough for what is within the limits;
  // it must hold the limit given to SetLimit, or 4096 when that is more. Out: `at` is behind what
  // was used.
  char* at = nullptr;
  char* limit = nullptr;
  // Out.
  uint32_t count = 0;      // fields
  uint64_t list_size = 0;  // as it came, also over the limit
};

class Decoder {
 public:
  explicit Decoder(Memory memory) : table_(memory, kDefaultTableSize) {}

  // The peer has acknowledged this SETTINGS_HEADER_TABLE_SIZE of ours (at most kMaxTableSize). When
  // it is below the present size of the table the next block has to start with a size update.
  void SetLimit(uint32_t limit);

  // Decodes one whole block. The views in the fields point to: the block's own bytes (literals that
  // came raw), the scratch memory (all that was Huffman-coded or came out of the dynamic table),
  // and memory that stays (known names, the static table). They never point into the dynamic table.
  Status Decode(const uint8_t* data, size_t size, Block* block);

  // What was wrong, as "http2.hpack.…" for the log: static text, set by any status but kOk.
  const char* detail() const { return detail_; }

  const DynamicTable& table() const { return table_; }

 private:
  DynamicTable table_;
  uint32_t limit_ = kDefaultTableSize;   // a size update may say no more
  uint32_t lowest_ = kDefaultTableSize;  // the lowest limit since the last block
  Status dead_ = Status::kOk;
  const char* detail_ = nullptr;
};

}  // namespace weir::h2::hpack
