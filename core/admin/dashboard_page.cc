#include "core/observe/dashboard/dashboard_page.h"

#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/admin/pages.h"
#include "core/admin/query.h"
#include "core/observe/dashboard/dashboard.h"

namespace weir::admin {
namespace {

constexpr std::string_view kHtml = "text/html; charset=UTF-8";

}  // namespace

Reply DashboardPage(std::string_view query, Host*) {
  if (!query.empty()) return Answer(400, "this page takes no parameter\n");
  Reply reply;
  reply.content_type = kHtml;
  reply.policy = observe::DashboardPolicy();
  reply.body = observe::DashboardPage();
  return reply;
}

Reply DashboardJsonPage(std::string_view query, Host* host) {
  Query wanted;
  std::string error = wanted.Parse(query, {"since"});
  if (!error.empty()) return Answer(400, std::move(error));
  uint64_t since = 0;
  if (wanted.Has("since")) {
    const std::string& text = wanted.Get("since");
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), since);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
      return Answer(400, "since: expected the number of a sample\n");
  }
  const std::shared_ptr<observe::Dashboard> dashboard = observe::Dashboard::Current();
  if (dashboard == nullptr) return Answer(503, "the dashboard has no samples yet\n");
  const ProcessFacts process = host->Process();
  observe::DashboardFacts facts;
  facts.version = process.version;
  facts.state = StateName(host->State());
  for (const EndpointFacts& endpoint : host->Endpoints()) {
    observe::EndpointState state;
    state.cluster = endpoint.cluster;
    state.address = endpoint.address.ToString();
    state.hostname = endpoint.hostname;
    state.weight = endpoint.weight;
    state.healthy = endpoint.healthy;
    state.connections = endpoint.connections;
    state.active = endpoint.active_requests;
    facts.endpoints.push_back(std::move(state));
  }
  return AnswerJson(dashboard->Json(facts, since));
}

}  // namespace weir::admin
