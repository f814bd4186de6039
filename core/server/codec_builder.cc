#include "core/server/codec_builder.h"

#include <algorithm>

#include "core/config/abi_node.h"
#include "core/config/names.h"
#include "core/http/codec_connection.h"

namespace weir::server {
namespace {

// False after a report.
bool Configure(const ServerContext& context, const CodecWish& wish, const std::string& name,
               http::CodecChoice* choice, PluginConfigs* configs) {
  const weir_codec_api* api = choice->api;
  const config::Node* node = nullptr;
  config::Mark mark = wish.mark;
  for (const config::CodecOptions& options : *wish.options) {
    if (options.codec != name) continue;
    node = options.node.get();
    mark = options.mark;
  }
  const std::string where = "codec " + name + " of " + wish.owner;
  if (api->config_new == nullptr) {
    if (node == nullptr || node->size() == 0) return true;
    context.diagnostics->Add(mark, where + " takes no options");
    return false;
  }
  config::AbiConfigScope scope(context.diagnostics, node, mark, where);
  void* config = NewPluginConfig(
      &scope, choice->plugin, [&] { return api->config_new(context.plugin_host, scope.node()); });
  if (config != nullptr)
    configs->emplace_back(config, PluginConfigDeleter{api->config_free, choice->plugin});
  choice->params.config = config;
  return scope.Finish(config != nullptr);
}

bool OptionsAreOfTheseCodecs(const ServerContext& context, const CodecWish& wish) {
  bool ok = true;
  for (const config::CodecOptions& options : *wish.options) {
    if (std::find(wish.names.begin(), wish.names.end(), options.codec) != wish.names.end())
      continue;
    context.diagnostics->Add(options.mark, "options of codec " + options.codec + ", which " +
                                               wish.owner + " does not use");
    ok = false;
  }
  return ok;
}

}  // namespace

bool BuildCodecs(const ServerContext& context, const CodecWish& wish, http::CodecSet* codecs,
                 PluginConfigs* configs) {
  bool ok = OptionsAreOfTheseCodecs(context, wish);
  for (const std::string& name : wish.names) {
    std::string error;
    const plugins::CodecExtension* codec = context.plugins->FindCodec(name, &error);
    if (codec == nullptr) {
      context.diagnostics->Add(wish.mark, error);
      ok = false;
      continue;
    }
    http::CodecChoice choice;
    choice.api = codec->api;
    choice.plugin = codec->plugin->descriptor->name;
    choice.errors = context.stats->Define(std::string("plugin.") + choice.plugin + ".errors",
                                          observe::StatKind::kCounter);
    choice.params = wish.params;
    choice.params.struct_size = sizeof choice.params;
    choice.params.raw_form = codec->raw_form;
    choice.params.host = context.plugin_host;
    choice.params.codec_host = http::CodecHostTable();
    http::SetWindows(wish.buffer_limit, &choice);
    ok = Configure(context, wish, name, &choice, configs) && ok;
    codecs->choices.push_back(choice);
  }
  return ok;
}

std::shared_ptr<const ClusterCodecs> BuildClusterCodecs(const ServerContext& context) {
  auto made = std::make_shared<ClusterCodecs>();
  bool ok = true;
  for (const config::Cluster& cluster : context.bootstrap->clusters) {
    CodecWish wish;
    wish.names = config::CodecsOfProtocol(cluster.protocol);
    wish.options = &cluster.codec_options;
    wish.mark = cluster.mark;
    wish.owner = "cluster " + cluster.name;
    wish.buffer_limit = cluster.per_connection_buffer_limit_bytes;
    weir_codec_params& p = wish.params;
    p.position = WEIR_CLIENT;
    p.max_head_bytes = cluster.max_response_headers_kb * 1024;
    p.max_field_count = cluster.max_headers_count;
    p.max_trailer_bytes = 8192;
    p.max_streams = cluster.max_concurrent_streams;
    p.flags = WEIR_CODEC_ACCEPT_HTTP_10 | WEIR_CODEC_ALLOW_UPGRADE | WEIR_CODEC_ALLOW_CONNECT;
    made->sets.emplace_back();
    ok = BuildCodecs(context, wish, &made->sets.back(), &made->configs) && ok;
  }
  return ok ? made : nullptr;
}

}  // namespace weir::server
