#include "filters/http/decompressor/decoder.h"

namespace weir::filters {

std::unique_ptr<Decoder> MakeDecoder(Coding coding, int window_bits) {
  switch (coding) {
    case Coding::kGzip:
      return MakeGzipDecoder(window_bits);
    case Coding::kBrotli:
      return MakeBrotliDecoder();
    case Coding::kZstd:
      return MakeZstdDecoder();
  }
  return nullptr;
}

}  // namespace weir::filters
