#include <brotli/decode.h>

#include "filters/http/decompressor/decoder.h"

namespace weir::filters {
namespace {

class BrotliDecoder final : public Decoder {
 public:
  BrotliDecoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
  ~BrotliDecoder() override {
    if (state_ != nullptr) BrotliDecoderDestroyInstance(state_);
  }
  BrotliDecoder(const BrotliDecoder&) = delete;
  BrotliDecoder& operator=(const BrotliDecoder&) = delete;
  bool ok() const { return state_ != nullptr; }

  Result Run(std::string_view* in, char* out, std::size_t room, std::size_t* made) override {
    *made = 0;
    // Nothing may follow the end.
    if (whole()) return in->empty() ? Result::kMore : Result::kError;
    std::size_t left = in->size();
    std::size_t free = room;
    const auto* next = reinterpret_cast<const std::uint8_t*>(in->data());
    auto* at = reinterpret_cast<std::uint8_t*>(out);
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state_, &left, &next, &free, &at, nullptr);
    in->remove_prefix(in->size() - left);
    *made = room - free;
    switch (result) {
      case BROTLI_DECODER_RESULT_SUCCESS:
        return in->empty() ? Result::kMore : Result::kError;
      case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
        return Result::kMore;
      case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
        return Result::kRoom;
      default:
        return Result::kError;
    }
  }
  bool whole() const override { return BrotliDecoderIsFinished(state_) != BROTLI_FALSE; }

 private:
  BrotliDecoderState* state_;
};

}  // namespace

std::unique_ptr<Decoder> MakeBrotliDecoder() {
  auto decoder = std::make_unique<BrotliDecoder>();
  if (!decoder->ok()) return nullptr;
  return decoder;
}

}  // namespace weir::filters
