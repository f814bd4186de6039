#pragma once

#include <cstdint>
#include <vector>

#include "filters/http/compressor/coding.h"
#include "plugins/sdk/config_load.h"
#include "plugins/sdk/host.h"

namespace weir::filters {

// One coding that bodies are taken out of.
struct DecoderOptions {
  Coding coding = Coding::kGzip;
  int window_bits = 15;
  std::size_t chunk_size = 16384;
  std::uint64_t max_ratio = 100;  // of what comes out to what went in
};

struct DecompressorCounters {
  sdk::Counter decompressed, not_decompressed, bytes_in, bytes_out, too_large, bad;
};

// Envoy's Decompressor. By WEIR_REQUEST and WEIR_RESPONSE where there are two of something.
struct DecompressorConfig {
  struct Direction {
    bool enabled = true;
    bool ignore_no_transform = false;
    std::uint64_t max_bytes = 0;
    DecompressorCounters counters;
  };

  std::vector<DecoderOptions> decoders;
  Direction directions[2];
  bool advertise = true;

  bool Load(const sdk::ConfigLoad& load);

 private:
  bool LoadLibraries(const sdk::ConfigNode& root);
  bool LoadDirection(const sdk::ConfigNode& root, const char* key, Direction* direction);
};

}  // namespace weir::filters
