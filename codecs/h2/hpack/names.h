// Field names as numbers: the tokens of the ABI, and above them the pseudo-fields (RFC 9113 8.3),
// so that nobody behind the decoder compares strings.
//
// The numbers of pseudo-fields are this codec's own: a field that carries one never crosses the
// ABI.
#pragma once

#include <cstdint>
#include <string_view>

#include "plugins/abi/tokens.h"
#include "plugins/util/token.h"

namespace weir::h2::hpack {

enum : uint16_t {
  kPseudoFirst = 0x8000,
  kPseudoAuthority = kPseudoFirst,
  kPseudoMethod,
  kPseudoPath,
  kPseudoScheme,
  kPseudoStatus,
  kPseudoProtocol,  // RFC 8441
  kPseudoUnknown,   // any other name that starts with ':'
};

constexpr bool IsPseudo(uint16_t token) {
  return token >= kPseudoFirst && token <= kPseudoUnknown;
}

// Whether the token stands for exactly one name.
constexpr bool HasKnownName(uint16_t token) {
  return token != WEIR_TOKEN_UNKNOWN && token != kPseudoUnknown;
}

// The name that a token stands for, in memory that stays; empty where it stands for none.
constexpr std::string_view KnownName(uint16_t token) {
  constexpr std::string_view kPseudo[] = {":authority", ":method", ":path",
                                          ":scheme",    ":status", ":protocol"};
  if (token < WEIR_TOKEN_COUNT) return util::TokenName(token);
  return token >= kPseudoFirst && token < kPseudoUnknown ? kPseudo[token - kPseudoFirst]
                                                         : std::string_view{};
}

// The token of a name as it came: WEIR_TOKEN_UNKNOWN also for one with an upper-case letter and
// for the empty one.
inline uint16_t FindName(const char* name, size_t size) {
  if (size == 0 || *name != ':') return util::FindToken(name, size);
  for (uint16_t token = kPseudoFirst; token < kPseudoUnknown; ++token) {
    if (KnownName(token) == std::string_view(name, size)) return token;
  }
  return kPseudoUnknown;
}

}  // namespace weir::h2::hpack
