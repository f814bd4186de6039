#include <zlib.h>

#include "filters/http/decompressor/decoder.h"

namespace weir::filters {
namespace {

// inflateInit2: this much more than the window asks for gzip in place of zlib's own format.
constexpr int kGzipFormat = 16;

class GzipDecoder final : public Decoder {
 public:
  explicit GzipDecoder(int window_bits) {
    ok_ = inflateInit2(&stream_, window_bits + kGzipFormat) == Z_OK;
  }
  ~GzipDecoder() override {
    if (ok_) inflateEnd(&stream_);
  }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;
  bool ok() const { return ok_; }

  Result Run(std::string_view* in, char* out, std::size_t room, std::size_t* made) override {
    *made = 0;
    for (;;) {
      if (*made == room) return Result::kRoom;
      // A body may be several members, one after the other (RFC 1952 section 2.2).
      if (whole_ && in->empty()) return Result::kMore;
      if (whole_ && inflateReset(&stream_) != Z_OK) return Result::kError;
      whole_ = false;
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in->data()));
      stream_.avail_in = static_cast<uInt>(in->size());
      stream_.next_out = reinterpret_cast<Bytef*>(out + *made);
      stream_.avail_out = static_cast<uInt>(room - *made);
      const int result = inflate(&stream_, Z_NO_FLUSH);
      in->remove_prefix(in->size() - stream_.avail_in);
      *made = room - stream_.avail_out;
      whole_ = result == Z_STREAM_END;
      if (whole_) continue;
      if (result != Z_OK && result != Z_BUF_ERROR) return Result::kError;
      return stream_.avail_out == 0 ? Result::kRoom : Result::kMore;
    }
  }
  bool whole() const override { return whole_; }

 private:
  z_stream stream_{};
  bool ok_ = false;
  bool whole_ = false;
};

}  // namespace

std::unique_ptr<Decoder> MakeGzipDecoder(int window_bits) {
  auto decoder = std::make_unique<GzipDecoder>(window_bits);
  if (!decoder->ok()) return nullptr;
  return decoder;
}

}  // namespace weir::filters
