#include "core/server/main_wiring.h"

#include <string>
#include <utility>

#include "core/server/main_admin.h"
#include "core/server/main_plugins.h"
#include "core/server/main_services.h"
#include "filters/network/http_connection_manager/hcm_builder.h"
#include "filters/network/tcp_proxy/tcp_proxy.h"

namespace weir::server {
namespace {

// Every cluster's codec must be there before a worker wants it.
bool CheckClusters(const ServerContext& context) {
  bool ok = true;
  for (const config::Cluster& cluster : context.bootstrap->clusters) {
    std::string error;
    if (context.plugins->FindCodec(cluster.protocol, &error) != nullptr) continue;
    context.diagnostics->Add(cluster.mark, error);
    ok = false;
  }
  return ok;
}

std::unique_ptr<net::TerminalFactory> MakeHcm(const ServerContext& context,
                                              const config::Listener& listener,
                                              const config::NetworkFilter& filter) {
  const bool clusters = CheckClusters(context);
  std::shared_ptr<const hcm::HcmConfig> config = hcm::BuildHcm(context, listener, *filter.http);
  if (config == nullptr || !clusters) return nullptr;
  return std::make_unique<hcm::HcmFactory>(std::move(config), std::make_shared<MainHcmMaker>());
}

std::unique_ptr<net::TerminalFactory> MakeTcpProxy(const ServerContext& context,
                                                   const config::Listener& listener,
                                                   const config::NetworkFilter& filter) {
  if (!CheckClusters(context)) return nullptr;
  return tcp_proxy::MakeTcpProxy(context, listener, filter);
}

std::unique_ptr<WorkerServices> MakeServices(const ServerContext& context,
                                             net::WorkerContext* worker) {
  return std::make_unique<MainServices>(context, worker);
}

}  // namespace

Wiring MainWiring() {
  Wiring wiring;
  wiring.terminals.push_back({"http_connection_manager", MakeHcm});
  wiring.terminals.push_back({"tcp_proxy", MakeTcpProxy});
  wiring.services = MakeServices;
  wiring.admin = MakeAdmin;
  wiring.plugins = StaticPlugins();
  return wiring;
}

}  // namespace weir::server
