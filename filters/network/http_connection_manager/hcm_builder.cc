#include "filters/network/http_connection_manager/hcm_builder.h"

#include <utility>

#include "core/config/abi_node.h"
#include "core/server/codec_builder.h"

namespace weir::hcm {
namespace {

http::EscapedSlashes Slashes(config::EscapedSlashes action) {
  switch (action) {
    case config::EscapedSlashes::kKeepUnchanged:
      return http::EscapedSlashes::kKeep;
    case config::EscapedSlashes::kRejectRequest:
      return http::EscapedSlashes::kReject;
    case config::EscapedSlashes::kUnescapeAndRedirect:
      return http::EscapedSlashes::kUnescapeAndRedirect;
    default:
      return http::EscapedSlashes::kUnescapeAndForward;
  }
}

class Builder {
 public:
  Builder(const server::ServerContext& context, const config::Listener& listener,
          const config::HttpConnectionManager& settings)
      : context_(context),
        listener_(listener),
        settings_(settings),
        hcm_(std::make_shared<HcmConfig>()) {}

  std::shared_ptr<const HcmConfig> Build() {
    const size_t before = context_.diagnostics->count();
    // The bootstrap owns the settings; the alias keeps it alive as long as any stream.
    hcm_->settings =
        std::shared_ptr<const config::HttpConnectionManager>(context_.bootstrap, &settings_);
    hcm_->listener_port = listener_.address.port;
    hcm_->listener_name = listener_.name;
    if (!listener_.filter_chains.empty())
      hcm_->filter_chain_name = listener_.filter_chains.front().name;
    hcm_->secure =
        !listener_.filter_chains.empty() && listener_.filter_chains.front().tls != nullptr;
    hcm_->path_options.normalize = settings_.normalize_path;
    hcm_->path_options.merge_slashes = settings_.merge_slashes;
    hcm_->path_options.escaped_slashes = Slashes(settings_.path_with_escaped_slashes_action);
    Codecs();
    Filters();
    Routes();
    Logs();
    return context_.diagnostics->count() == before ? hcm_ : nullptr;
  }

 private:
  void Codecs() {
    hcm_->plugin_host = context_.plugin_host;
    hcm_->buffer_limit = listener_.per_connection_buffer_limit_bytes;
    server::CodecWish wish;
    wish.names = settings_.codecs;
    wish.options = &settings_.codec_options;
    wish.mark = settings_.mark;
    wish.owner = "http_connection_manager " + settings_.stat_prefix;
    wish.buffer_limit = hcm_->buffer_limit;
    weir_codec_params& p = wish.params;
    p.position = WEIR_SERVER;
    p.max_head_bytes = settings_.max_request_headers_kb * 1024;
    p.max_field_count = settings_.max_headers_count;
    p.max_trailer_bytes = 8192;
    p.max_streams = settings_.max_concurrent_streams;
    if (settings_.accept_http_10) p.flags |= WEIR_CODEC_ACCEPT_HTTP_10;
    if (!settings_.enable_trailers) p.flags |= WEIR_CODEC_DROP_TRAILERS;
    // Which tunnels a route allows is decided on the message; the codec only has to know that there
    // may be some.
    p.flags |= WEIR_CODEC_ALLOW_UPGRADE;
    if (AllowsConnect()) p.flags |= WEIR_CODEC_ALLOW_CONNECT;
    server::BuildCodecs(context_, wish, &hcm_->codecs, &hcm_->plugin_configs);
  }

  bool AllowsConnect() const {
    const auto has = [](const std::vector<config::UpgradeConfig>& upgrades) {
      for (const config::UpgradeConfig& upgrade : upgrades) {
        if (upgrade.upgrade_type == "connect" && upgrade.enabled) return true;
      }
      return false;
    };
    if (has(settings_.upgrade_configs)) return true;
    for (const config::VirtualHost& host : settings_.route_config->virtual_hosts) {
      for (const config::Route& route : host.routes) {
        const auto* action = std::get_if<config::RouteAction>(&route.action);
        if (action != nullptr && has(action->upgrade_configs)) return true;
      }
    }
    return false;
  }

