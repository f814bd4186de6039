#include "core/server/main_admin.h"

#include <new>
#include <string>
#include <utility>

#include "core/config/names.h"
#include "core/observe/admin.h"
#include "core/server/main_services.h"
#include "core/server/server.h"
#include "filters/network/http_connection_manager/hcm_builder.h"

namespace weir::server {
namespace {

class AdminTerminal final : public http::Terminal {
 public:
  AdminTerminal(http::TerminalHost* host, const observe::StatRegistry* stats)
      : host_(host), stats_(stats) {}

  void OnRequestHead(bool) override {
    http::Message& request = host_->request();
    const observe::AdminReply page =
        observe::AnswerAdmin(request.method(), request.path(), {PresentState(), stats_});
    http::Message answer(host_->arena());
    answer.Reset(WEIR_HEAD_RESPONSE, static_cast<uint16_t>(page.status));
    answer.AddStatic(WEIR_TOKEN_CONTENT_TYPE, page.content_type);
    answer.AddStatic(WEIR_TOKEN_CACHE_CONTROL, "no-cache, max-age=0");
    if (!page.allow.empty()) answer.AddStatic(WEIR_TOKEN_ALLOW, page.allow);
    answer.head().flags |= WEIR_HEAD_HAS_LENGTH;
    answer.head().content_length = page.body.size();
    const bool end = page.body.empty() || request.method() == "HEAD";
    host_->RespondHead(answer.head(), end);
    if (end) return;
    http::SliceQueue body(host_->worker()->pool);
    body.Append(page.body.data(), page.body.size());
    while (!body.empty()) {
      base::Slice slice = body.Pop();
      host_->RespondData(std::move(slice), body.empty());
    }
  }
  void OnRequestData(http::SliceQueue* data, bool) override {
    host_->RequestBodyTaken(data->bytes());
    data->Clear();
  }
  void OnRequestTrailers(const weir_head&) override {}
  void OnResponseTaken(uint64_t) override {}
  void OnCancel(uint32_t) override {}

 private:
  http::TerminalHost* host_;
  const observe::StatRegistry* stats_;
};

class AdminTerminals final : public http::TerminalMaker {
 public:
  explicit AdminTerminals(const observe::StatRegistry* stats) : stats_(stats) {}
  http::Terminal* Make(http::TerminalHost* host) override {
    void* memory = host->arena()->Allocate(sizeof(AdminTerminal), alignof(AdminTerminal));
    return memory == nullptr ? nullptr : new (memory) AdminTerminal(host, stats_);
  }

 private:
  const observe::StatRegistry* stats_;
};

class AdminMaker final : public MainHcmMaker {
 public:
  AdminMaker() : MainHcmMaker(nullptr) {}

 protected:
  std::unique_ptr<http::TerminalMaker> MakeTerminals(net::WorkerContext* worker) override {
    return std::make_unique<AdminTerminals>(MainServices::Of(worker)->registry());
  }
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
  return std::make_unique<hcm::HcmFactory>(std::move(config), std::make_shared<AdminMaker>());
}

}  // namespace weir::server
