#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/http/codec_set.h"
#include "core/server/plugin_config.h"
#include "core/server/wiring.h"

namespace weir::server {

// The codecs that something speaks, as its configuration has them.
struct CodecWish {
  std::vector<std::string> names;  // in order of preference
  const std::vector<config::CodecOptions>* options = nullptr;
  config::Mark mark;  // where a codec that is not there is reported
  std::string owner;  // "cluster app"; for messages
  uint32_t buffer_limit = 0;
  // All that does not come from the codec, its options or the buffer limit.
  weir_codec_params params{};
};

// Finds the codecs' plugins and hands each its options. False with the mistakes in
// context.diagnostics. Main thread only.
bool BuildCodecs(const ServerContext& context, const CodecWish& wish, http::CodecSet* codecs,
                 PluginConfigs* configs);

// The codecs towards the backends of each cluster, in the order of Bootstrap::clusters. Immutable;
// lives as long as any worker.
struct ClusterCodecs {
  std::vector<http::CodecSet> sets;
  PluginConfigs configs;
};

// Null with the mistakes in context.diagnostics.
std::shared_ptr<const ClusterCodecs> BuildClusterCodecs(const ServerContext& context);

}  // namespace weir::server
