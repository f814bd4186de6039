#include "core/admin/page_table.h"

#include <algorithm>
#include <iterator>

#include "core/admin/pages.h"

namespace weir::admin {
namespace {

Reply HelpPage(std::string_view query, Host*) {
  if (!query.empty()) return Answer(400, "this page takes no parameter\n");
  return Answer(200, HelpText());
}

using Kind = Page::Kind;

constexpr Page kPages[] = {
    {"/", Kind::kShow, true, true, DashboardPage, "the dashboard, for a browser"},
    {"/help", Kind::kShow, true, true, HelpPage, "this text"},
    {"/dashboard.json", Kind::kShow, false, false, DashboardJsonPage,
     "what the dashboard shows, and `weir top`; ?since=NUMBER"},
    {"/ready", Kind::kShow, true, true, ReadyPage,
     "200 LIVE; 503 with INITIALIZING or DRAINING while new work should go elsewhere"},
    {"/healthz", Kind::kShow, true, true, HealthzPage, "200 as long as the process answers at all"},
    {"/stats", Kind::kShow, false, false, StatsPage,
     "every counter, gauge and histogram; ?filter=REGEX, ?usedonly, ?format=json, "
     "?format=prometheus"},
    {"/stats/prometheus", Kind::kShow, false, false, PrometheusPage,
     "the same for Prometheus; ?filter=REGEX, ?usedonly"},
    {"/clusters", Kind::kShow, false, false, ClustersPage,
     "clusters, their endpoints and what goes on there; ?format=json"},
    {"/listeners", Kind::kShow, false, false, ListenersPage,
     "listeners, their routes and filters; ?format=json"},
    {"/connections", Kind::kShow, false, false, ConnectionsPage,
     "clients' connections, what each waits for and how old it is; ?limit=N, ?format=json"},
    {"/streams", Kind::kShow, false, false, StreamsPage,
     "requests under way, what each waits for and for how long; ?limit=N, ?format=json"},
    {"/config_dump", Kind::kShow, false, false, ConfigDumpPage,
     "the configuration with every default, secrets left out; ?format=json"},
    {"/config", Kind::kShow, false, false, ConfigPage,
     "what came of the last reload; ?format=json"},
    {"/plugins", Kind::kShow, false, false, PluginsPage, "what is loaded; ?format=json"},
    {"/certs", Kind::kShow, false, false, CertsPage,
     "certificates and for how many days they are good; ?format=json"},
    {"/memory", Kind::kShow, false, false, MemoryPage, "what memory is in use; ?format=json"},
    {"/version", Kind::kShow, false, false, VersionPage,
     "version, state and age of the process; ?format=json"},
    {"/drain", Kind::kAct, false, false, DrainPage, "what SIGTERM does: finish, then end"},
    {"/healthcheck/fail", Kind::kAct, false, false, HealthFailPage,
     "/ready and the health_check filter say 503"},
    {"/healthcheck/ok", Kind::kAct, false, false, HealthOkPage, "... and no longer"},
    {"/reload", Kind::kAct, false, false, ReloadPage,
     "reads the configuration again, as SIGHUP does, and says what came of it"},
    {"/logging", Kind::kAct, false, false, LoggingPage,
     "?level=trace, debug, info, warn, error or off of the program's own log"},
};

}  // namespace

const Page* FindPage(std::string_view path) {
  const auto* found = std::find_if(std::begin(kPages), std::end(kPages),
                                   [path](const Page& page) { return page.path == path; });
  return found == std::end(kPages) ? nullptr : found;
}

std::string HelpText() {
  std::string text = "Weir's admin pages:\n";
  for (const Page& page : kPages) {
    if (page.help.empty()) continue;
    std::string line = "  ";
    line += page.kind == Kind::kAct ? "POST " : "GET  ";
    line += page.path;
    line.resize(std::max<size_t>(line.size() + 2, 28), ' ');
    text += line;
    text += page.help;
    text += '\n';
  }
  return text;
}

}  // namespace weir::admin
