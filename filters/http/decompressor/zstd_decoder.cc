#include <zstd.h>

#include "filters/http/decompressor/decoder.h"

namespace weir::filters {
namespace {

// RFC 9659 section 3: this content coding has no windows of more than 8 MiB.
constexpr int kMaxWindowLog = 23;

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx()) {
    ok_ = context_ != nullptr &&
          ZSTD_isError(ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMaxWindowLog)) == 0;
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;
  bool ok() const { return ok_; }

  Result Run(std::string_view* in, char* out, std::size_t room, std::size_t* made) override {
    *made = 0;
    for (;;) {
      // At the end of a frame the library would begin the next one; there may be none. And it
      // takes repeated calls that bring nothing for a mistake.
      if (in->empty() && (whole_ || !full_)) return Result::kMore;
      ZSTD_inBuffer input{in->data(), in->size(), 0};
      ZSTD_outBuffer output{out, room, *made};
      const std::size_t left = ZSTD_decompressStream(context_, &output, &input);
      in->remove_prefix(input.pos);
      *made = output.pos;
      if (ZSTD_isError(left) != 0) return Result::kError;
      whole_ = left == 0;
      full_ = *made == room;
      if (full_) return Result::kRoom;
      if (in->empty()) return Result::kMore;
    }
  }
  bool whole() const override { return whole_; }

 private:
  ZSTD_DCtx* context_;
  bool ok_ = false;
  bool whole_ = false;
  bool full_ = false;  // more may be inside than there was room for
};

}  // namespace

std::unique_ptr<Decoder> MakeZstdDecoder() {
  auto decoder = std::make_unique<ZstdDecoder>();
  if (!decoder->ok()) return nullptr;
  return decoder;
}

}  // namespace weir::filters
