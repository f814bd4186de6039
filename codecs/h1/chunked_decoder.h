// The framing of a chunked body (RFC 9112 section 7.1) up to its last chunk; the trailer section
// after that is the caller's. Framing bytes are consumed as they come, so a body costs the same
// whatever the pieces. Extensions are checked and dropped.
//
//   kSize -> [kExtension ...] -> kSizeLf -> kData -> kDataCr -> kDataLf -> kSize ... -> kTrailers
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h1/fault.h"
#include "codecs/h1/strictness.h"

namespace weir::h1 {

class ChunkedDecoder {
 public:
  enum class Need : uint8_t {
    kMore,      // all that was shown is consumed
    kData,      // remaining() bytes of body are next: give them out and call Took
    kTrailers,  // the last chunk was seen: a trailer section is next
    kFault,
  };

  void Reset() { *this = ChunkedDecoder(); }

  // Consumes framing from the front of [data, data + size); *used says how much.
  Need Advance(const char* data, size_t size, const Strictness& strict, size_t* used, Fault* fault);

  uint64_t remaining() const { return remaining_; }
  void Took(uint64_t size);

 private:
  enum class State : uint8_t {
    kSize,
    kSizeLf,
    kExtBlank,      // a blank before ';', where those are allowed
    kExtNameStart,  // after ';'
    kExtName,
    kExtAfterName,   // blanks after a name
    kExtValueStart,  // after '='
    kExtToken,
    kExtQuoted,
    kExtEscape,
    kExtValueEnd,
    kData,
    kDataCr,
    kDataLf,
    kTrailers,
  };

  bool Step(char c, const Strictness& strict, const char** detail);
  bool StepSize(char c, const Strictness& strict, const char** detail);
  bool StepExtension(char c, const Strictness& strict);
  bool StepEndOfValue(char c, const Strictness& strict);

  uint64_t remaining_ = 0;
  uint32_t extension_bytes_ = 0;
  State state_ = State::kSize;
  uint8_t digits_ = 0;
};

}  // namespace weir::h1
