#pragma once

#include <string_view>

#include "core/admin/host.h"
#include "core/admin/message.h"

// The pages, each in a file of its name. `query` is what stands behind the "?"; a parameter or a
// value that a page does not know is a 400 that names it.

namespace weir::admin {

Reply ReadyPage(std::string_view query, Host* host);
Reply HealthzPage(std::string_view query, Host* host);
Reply StatsPage(std::string_view query, Host* host);
Reply PrometheusPage(std::string_view query, Host* host);
Reply ClustersPage(std::string_view query, Host* host);
Reply ConnectionsPage(std::string_view query, Host* host);
Reply StreamsPage(std::string_view query, Host* host);
Reply ListenersPage(std::string_view query, Host* host);
Reply ConfigDumpPage(std::string_view query, Host* host);
Reply ConfigPage(std::string_view query, Host* host);
Reply PluginsPage(std::string_view query, Host* host);
Reply CertsPage(std::string_view query, Host* host);
Reply MemoryPage(std::string_view query, Host* host);
Reply VersionPage(std::string_view query, Host* host);
Reply DashboardPage(std::string_view query, Host* host);
Reply DashboardJsonPage(std::string_view query, Host* host);

// Orders.
Reply DrainPage(std::string_view query, Host* host);
Reply ReloadPage(std::string_view query, Host* host);
Reply LoggingPage(std::string_view query, Host* host);
Reply HealthFailPage(std::string_view query, Host* host);
Reply HealthOkPage(std::string_view query, Host* host);

// The name of a state, as /ready and /version say it.
std::string_view StateName(observe::ServerState state);

}  // namespace weir::admin
