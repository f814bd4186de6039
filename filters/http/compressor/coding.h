#pragma once

#include <cstdint>
#include <string_view>

namespace weir::filters {

// A content coding: gzip (RFC 9110 section 8.4.1.3), br (RFC 7932) or zstd (RFC 8878).
enum class Coding : std::uint8_t { kGzip, kBrotli, kZstd };

// As in content-encoding and accept-encoding.
constexpr std::string_view CodingName(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return "gzip";
    case Coding::kBrotli:
      return "br";
    case Coding::kZstd:
      return "zstd";
  }
  return {};
}

}  // namespace weir::filters
