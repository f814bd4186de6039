#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filters/http/compressor/accept_encoding.h"
#include "filters/http/compressor/encoder.h"
#include "plugins/sdk/config_load.h"
#include "plugins/sdk/host.h"

namespace weir::filters {

// The libraries on offer, the preferred one first.
struct Libraries {
  std::vector<EncoderOptions> encoders;
  std::vector<std::string_view> names;  // as encoders; in content-encoding and accept-encoding

  // Reads `compressor_library` (one, Envoy's form) or `libraries` (a list) of a map. False after a
  // report; neither of them is no mistake here.
  bool Load(const sdk::ConfigNode& map);
  bool empty() const { return encoders.empty(); }
};

struct CompressorCounters {
  sdk::Counter compressed, not_compressed, bytes_in, bytes_out, too_small, no_accept, identity,
      wildcard, not_valid, used, etag, errors;
};

// Envoy's Compressor, its response direction.
struct CompressorConfig {
  Libraries libraries;
  bool enabled = true;
  std::uint64_t min_content_length = 30;
  std::vector<std::string> content_types;  // lower case
  std::vector<std::uint32_t> uncompressible_codes;
  bool disable_on_etag = false;
  bool remove_accept_encoding = false;
  bool status_header = false;
  CompressorCounters counters;

  bool Load(const sdk::ConfigLoad& load);
  // Of a content-type field, parameters and case aside.
  bool HasType(std::string_view content_type) const;

 private:
  bool LoadResponse(const sdk::ConfigNode& node);
  bool LoadCommon(const sdk::ConfigNode& node);
  bool LoadTypes(const sdk::ConfigNode& node);
  bool LoadCodes(const sdk::ConfigNode& node);
};

// Envoy's CompressorPerRoute.
struct CompressorRouteConfig {
  bool disabled = false;
  Libraries libraries;  // empty: those of the filter
  std::optional<bool> remove_accept_encoding;

  bool Load(const sdk::ConfigLoad& load);
};

}  // namespace weir::filters
