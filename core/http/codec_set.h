#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/observe/stats.h"
#include "plugins/abi/weir.h"

namespace weir::http {

// One codec that a connection may speak. What params points to outlives every connection that is
// made with it. `now_ms` and `secure` are each connection's own and filled in by it.
struct CodecChoice {
  const weir_codec_api* api = nullptr;
  weir_codec_params params{};
  const char* plugin = "(unnamed)";  // whose it is: the descriptor's name, which stays
  observe::StatId errors{};          // plugin.<name>.errors

  bool multiplexed() const { return (api->flags & WEIR_CODEC_API_MULTIPLEXED) != 0; }
};

// The codecs that connections of one kind may speak, in the order of preference; the last is used
// where nothing speaks for another. Plain data, not changed once connections use it.
struct CodecSet {
  std::vector<CodecChoice> choices;  // never empty where a connection is made

  enum class Verdict { kFound, kMore, kFailed };
  struct Probed {
    Verdict verdict = Verdict::kMore;
    const CodecChoice* choice = nullptr;  // kFound only
  };

  const CodecChoice& fallback() const { return choices.back(); }
  // The first choice with this ALPN name (RFC 7301); null when it is no choice's.
  const CodecChoice* ByAlpn(std::string_view name) const;
  // Which choice the first bytes of a client are of. kMore: they may still become the start of one
  // that comes before the others. size > 0. Lets exceptions of a plugin through (kFailed is for who
  // catches them): *asked is then whose it is.
  Probed Probe(const uint8_t* data, size_t size, const CodecChoice** asked = nullptr) const;
  // All ALPN names, in the order of preference: what a TLS transport offers or accepts.
  std::vector<std::string> AlpnNames() const;
};

// How far the window of a stream grows at most, whatever the buffer limit.
inline constexpr uint32_t kStreamWindowMost = 1U << 20;

// The windows that go with a buffer limit (per_connection_buffer_limit_bytes). A codec with one
// stream at a time has all of it. Where streams share a connection each starts with 64 KiB and may
// grow to the limit, at most to kStreamWindowMost.
void SetWindows(uint32_t buffer_limit, CodecChoice* choice);

}  // namespace weir::http
