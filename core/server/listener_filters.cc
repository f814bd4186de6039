#include "core/server/listener_filters.h"

#include <string>
#include <utility>

#include "core/config/abi_node.h"
#include "core/server/plugin_config.h"
#include "core/server/pre_connection.h"

namespace weir::server {
namespace {

class PreTerminal final : public net::TerminalFilter {
 public:
  PreTerminal(PreConnections shared, std::unique_ptr<net::TerminalFilter> next)
      : next_(std::move(next)), shared_(shared) {
    shared_.next = next_.get();
  }
  void Serve(net::AcceptedConnection&& accepted) override {
    // Owned by itself: Reactor::Retire ends it.
    (new PreConnection(std::move(accepted), &shared_))->Start();
  }

 private:
  std::unique_ptr<net::TerminalFilter> next_;
  PreConnections shared_;
};

class PreFactory final : public net::TerminalFactory {
 public:
  PreFactory(const ServerContext& context, const config::Listener& listener,
             std::unique_ptr<ListenerFilters> filters, std::unique_ptr<net::TerminalFactory> next)
      : stats_(context.stats),
        bootstrap_(context.bootstrap),
        listener_(&listener),
        filters_(std::move(filters)),
        next_(std::move(next)) {}

  std::unique_ptr<net::TerminalFilter> ForWorker(net::WorkerContext* worker) const override {
    const auto stats = observe::BindListenerStats(stats_, worker->stats, listener_->name);
    PreConnections shared;
    shared.worker = worker;
    shared.filters = filters_.get();
    shared.timeout_ms = static_cast<uint64_t>(listener_->listener_filters_timeout.count());
    shared.continue_on_timeout = listener_->continue_on_listener_filters_timeout;
    shared.active = stats.downstream_pre_cx_active;
    shared.timed_out = stats.downstream_pre_cx_timeout;
    return std::make_unique<PreTerminal>(shared, next_->ForWorker(worker));
  }

 private:
  observe::StatRegistry* stats_;
  std::shared_ptr<const config::Bootstrap> bootstrap_;  // keeps listener_
  const config::Listener* listener_;
  std::unique_ptr<ListenerFilters> filters_;
  std::unique_ptr<net::TerminalFactory> next_;
};

bool AddFilter(const ServerContext& context, const config::ListenerFilter& filter,
               ListenerFilters* filters) {
  std::string error;
  const plugins::ListenerFilterExtension* extension =
      context.plugins->FindListenerFilter(filter.type, &error);
  if (extension == nullptr) {
    context.diagnostics->Add(filter.mark,
                             "listener filter " + config::Quote(filter.type) + ": " + error);
    return false;
  }
  const weir_listener_filter_api* api = extension->api;
  config::AbiConfigScope scope(context.diagnostics, filter.typed_config.get(), filter.mark,
                               "listener filter " + filter.name);
  const char* plugin = extension->plugin->descriptor->name;
  void* config = NewPluginConfig(&scope, plugin, [&] {
    return api->config_new(context.plugin_host, ListenerApi(), scope.node());
  });
  const bool ok = scope.Finish(config != nullptr);
  const auto failures = context.stats->Define(
      std::string("plugin.") + extension->plugin->name + ".errors", observe::StatKind::kCounter);
  filters->Add(filter.name, api, config, failures,
               http::MakeHookStats(context.stats, extension->plugin->name, filter.name));
  return ok;
}

}  // namespace

std::unique_ptr<net::TerminalFactory> MakeListenerFilters(
    const ServerContext& context, const config::Listener& listener,
    std::unique_ptr<net::TerminalFactory> next) {
  if (listener.listener_filters.empty()) return next;
  auto filters = std::make_unique<ListenerFilters>();
  filters->listener = listener.name;
  bool ok = next != nullptr;
  for (const config::ListenerFilter& filter : listener.listener_filters)
    ok = AddFilter(context, filter, filters.get()) && ok;
  if (!ok) return nullptr;
  return std::make_unique<PreFactory>(context, listener, std::move(filters), std::move(next));
}

}  // namespace weir::server
