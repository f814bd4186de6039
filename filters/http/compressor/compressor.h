#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "filters/http/compressor/compressor_config.h"
#include "filters/http/compressor/encoder.h"
#include "plugins/sdk/weir.hpp"

namespace weir::filters {

// Compresses answers for clients that ask for it, while they stream: what one data hook brings is
// compressed, flushed and passed on in that hook, so that nothing waits inside for the next piece.
class Compressor : public sdk::HttpFilter<Compressor, CompressorConfig, CompressorRouteConfig> {
 public:
  // The length of what is compressed is not known before its end.
  static constexpr std::uint32_t kFlags = WEIR_FILTER_CHANGES_RESPONSE_LENGTH;

  sdk::Status OnRequestHeaders(bool end_stream);
  sdk::Status OnResponseHeaders(bool end_stream);
  sdk::Status OnResponseData(bool end_stream);

 private:
  static constexpr std::int8_t kNone = -1;

  bool Enabled() const;
  const Libraries& libraries() const;
  void Choose();
  const char* Obstacle() const;
  bool SizeAllows() const;
  bool EtagAllows() const;
  bool Begin();
  void AddVary() const;
  void WeakenEtag() const;
  void Say(const std::string& status) const;

  std::unique_ptr<Encoder> encoder_;  // null: the answer goes by as it is
  std::int8_t choice_ = kNone;        // of the libraries, by what the client accepts
  bool asked_ = false;                // the request went by this filter
};

extern const weir_http_filter_api kCompressorApi;

}  // namespace weir::filters
