// Any bytes as a coded body, or as a body to be coded: the first byte chooses the coding and which
// of the two, the second one the size of the pieces. However a coded body is cut, the same comes
// out of it and it ends in the same way; what was coded, with a flush behind each piece, comes back
// whole.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "filters/http/compressor/encoder.h"
#include "filters/http/decompressor/decoder.h"

namespace {

using weir::filters::Coding;
using weir::filters::Decoder;
using weir::filters::Encoder;
using Result = weir::filters::Decoder::Result;

// Of what comes out: small inputs can be bombs.
constexpr size_t kMost = 1 << 20;

void Require(bool held) {
  if (!held) std::abort();
}

struct Outcome {
  std::string body;
  bool error = false;
  bool whole = false;
  bool cut = false;  // at kMost
};

Outcome Decode(Coding coding, std::string_view in, size_t step, size_t room) {
  const auto decoder = weir::filters::MakeDecoder(coding, 15);
  Outcome outcome;
  std::string buffer(room, '\0');
  while (!in.empty()) {
    std::string_view piece = in.substr(0, step);
    in.remove_prefix(piece.size());
    Result result = Result::kRoom;
    while (result == Result::kRoom) {
      size_t made = 0;
      result = decoder->Run(&piece, buffer.data(), room, &made);
      Require(made <= room);
      outcome.body.append(buffer, 0, made);
      outcome.error = result == Result::kError;
      outcome.cut = outcome.body.size() > kMost;
      if (outcome.error || outcome.cut) return outcome;
    }
    Require(piece.empty());
  }
  outcome.whole = decoder->whole();
  return outcome;
}

void CheckDecode(Coding coding, std::string_view in, size_t step) {
  const Outcome once = Decode(coding, in, in.size(), 16384);
  const Outcome pieces = Decode(coding, in, step, 16384);
  if (once.cut || pieces.cut) return;
  Require(once.error == pieces.error && once.whole == pieces.whole);
  Require(once.error || once.body == pieces.body);
}

void CheckRoundTrip(Coding coding, std::string_view body, size_t step) {
  weir::filters::EncoderOptions options;
  options.coding = coding;
  const auto encoder = weir::filters::MakeEncoder(options);
  Require(encoder != nullptr);
  std::string coded;
  for (std::string_view rest = body; !rest.empty();) {
    const std::string_view piece = rest.substr(0, step);
    rest.remove_prefix(piece.size());
    Require(encoder->Run(piece, Encoder::Then::kFlush, &coded));
  }
  Require(encoder->Run({}, Encoder::Then::kFinish, &coded));
  const Outcome outcome = Decode(coding, coded, step, 4096);
  Require(!outcome.error && outcome.whole && outcome.body == body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const auto coding = static_cast<Coding>(data[0] % 3);
  const size_t step = size_t{data[1]} + 1;
  // A block of exactly the right size, so that a byte too far is seen.
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  if ((data[0] & 0x80) != 0) {
    CheckRoundTrip(coding, text, step);
  } else {
    CheckDecode(coding, text, step);
  }
  return 0;
}
