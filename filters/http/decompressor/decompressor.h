#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "filters/http/decompressor/decoder.h"
#include "filters/http/decompressor/decompressor_config.h"
#include "plugins/sdk/weir.hpp"

namespace weir::filters {

// Takes bodies out of their coding while they stream.
//
// What a data hook brings is decoded in that hook as long as little comes out of it. Where much
// comes out, the rest of the input is withheld, with the sender paused, and decoded between the
// hooks as fast as those ahead take it: a stream never has more than kStep decoded bytes here.
class Decompressor : public sdk::HttpFilter<Decompressor, DecompressorConfig, sdk::NoConfig> {
 public:
  static constexpr std::uint32_t kFlags =
      WEIR_FILTER_CHANGES_REQUEST_LENGTH | WEIR_FILTER_CHANGES_RESPONSE_LENGTH;
  // What a hook may always append, whatever the buffer limit.
  static constexpr std::size_t kStep = 131072;

  sdk::Status OnRequestHeaders(bool end_stream);
  sdk::Status OnRequestData(bool end_stream) { return OnData(WEIR_REQUEST, end_stream); }
  sdk::Status OnResponseHeaders(bool end_stream);
  sdk::Status OnResponseData(bool end_stream) { return OnData(WEIR_RESPONSE, end_stream); }

 private:
  enum class Step : std::uint8_t { kDone, kMore, kBad, kTooLarge };

  struct Half {
    std::unique_ptr<Decoder> decoder;  // null: the body goes by as it is
    const DecoderOptions* options = nullptr;
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    std::string made;      // decoded and not passed on yet
    sdk::Timer timer;      // runs Pump
    bool pumping = false;  // the input is withheld
    bool end = false;      // its end is there
    bool failed = false;
  };

  sdk::Fields Fields(std::uint32_t which) const;
  sdk::Body Body(std::uint32_t which) const;
  const DecompressorConfig::Direction& direction(std::uint32_t which) const {
    return config().directions[which];
  }
  // Changes the fields of a message whose body will be decoded.
  void Begin(std::uint32_t which);
  bool MayTransform(std::uint32_t which) const;
  void KeepLength(std::uint32_t which, bool end_stream) const;
  void Advertise() const;
  sdk::Status OnData(std::uint32_t which, bool end_stream);
  Step Decode(std::uint32_t which);
  Step DecodePiece(std::uint32_t which, std::string_view* piece);
  bool StartPump(std::uint32_t which);
  void Pump(std::uint32_t which);
  bool PassOn(std::uint32_t which);
  bool WholeAtEnd(const Half& half) const;
  void Fail(std::uint32_t which, Step why);

  Half halves_[2];
};

extern const weir_http_filter_api kDecompressorApi;

}  // namespace weir::filters
