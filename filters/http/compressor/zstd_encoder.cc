#include <zstd.h>

#include "filters/http/compressor/encoder.h"

namespace weir::filters {
namespace {

// RFC 9659 section 3: a decoder of this content coding need not have more than 8 MiB of window.
constexpr int kMaxWindowLog = 23;
// Levels whose own window may be larger.
constexpr int kWideLevel = 20;

class ZstdEncoder final : public Encoder {
 public:
  explicit ZstdEncoder(const EncoderOptions& options)
      : context_(ZSTD_createCCtx()), chunk_(options.chunk_size) {
    const auto& set = options.zstd;
    ok_ = context_ != nullptr && Set(ZSTD_c_compressionLevel, set.level) &&
          Set(ZSTD_c_checksumFlag, set.checksum ? 1 : 0) &&
          (set.strategy == 0 || Set(ZSTD_c_strategy, set.strategy)) &&
          (set.level < kWideLevel || Set(ZSTD_c_windowLog, kMaxWindowLog));
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }
  ZstdEncoder(const ZstdEncoder&) = delete;
  ZstdEncoder& operator=(const ZstdEncoder&) = delete;
  bool ok() const { return ok_; }

  bool Run(std::string_view data, Then then, std::string* out) override {
    const ZSTD_EndDirective directive = then == Then::kMore    ? ZSTD_e_continue
                                        : then == Then::kFlush ? ZSTD_e_flush
                                                               : ZSTD_e_end;
    ZSTD_inBuffer in{data.data(), data.size(), 0};
    for (;;) {
      const std::size_t size = out->size();
      out->resize(size + chunk_);
      ZSTD_outBuffer made{out->data() + size, chunk_, 0};
      const std::size_t left = ZSTD_compressStream2(context_, &made, &in, directive);
      out->resize(size + made.pos);
      if (ZSTD_isError(left) != 0) return false;
      if (then == Then::kMore ? in.pos == in.size : left == 0) return true;
    }
  }

 private:
  bool Set(ZSTD_cParameter parameter, int value) {
    return ZSTD_isError(ZSTD_CCtx_setParameter(context_, parameter, value)) == 0;
  }

  ZSTD_CCtx* context_;
  std::size_t chunk_;
  bool ok_ = false;
};

}  // namespace

std::unique_ptr<Encoder> MakeZstdEncoder(const EncoderOptions& options) {
  auto encoder = std::make_unique<ZstdEncoder>(options);
  if (!encoder->ok()) return nullptr;
  return encoder;
}

}  // namespace weir::filters
