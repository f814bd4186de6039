#include "core/explain/settings.h"

#include <optional>

namespace weir::explain {
namespace {

constexpr char kRoute[] = "route";
constexpr char kManager[] = "http_connection_manager";

Setting Nearest(const char* name, const std::optional<config::Milliseconds>& route,
                config::Milliseconds manager) {
  return {name, TimeText(route.value_or(manager)), route ? kRoute : kManager};
}

void AddForward(const config::HttpConnectionManager& http, const config::RouteAction& action,
                std::vector<Setting>* out) {
  out->push_back({"timeout", TimeText(action.timeout), kRoute});
  out->push_back(Nearest("stream_idle_timeout", action.idle_timeout, http.stream_idle_timeout));
  out->push_back(
      Nearest("max_stream_duration", action.max_stream_duration, http.max_stream_duration));
  if (action.grpc_timeout_header_max)
    out->push_back({"grpc_timeout_header_max", TimeText(*action.grpc_timeout_header_max), kRoute});
}

}  // namespace

std::string TimeText(config::Milliseconds time) {
  const int64_t ms = time.count();
  if (ms == 0) return "none";
  if (ms % 1000 != 0) return std::to_string(ms) + "ms";
  const int64_t seconds = ms / 1000;
  std::string text;
  if (seconds >= 3600) text += std::to_string(seconds / 3600) + "h";
  if (seconds % 3600 >= 60) text += std::to_string(seconds % 3600 / 60) + "m";
  if (seconds % 60 != 0) text += std::to_string(seconds % 60) + "s";
  return text;
}

std::vector<Setting> SettingsOf(const config::HttpConnectionManager& http,
                                const http::Route& route) {
  std::vector<Setting> settings;
  if (const config::RouteAction* action = route.forward()) AddForward(http, *action, &settings);
  settings.push_back({"request_headers_timeout", TimeText(http.request_headers_timeout), kManager});
  settings.push_back({"request_timeout", TimeText(http.request_timeout), kManager});
  const bool limited = route.max_request_bytes() != http::Route::kNoLimit;
  settings.push_back({"max_request_bytes",
                      limited ? std::to_string(route.max_request_bytes()) : "none",
                      route.config().max_request_bytes ? kRoute
                      : limited                        ? "virtual host"
                                                       : "default"});
  return settings;
}

}  // namespace weir::explain
