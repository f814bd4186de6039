#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "filters/http/compressor/coding.h"

namespace weir::filters {

// One body on its way back through a library. Memory is the library's own: a window of at most
// 32 KiB (gzip), 16 MiB (br) or 8 MiB (zstd).
class Decoder {
 public:
  enum class Result : std::uint8_t {
    kMore,   // all input is used, and no more comes out of it
    kRoom,   // `out` is full, and more may come
    kError,  // the input is no body of this coding
  };

  virtual ~Decoder() = default;
  // Takes from the front of `in` and writes at most `room` bytes at `out`, *made of them.
  virtual Result Run(std::string_view* in, char* out, std::size_t room, std::size_t* made) = 0;
  // Whether what came so far is a whole body. False before its first byte.
  virtual bool whole() const = 0;
};

// window_bits: of gzip, 9 to 15. Null when there is no memory.
std::unique_ptr<Decoder> MakeDecoder(Coding coding, int window_bits);

// The parts of MakeDecoder, each in its own file with its library.
std::unique_ptr<Decoder> MakeGzipDecoder(int window_bits);
std::unique_ptr<Decoder> MakeBrotliDecoder();
std::unique_ptr<Decoder> MakeZstdDecoder();

}  // namespace weir::filters
