#include "core/server/main_wiring.h"

#include <string>
#include <utility>

#include "core/server/cluster_dns.h"
#include "core/server/codec_builder.h"
#include "core/server/main_admin.h"
#include "core/server/main_explain.h"
#include "core/server/main_kit.h"
#include "core/server/main_plugins.h"
#include "core/server/main_services.h"
#include "core/server/tls_cluster.h"
#include "filters/network/http_connection_manager/hcm_builder.h"
#include "filters/network/tcp_proxy/tcp_proxy.h"

namespace weir::server {
namespace {

bool Prepare(ServerContext* context) {
  context->cluster_codecs = BuildClusterCodecs(*context);
  context->cluster_tls = BuildClusterTls(*context);
  if (context->dns != nullptr) context->cluster_members = context->dns->Plan(*context->bootstrap);
  return context->cluster_codecs != nullptr && context->cluster_tls != nullptr;
}

std::unique_ptr<net::TerminalFactory> MakeHcm(const ServerContext& context,
                                              const config::Listener& listener,
                                              const config::NetworkFilter& filter) {
  std::shared_ptr<const hcm::HcmConfig> config = hcm::BuildHcm(context, listener, *filter.http);
  if (config == nullptr) return nullptr;
  return std::make_unique<hcm::HcmFactory>(
      std::move(config),
      std::make_shared<MainHcmMaker>(context.cluster_ids == nullptr ? nullptr
                                                                    : context.cluster_ids->slots));
}

std::unique_ptr<net::TerminalFactory> MakeTcpProxy(const ServerContext& context,
                                                   const config::Listener& listener,
                                                   const config::NetworkFilter& filter) {
  return tcp_proxy::MakeTcpProxy(context, listener, filter);
}

std::unique_ptr<WorkerServices> MakeServices(const ServerContext& context,
                                             net::WorkerContext* worker) {
  return std::make_unique<MainServices>(context, worker);
}

}  // namespace

Wiring MainWiring() {
  Wiring wiring;
  wiring.prepare = Prepare;
  wiring.terminals.push_back({"http_connection_manager", MakeHcm});
  wiring.terminals.push_back({"tcp_proxy", MakeTcpProxy});
  wiring.services = MakeServices;
  wiring.admin = MakeAdmin;
  wiring.explain = RunExplain;
  wiring.plugin_test = RunPluginTest;
  wiring.plugins = StaticPlugins();
  return wiring;
}

}  // namespace weir::server
