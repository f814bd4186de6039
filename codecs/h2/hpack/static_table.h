// The static table of RFC 7541 Appendix A, in the forms in which decoder and encoder ask for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "plugins/abi/weir.h"

namespace weir::h2::hpack {

inline constexpr uint32_t kStaticCount = 61;

// Of weir_field.flags: the name is a lower-case token (or a known pseudo-field), the value has no
// byte that a field value cannot have and no blank at its ends, and both were looked at when the
// entry came into its table. The decoder sets it for the caller; it does not cross the ABI.
inline constexpr uint16_t kFieldChecked = 1u << 15;

// What a field counts for on top of its bytes, in tables (RFC 7541 4.1) and lists (RFC 9113 6.5.2).
inline constexpr uint32_t kFieldOverhead = 32;

// A row as a field ready to be handed out, and what it counts for.
struct StaticEntry {
  weir_field field;
  uint32_t size;
};

// By index, 1 to 61; [0] is not used. The strings stay as long as the program (the plugin) does.
extern const std::array<StaticEntry, kStaticCount + 1> kStaticTable;

// The first index whose name is that of `token` (an ABI token or a pseudo-field), 0 when none is.
uint32_t StaticNameIndex(uint16_t token);

// The rows of :status, 8 to 14, as indices; 0 when the status is in none of them.
uint32_t StaticStatusIndex(uint32_t status);

}  // namespace weir::h2::hpack
