#include "filters/http/compressor/encoder.h"

namespace weir::filters {

std::unique_ptr<Encoder> MakeEncoder(const EncoderOptions& options) {
  switch (options.coding) {
    case Coding::kGzip:
      return MakeGzipEncoder(options);
    case Coding::kBrotli:
      return MakeBrotliEncoder(options);
    case Coding::kZstd:
      return MakeZstdEncoder(options);
  }
  return nullptr;
}

}  // namespace weir::filters
