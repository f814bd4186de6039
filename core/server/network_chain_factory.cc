#include "core/server/network_chain_factory.h"

#include <string>
#include <utility>
#include <vector>

#include "core/config/abi_node.h"
#include "core/server/filtered_io.h"
#include "core/server/network_chain.h"
#include "core/server/plugin_config.h"
#include "core/server/plugin_connection.h"

namespace weir::server {
namespace {

// All filters are plugins.
class PluginTerminal final : public net::TerminalFilter {
 public:
  PluginTerminal(const PluginChain* chain, net::WorkerContext* worker)
      : chain_(chain), worker_(worker) {}
  void Serve(net::AcceptedConnection&& accepted) override {
    // Owned by itself: Reactor::Retire ends it.
    auto* connection = new PluginConnection(std::move(accepted), worker_, chain_);
    connection->Start();
  }

 private:
  const PluginChain* chain_;
  net::WorkerContext* worker_;
};

// Plugins before a linked-in terminal.
class FilteredTerminal final : public net::TerminalFilter {
 public:
  FilteredTerminal(const PluginChain* chain, net::WorkerContext* worker,
                   std::unique_ptr<net::TerminalFilter> next)
      : chain_(chain), worker_(worker), next_(std::move(next)) {}
  void Serve(net::AcceptedConnection&& accepted) override {
    if (accepted.id == 0) accepted.id = net::NewConnectionId(worker_);
    auto filtered = std::make_unique<FilteredIo>(std::move(accepted.io), worker_, chain_,
                                                 accepted.buffer_limit, accepted.peer,
                                                 accepted.local, accepted.notes.get(), accepted.id);
    const bool wanted = filtered->Start();
    accepted.io = std::move(filtered);
    if (wanted) next_->Serve(std::move(accepted));
  }

 private:
  const PluginChain* chain_;
  net::WorkerContext* worker_;
  std::unique_ptr<net::TerminalFilter> next_;
};

class ChainFactory final : public net::TerminalFactory {
 public:
  ChainFactory(std::unique_ptr<PluginChain> chain, std::unique_ptr<net::TerminalFactory> terminal)
      : chain_(std::move(chain)), terminal_(std::move(terminal)) {}
  std::unique_ptr<net::TerminalFilter> ForWorker(net::WorkerContext* worker) const override {
    if (terminal_ == nullptr) return std::make_unique<PluginTerminal>(chain_.get(), worker);
    return std::make_unique<FilteredTerminal>(chain_.get(), worker, terminal_->ForWorker(worker));
  }

 private:
  std::unique_ptr<PluginChain> chain_;
  std::unique_ptr<net::TerminalFactory> terminal_;  // null: the last plugin is terminal
};

const TerminalBuiltin* FindBuiltin(const Wiring& wiring, const std::string& type) {
  for (const TerminalBuiltin& builtin : wiring.terminals) {
    if (builtin.type == type) return &builtin;
  }
  return nullptr;
}

bool CheckPlace(const ServerContext& context, const config::NetworkFilter& filter, bool terminal,
                bool last) {
  if (terminal == last) return true;
  const std::string name = "network filter " + filter.name;
  context.diagnostics->Add(filter.mark,
                           last ? name + " is the last of its chain but not terminal"
                                : name + " is terminal but not the last of its chain",
                           last ? "a terminal filter at the end" : "nothing behind it");
  return false;
}

bool AddPlugin(const ServerContext& context, const config::NetworkFilter& filter, bool last,
               PluginChain* chain) {
  std::string error;
  const plugins::NetworkFilterExtension* extension =
      context.plugins->FindNetworkFilter(filter.type, &error);
  if (extension == nullptr) {
    context.diagnostics->Add(filter.mark,
                             "network filter " + config::Quote(filter.type) + ": " + error);
    return false;
  }
  const weir_network_filter_api* api = extension->api;
  if (!CheckPlace(context, filter, (api->flags & WEIR_NETWORK_TERMINAL) != 0, last)) return false;
  void* config = nullptr;
  config::AbiConfigScope scope(context.diagnostics, filter.typed_config.get(), filter.mark,
                               "network filter " + filter.name);
  if (api->config_new != nullptr) {
    config = NewPluginConfig(&scope, extension->plugin->descriptor->name, [&] {
      return api->config_new(context.plugin_host, NetworkApi(), scope.node());
    });
  }
  const bool ok = scope.Finish(config != nullptr || api->config_new == nullptr);
  const auto failures = context.stats->Define(
      std::string("plugin.") + extension->plugin->name + ".errors", observe::StatKind::kCounter);
  chain->Add(filter.name, api, config, failures,
             http::MakeHookStats(context.stats, extension->plugin->name, filter.name));
  return ok;
}

}  // namespace

std::unique_ptr<net::TerminalFactory> MakeChain(const ServerContext& context, const Wiring& wiring,
                                                const config::Listener& listener,
                                                const config::FilterChain& chain) {
  auto plugins = std::make_unique<PluginChain>();
  plugins->listener = listener.name;
  plugins->filter_chain = chain.name;
  std::unique_ptr<net::TerminalFactory> terminal;
  bool ok = !chain.filters.empty();
  for (const config::NetworkFilter& filter : chain.filters) {
    const bool last = &filter == &chain.filters.back();
    const TerminalBuiltin* builtin = FindBuiltin(wiring, filter.type);
    if (builtin == nullptr) {
      ok = AddPlugin(context, filter, last, plugins.get()) && ok;
      continue;
    }
    ok = CheckPlace(context, filter, true, last) && ok;
    if (!last) continue;
    terminal = builtin->make(context, listener, filter);
    ok = terminal != nullptr && ok;
  }
  if (!ok) return nullptr;
  if (plugins->filters.empty()) return terminal;
  return std::make_unique<ChainFactory>(std::move(plugins), std::move(terminal));
}

}  // namespace weir::server
