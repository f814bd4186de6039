#include <zlib.h>

#include "filters/http/compressor/encoder.h"

namespace weir::filters {
namespace {

// deflateInit2: this much more than the window asks for gzip in place of zlib's own format.
constexpr int kGzipFormat = 16;

class GzipEncoder final : public Encoder {
 public:
  explicit GzipEncoder(const EncoderOptions& options) : chunk_(options.chunk_size) {
    ok_ = deflateInit2(&stream_, options.gzip.level, Z_DEFLATED,
                       options.gzip.window_bits + kGzipFormat, options.gzip.memory_level,
                       options.gzip.strategy) == Z_OK;
  }
  ~GzipEncoder() override {
    if (ok_) deflateEnd(&stream_);
  }
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;
  bool ok() const { return ok_; }

  bool Run(std::string_view data, Then then, std::string* out) override {
    const int flush = then == Then::kMore    ? Z_NO_FLUSH
                      : then == Then::kFlush ? Z_SYNC_FLUSH
                                             : Z_FINISH;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
    stream_.avail_in = static_cast<uInt>(data.size());
    for (;;) {
      const std::size_t size = out->size();
      out->resize(size + chunk_);
      stream_.next_out = reinterpret_cast<Bytef*>(out->data() + size);
      stream_.avail_out = static_cast<uInt>(chunk_);
      const int result = deflate(&stream_, flush);
      out->resize(size + chunk_ - stream_.avail_out);
      if (result == Z_STREAM_END) return true;
      // Z_BUF_ERROR: there was nothing to do, which is no fault unless the end is missing.
      if (result != Z_OK && result != Z_BUF_ERROR) return false;
      if (stream_.avail_out == 0) continue;
      return then != Then::kFinish;
    }
  }

 private:
  z_stream stream_{};
  std::size_t chunk_;
  bool ok_ = false;
};

}  // namespace

std::unique_ptr<Encoder> MakeGzipEncoder(const EncoderOptions& options) {
  auto encoder = std::make_unique<GzipEncoder>(options);
  if (!encoder->ok()) return nullptr;
  return encoder;
}

}  // namespace weir::filters
