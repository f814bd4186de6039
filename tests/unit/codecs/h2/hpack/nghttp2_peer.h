// The other implementation: libnghttp2's HPACK, used by tests alone.
#pragma once

#include <optional>

#include "tests/unit/codecs/h2/hpack/hpack_harness.h"

struct nghttp2_hd_inflater;
struct nghttp2_hd_deflater;

namespace weir::h2::hpack {

class Nghttp2Inflater {
 public:
  Nghttp2Inflater();
  ~Nghttp2Inflater();
  Nghttp2Inflater(const Nghttp2Inflater&) = delete;
  Nghttp2Inflater& operator=(const Nghttp2Inflater&) = delete;

  void SetLimit(uint32_t limit);
  // No value: the block is in error, and so is this inflater from then on.
  std::optional<TextFields> Decode(const Bytes& block);
  // How many fields a good block has, without keeping them.
  size_t Count(const Bytes& block);

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

class Nghttp2Deflater {
 public:
  Nghttp2Deflater();
  ~Nghttp2Deflater();
  Nghttp2Deflater(const Nghttp2Deflater&) = delete;
  Nghttp2Deflater& operator=(const Nghttp2Deflater&) = delete;

  void SetLimit(uint32_t limit);
  Bytes Encode(const TextFields& fields);

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
};

}  // namespace weir::h2::hpack
