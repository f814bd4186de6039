#pragma once

#include <cstdint>

namespace weir::observe {

// What went wrong with a stream, in the access log's short form. The order is that in which several
// are printed; Envoy's names.
#define WEIR_RESPONSE_FLAGS(FLAG)                                                            \
  FLAG(kFailedLocalHealthCheck, "LH")                                                        \
  FLAG(kNoHealthyUpstream, "UH")             /* 503 */                                       \
  FLAG(kUpstreamRequestTimeout, "UT")        /* 504 */                                       \
  FLAG(kLocalReset, "LR")                    /* we reset the upstream stream */              \
  FLAG(kUpstreamRemoteReset, "UR")           /* the upstream reset its stream */             \
  FLAG(kUpstreamConnectionFailure, "UF")     /* 503: no connection could be made */          \
  FLAG(kUpstreamConnectionTermination, "UC") /* the upstream closed its connection */        \
  FLAG(kUpstreamOverflow, "UO")              /* 503: a circuit breaker */                    \
  FLAG(kNoRouteFound, "NR")                  /* 404, or no filter chain */                   \
  FLAG(kDelayInjected, "DI")                                                                 \
  FLAG(kFaultInjected, "FI")                                                                 \
  FLAG(kRateLimited, "RL")                                                                   \
  FLAG(kUnauthorizedExternalService, "UAEX")                                                 \
  FLAG(kRateLimitServiceError, "RLSE")                                                       \
  FLAG(kDownstreamConnectionTermination, "DC") /* the client went away */                    \
  FLAG(kUpstreamRetryLimitExceeded, "URX")     /* the last of several attempts failed too */ \
  FLAG(kStreamIdleTimeout, "SI")               /* 408 or 504 */                              \
  FLAG(kInvalidEnvoyRequestHeaders, "IH")      /* 400: a header that Weir itself reads */    \
  FLAG(kDownstreamProtocolError, "DPE")                                                      \
  FLAG(kUpstreamMaxStreamDurationReached, "UMSDR")                                           \
  FLAG(kResponseFromCacheFilter, "RFCF")                                                     \
  FLAG(kNoFilterConfigFound, "NFCF")                                                         \
  FLAG(kDurationTimeout, "DT")        /* max_connection_duration or max_stream_duration */   \
  FLAG(kUpstreamProtocolError, "UPE") /* 502 */                                              \
  FLAG(kNoClusterFound, "NC")         /* 503 */                                              \
  FLAG(kOverloadManager, "OM")        /* 503: refused to stay alive */                       \
  FLAG(kDnsResolutionFailed, "DF")                                                           \
  FLAG(kDropOverload, "DO")                                                                  \
  FLAG(kDownstreamRemoteReset, "DR") /* the client reset its stream */                       \
  FLAG(kUnconditionalDropOverload, "UDO")

enum class ResponseFlag : uint8_t {
#define WEIR_FLAG(name, text) name,
  WEIR_RESPONSE_FLAGS(WEIR_FLAG)
#undef WEIR_FLAG
};

// A set of them, kept in the stream.
struct ResponseFlags {
  uint32_t bits = 0;

  void Set(ResponseFlag flag) { bits |= 1U << static_cast<uint32_t>(flag); }
  bool Has(ResponseFlag flag) const { return (bits >> static_cast<uint32_t>(flag) & 1U) != 0; }
  bool empty() const { return bits == 0; }
};

// Room that WriteResponseFlags may need.
inline constexpr int kMaxResponseFlagsText = 128;
// Writes "UF,URX", or "-" for none. Answers the end of what it wrote.
char* WriteResponseFlags(ResponseFlags flags, char* out);

}  // namespace weir::observe
