#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "filters/http/compressor/coding.h"

namespace weir::filters {

// Settings of one library; those of the others are not looked at. Defaults are Envoy's.
struct EncoderOptions {
  Coding coding = Coding::kGzip;
  std::size_t chunk_size = 4096;  // output buffers grow by as much
  struct {
    int memory_level = 5;  // 1..9
    int level = -1;        // 1..9; -1: zlib's default
    int strategy = 0;      // Z_DEFAULT_STRATEGY
    int window_bits = 12;  // 9..15
  } gzip;
  struct {
    std::uint32_t quality = 3;  // 0..11
    std::uint32_t mode = 0;     // BROTLI_MODE_GENERIC
    std::uint32_t window_bits = 18;
    std::uint32_t input_block_bits = 24;
    bool no_literal_context = false;
  } brotli;
  struct {
    int level = 3;  // 1..22
    bool checksum = false;
    int strategy = 0;  // 0: that of the level
  } zstd;
};

// One body on its way through a library. Memory is the library's own, bounded by its settings.
class Encoder {
 public:
  enum class Then : std::uint8_t {
    kMore,    // more follows at once: bytes may stay inside
    kFlush,   // what was given so far can be decoded from what came out
    kFinish,  // that was all
  };

  virtual ~Encoder() = default;
  // Appends to `out`. False: the library failed, and the body cannot be completed.
  virtual bool Run(std::string_view data, Then then, std::string* out) = 0;
};

// Null when the library has no memory or refuses the settings.
std::unique_ptr<Encoder> MakeEncoder(const EncoderOptions& options);

// The parts of MakeEncoder, each in its own file with its library.
std::unique_ptr<Encoder> MakeGzipEncoder(const EncoderOptions& options);
std::unique_ptr<Encoder> MakeBrotliEncoder(const EncoderOptions& options);
std::unique_ptr<Encoder> MakeZstdEncoder(const EncoderOptions& options);

}  // namespace weir::filters
