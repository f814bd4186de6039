// The client's first words (RFC 9113 section 3.4).
#pragma once

#include <cstddef>

namespace weir::h2 {

inline constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr size_t kPrefaceSize = sizeof(kPreface) - 1;
static_assert(kPrefaceSize == 24);

}  // namespace weir::h2
