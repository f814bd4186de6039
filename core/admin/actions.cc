#include <optional>
#include <string>
#include <utility>

#include "core/admin/pages.h"
#include "core/admin/query.h"
#include "core/base/log.h"
#include "core/observe/server_state.h"

namespace weir::admin {
namespace {

constexpr const char* kLevels[] = {"trace", "debug", "info", "warn", "error", "off"};

std::string LevelText() {
  for (const char* name : kLevels) {
    if (base::LogEnabled(*base::ParseLogLevel(name))) return std::string("level: ") + name + "\n";
  }
  return "level: off\n";
}

Reply SetHealth(std::string_view query, bool failed) {
  if (!query.empty()) return Answer(400, "this page takes no parameter\n");
  if (observe::health_check_failed.exchange(failed) != failed)
    WEIR_LOG(kInfo, "admin: health checks %s from now on", failed ? "fail" : "succeed");
  return Answer(200, "OK\n");
}

}  // namespace

Reply DrainPage(std::string_view query, Host* host) {
  if (!query.empty()) return Answer(400, "this page takes no parameter\n");
  if (!host->Drain()) return Answer(503, "the main thread is busy; ask again\n");
  return Answer(200, "OK\n");
}

Reply LoggingPage(std::string_view query, Host*) {
  Query wanted;
  std::string error = wanted.Parse(query, {"level"});
  if (!error.empty()) return Answer(400, std::move(error));
  if (!wanted.Has("level")) return Answer(200, LevelText());
  const std::optional<base::LogLevel> level = base::ParseLogLevel(wanted.Get("level"));
  if (!level) return Answer(400, "level is trace, debug, info, warn, error or off\n");
  base::SetLogLevel(*level);
  return Answer(200, LevelText());
}

Reply HealthFailPage(std::string_view query, Host*) {
  return SetHealth(query, true);
}

Reply HealthOkPage(std::string_view query, Host*) {
  return SetHealth(query, false);
}

}  // namespace weir::admin
