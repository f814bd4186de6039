#include "core/admin/pages.h"

namespace weir::admin {

std::string_view StateName(observe::ServerState state) {
  switch (state) {
    case observe::ServerState::kLive:
      return "LIVE";
    case observe::ServerState::kDraining:
      return "DRAINING";
    case observe::ServerState::kInitializing:
      break;
  }
  return "INITIALIZING";
}

Reply ReadyPage(std::string_view query, Host* host) {
  if (!query.empty()) return Answer(400, "this page takes no parameter\n");
  const observe::ServerState state = host->State();
  return Answer(state == observe::ServerState::kLive ? 200 : 503,
                std::string(StateName(state)) + "\n");
}

// A process that drains is alive: whoever restarts it now cuts what it finishes.
Reply HealthzPage(std::string_view query, Host*) {
  if (!query.empty()) return Answer(400, "this page takes no parameter\n");
  return Answer(200, "OK\n");
}

}  // namespace weir::admin
