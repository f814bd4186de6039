// The Huffman code of RFC 7541 Appendix B.
//
// Decoding looks at the next bits once for up to two symbols, in a table that is made at compile
// time from the lengths of the codes (the code is canonical) and stays in the first-level cache.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::h2::hpack {

enum class Huffman : uint8_t {
  kDone,
  kNoRoom,  // the output is full and symbols are left: go on with more room
  kBad,     // EOS inside, or padding that is longer than 7 bits or not all ones (RFC 7541 5.2)
};

// Decodes one string, in as many calls as it takes. Lives on the stack, beside the bytes.
class HuffmanReader {
 public:
  HuffmanReader(const uint8_t* data, size_t size) : data_(data), bits_(uint64_t{size} * 8) {}

  // Writes to [*at, limit) and moves *at.
  Huffman Read(char** at, char* limit);

 private:
  Huffman ReadOne(char** at, char* limit);
  Huffman ReadTail(char** at, char* limit);

  const uint8_t* data_;
  uint64_t bits_;      // in the string
  uint64_t used_ = 0;  // of them
};

// How many bytes the string decodes to, or -1 when it is bad.
int64_t HuffmanDecodedSize(const uint8_t* data, size_t size);

// How many bytes `data` takes when it is encoded.
size_t HuffmanSize(const char* data, size_t size);

// Writes the code of `data`, HuffmanSize bytes, and returns the end.
uint8_t* HuffmanWrite(uint8_t* at, const char* data, size_t size);

}  // namespace weir::h2::hpack