  void* Configure(const http::FilterEntry& entry, const char* plugin, const config::Node* node,
                  config::Mark mark, bool per_route, bool* ok) {
    const weir_http_filter_api* api = entry.api;
    const std::string where = "http filter " + entry.name;
    *ok = true;
    if (api->config_new == nullptr) {
      if (node != nullptr && !node->is_null())
        context_.diagnostics->Add(mark, where + " takes no configuration");
      return nullptr;
    }
    config::AbiConfigScope scope(context_.diagnostics, node, mark, where);
    void* config = server::NewPluginConfig(&scope, plugin, [&] {
      return api->config_new(context_.plugin_host, http::HttpFilterHostTable(), scope.node(),
                             per_route ? 1 : 0);
    });
    *ok = scope.Finish(config != nullptr);
    if (config != nullptr)
      hcm_->plugin_configs.emplace_back(config,
                                        server::PluginConfigDeleter{api->config_free, plugin});
    return config;
  }

  void Filters() {
    // The last is the terminal filter; whoever wires the server makes it.
    for (size_t i = 0; i + 1 < settings_.http_filters.size(); ++i) {
      const config::HttpFilter& filter = settings_.http_filters[i];
      std::string error;
      const plugins::HttpFilterExtension* found =
          context_.plugins->FindHttpFilter(filter.type, &error);
      if (found == nullptr) {
        context_.diagnostics->Add(filter.mark, error);
        continue;
      }
      http::FilterEntry entry;
      entry.api = found->api;
      entry.name = filter.name;
      entry.plugin = found->plugin->name;
      entry.disabled = filter.disabled;
      entry.idle = http::FilterEntry::IsIdle(*entry.api);
      entry.hooks = http::FilterEntry::HooksOf(*entry.api);
      entry.throttle = std::make_shared<base::LogThrottle>();
      entry.time = http::MakeHookStats(context_.stats, entry.plugin, entry.name);
      const std::string counter = entry.plugin + ".errors";
      entry.errors = context_.plugin_host->counter({counter.data(), counter.size()});
      bool ok = false;
      plugin_names_.push_back(found->plugin->descriptor->name);
      entry.config = Configure(entry, plugin_names_.back(), filter.typed_config.get(), filter.mark,
                               false, &ok);
      hcm_->filters.push_back(std::move(entry));
    }
  }

  void Routes() {
    http::RouteTableHooks hooks;
    for (const http::FilterEntry& entry : hcm_->filters) hooks.filters.push_back(entry.name);
    hooks.compile_filter = [this](size_t i, const config::PerFilterConfig& config,
                                  std::string* error) -> const void* {
      bool ok = false;
      const size_t before = context_.diagnostics->count();
      const http::FilterEntry& entry = hcm_->filters[i];
      void* made =
          Configure(entry, plugin_names_[i], config.typed_config.get(), config.mark, true, &ok);
      if (!ok && context_.diagnostics->count() == before)
        *error = "http filter " + entry.name + " refused this";
      return made;
    };
    std::vector<http::RouteError> errors;
    hcm_->routes = http::RouteTable::Build(settings_.route_config, hooks, &errors);
    for (const http::RouteError& error : errors) {
      if (!error.message.empty()) context_.diagnostics->Add(error.mark, error.message);
    }
  }

  void Logs() {
    server::BuildAccessLogs(context_, settings_.access_log, &hcm_->access_logs, &hcm_->loggers);
  }

  const server::ServerContext& context_;
  const config::Listener& listener_;
  const config::HttpConnectionManager& settings_;
  std::shared_ptr<HcmConfig> hcm_;
  std::vector<const char*> plugin_names_;  // of each filter, as the descriptor has it
};

}  // namespace

std::shared_ptr<const HcmConfig> BuildHcm(const server::ServerContext& context,
                                          const config::Listener& listener,
                                          const config::HttpConnectionManager& settings) {
  return Builder(context, listener, settings).Build();
}

}  // namespace weir::hcm
