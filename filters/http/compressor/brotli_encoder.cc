#include <brotli/encode.h>

#include "filters/http/compressor/encoder.h"

namespace weir::filters {
namespace {

class BrotliEncoder final : public Encoder {
 public:
  explicit BrotliEncoder(const EncoderOptions& options)
      : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    const auto& set = options.brotli;
    ok_ = state_ != nullptr && Set(BROTLI_PARAM_QUALITY, set.quality) &&
          Set(BROTLI_PARAM_MODE, set.mode) && Set(BROTLI_PARAM_LGWIN, set.window_bits) &&
          Set(BROTLI_PARAM_LGBLOCK, set.input_block_bits) &&
          Set(BROTLI_PARAM_DISABLE_LITERAL_CONTEXT_MODELING, set.no_literal_context ? 1 : 0);
  }
  ~BrotliEncoder() override {
    if (state_ != nullptr) BrotliEncoderDestroyInstance(state_);
  }
  BrotliEncoder(const BrotliEncoder&) = delete;
  BrotliEncoder& operator=(const BrotliEncoder&) = delete;
  bool ok() const { return ok_; }

  bool Run(std::string_view data, Then then, std::string* out) override {
    const BrotliEncoderOperation operation = then == Then::kMore    ? BROTLI_OPERATION_PROCESS
                                             : then == Then::kFlush ? BROTLI_OPERATION_FLUSH
                                                                    : BROTLI_OPERATION_FINISH;
    std::size_t left = data.size();
    const auto* next = reinterpret_cast<const std::uint8_t*>(data.data());
    do {
      std::size_t no_room = 0;
      if (BrotliEncoderCompressStream(state_, operation, &left, &next, &no_room, nullptr,
                                      nullptr) == BROTLI_FALSE) {
        return false;
      }
      while (BrotliEncoderHasMoreOutput(state_) != BROTLI_FALSE) {
        std::size_t size = 0;
        const std::uint8_t* const made = BrotliEncoderTakeOutput(state_, &size);
        out->append(reinterpret_cast<const char*>(made), size);
      }
    } while (left > 0);
    return then != Then::kFinish || BrotliEncoderIsFinished(state_) != BROTLI_FALSE;
  }

 private:
  bool Set(BrotliEncoderParameter parameter, std::uint32_t value) {
    return BrotliEncoderSetParameter(state_, parameter, value) != BROTLI_FALSE;
  }

  BrotliEncoderState* state_;
  bool ok_ = false;
};

}  // namespace

std::unique_ptr<Encoder> MakeBrotliEncoder(const EncoderOptions& options) {
  auto encoder = std::make_unique<BrotliEncoder>(options);
  if (!encoder->ok()) return nullptr;
  return encoder;
}

}  // namespace weir::filters
