#include "core/http/codec_set.h"

#include <algorithm>

namespace weir::http {
namespace {

constexpr uint32_t kFirstWindow = 65536;

std::string_view AlpnOf(const weir_codec_api* api) {
  return WEIR_HAS(api, alpn) && api->alpn != nullptr ? std::string_view(api->alpn)
                                                     : std::string_view();
}

// Takes the first name off a list of names with spaces between.
std::string_view NextName(std::string_view* names) {
  while (!names->empty() && names->front() == ' ') names->remove_prefix(1);
  const std::string_view name = names->substr(0, names->find(' '));
  names->remove_prefix(name.size());
  return name;
}

}  // namespace

const CodecChoice* CodecSet::ByAlpn(std::string_view name) const {
  if (name.empty()) return nullptr;
  for (const CodecChoice& choice : choices) {
    std::string_view names = AlpnOf(choice.api);
    for (auto one = NextName(&names); !one.empty(); one = NextName(&names)) {
      if (one == name) return &choice;
    }
  }
  return nullptr;
}

CodecSet::Probed CodecSet::Probe(const uint8_t* data, size_t size,
                                 const CodecChoice** asked) const {
  for (const CodecChoice& choice : choices) {
    const weir_codec_api* api = choice.api;
    if (!WEIR_HAS(api, probe) || api->probe == nullptr) continue;
    if (asked != nullptr) *asked = &choice;
    const uint32_t answer = api->probe(data, size);
    if (answer == WEIR_PROBE_YES) return {Verdict::kFound, &choice};
    if (answer == WEIR_PROBE_MORE) return {Verdict::kMore, nullptr};
  }
  return {Verdict::kFound, &fallback()};
}

std::vector<std::string> CodecSet::AlpnNames() const {
  std::vector<std::string> all;
  for (const CodecChoice& choice : choices) {
    std::string_view names = AlpnOf(choice.api);
    for (auto one = NextName(&names); !one.empty(); one = NextName(&names)) {
      if (std::find(all.begin(), all.end(), one) == all.end()) all.emplace_back(one);
    }
  }
  return all;
}

void SetWindows(uint32_t buffer_limit, CodecChoice* choice) {
  weir_codec_params& params = choice->params;
  params.stream_window =
      choice->multiplexed() ? std::min(kFirstWindow, buffer_limit) : buffer_limit;
  params.stream_window_max =
      std::max(params.stream_window, std::min(kStreamWindowMost, buffer_limit));
}

}  // namespace weir::http
