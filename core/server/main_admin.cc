#include "core/server/main_admin.h"

#include <string>
#include <utility>

#include "core/config/names.h"
#include "core/server/main_admin_host.h"
#include "core/server/main_admin_terminal.h"
#include "core/server/main_services.h"
#include "filters/network/http_connection_manager/hcm_builder.h"

namespace weir::server {
namespace {

class AdminMaker final : public MainHcmMaker {
 public:
  explicit AdminMaker(std::shared_ptr<AdminPages> pages)
      : MainHcmMaker(nullptr), pages_(std::move(pages)) {}

 protected:
  std::unique_ptr<http::TerminalMaker> MakeTerminals(net::WorkerContext* worker) override {
    return std::make_unique<AdminTerminals>(pages_, worker);
  }

 private:
  std::shared_ptr<AdminPages> pages_;
};

// One virtual host, one route: every path is the admin's.
std::shared_ptr<config::HttpConnectionManager> AdminSettings() {
  auto routes = std::make_shared<config::RouteConfiguration>();
  config::VirtualHost host;
  host.name = "admin";
  host.domains = {"*"};
  config::Route route;
  route.match.kind = config::RouteMatch::Kind::kPrefix;
  route.match.value = "/";
  route.action = config::RouteAction{};
  route.max_request_bytes = 65536;
  host.routes.push_back(std::move(route));
  routes->virtual_hosts.push_back(std::move(host));

  auto settings = std::make_shared<config::HttpConnectionManager>();
  settings->stat_prefix = "admin";
  settings->route_config = std::move(routes);
  settings->http_filters.resize(1);
  settings->generate_request_id = false;
  settings->skip_xff_append = true;
  settings->headers_with_underscores_action = config::HeadersWithUnderscores::kAllow;
  return settings;
}

}  // namespace

std::unique_ptr<net::TerminalFactory> MakeAdmin(const ServerContext& context,
                                                const config::Listener& listener) {
  auto settings = AdminSettings();
  settings->codecs = config::DefaultCodecs();
  std::shared_ptr<const hcm::HcmConfig> config = hcm::BuildHcm(context, listener, *settings);
  if (config == nullptr) return nullptr;
  // BuildHcm refers to settings of the bootstrap; these are our own.
  auto own = std::const_pointer_cast<hcm::HcmConfig>(config);
  own->settings = settings;
  own->serves_when_overloaded = true;
  auto pages = std::make_shared<AdminPages>(*context.bootstrap->admin, MakeAdminHost(context));
  return std::make_unique<hcm::HcmFactory>(std::move(config),
                                           std::make_shared<AdminMaker>(std::move(pages)));
}

}  // namespace weir::server
