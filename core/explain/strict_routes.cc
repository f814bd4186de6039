#include "core/explain/strict_routes.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/explain/walk_routes.h"
#include "core/http/authority.h"
#include "core/http/path.h"
#include "core/http/route/rewrite.h"

namespace weir::explain {
namespace {

using Kind = config::RouteMatch::Kind;

constexpr char kEveryPath[] = "/";

bool HasLetters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

bool Takes(const http::Route& route, std::string_view path) {
  http::RequestView request;
  request.path = path;
  return route.Matches(request, path);
}

http::PathOptions PathOptionsOf(const config::HttpConnectionManager& http) {
  http::PathOptions options;
  options.normalize = http.normalize_path;
  options.merge_slashes = http.merge_slashes;
  options.escaped_slashes = http::EscapedSlashes::kKeep;
  return options;
}

bool IsNormal(const std::string& path, const http::PathOptions& options) {
  std::string room(path.size(), '\0');
  return http::NormalizePath(path, options, room.data()).verdict == http::PathVerdict::kUnchanged;
}

// Whether no request that has passed the connection manager's rules has a path that the route
// takes.
bool NeverTaken(const config::RouteMatch& match, const http::PathOptions& options) {
  if (match.kind == Kind::kConnect || match.kind == Kind::kSafeRegex || match.value.empty())
    return false;
  if (match.kind == Kind::kPath) return match.value != "*" && !IsNormal(match.value, options);
  // A prefix may end within an escape or a segment: what follows decides.
  const size_t percent = match.value.rfind('%');
  if (percent != std::string::npos && percent + 3 > match.value.size()) return false;
  return !IsNormal(match.value, options) && !IsNormal(match.value + "x", options);
}

class RouteChecker {
 public:
  RouteChecker(const config::Listener& listener, const config::HttpConnectionManager& http,
               config::Diagnostics* warnings)
      : listener_(listener), http_(http), warnings_(warnings) {}

  void Run() {
    http::RouteTableHooks hooks;
    for (const config::HttpFilter& filter : http_.http_filters)
      hooks.filters.push_back(filter.name);
    std::vector<http::RouteError> errors;
    table_ = http::RouteTable::Build(http_.route_config, hooks, &errors);
    // Loading has checked all of it.
    if (table_ == nullptr) return;
    const auto& hosts = http_.route_config->virtual_hosts;
    for (uint32_t i = 0; i < hosts.size(); ++i) {
      Domains(hosts[i]);
      Routes(i);
    }
    UnusedFilters();
  }

 private:
  void Warn(config::Mark mark, const std::string& message, const char* rule) {
    warnings_->Add(mark, "warning: " + message + " [" + rule + "]");
  }

  // A domain that no host equals once the connection manager has normalised it.
  void Domains(const config::VirtualHost& host) {
    if (host.routes.empty())
      Warn(host.mark,
           "virtual host " + config::Quote(host.name) + " has no routes: all it gets is 404",
           "empty-virtual-host");
    http::AuthorityOptions options;
    options.strip_any_port = http_.strip_any_host_port;
    options.strip_matching_port = http_.strip_matching_host_port;
    options.strip_trailing_dot = http_.strip_trailing_host_dot;
    for (const std::string& domain : host.domains) {
      if (domain.find('*') != std::string::npos) continue;
      std::string text = domain;
      http::Authority authority;
      const auto error = http::NormalizeAuthority(text.data(), text.size(), options,
                                                  listener_.address.port, &authority);
      const std::string what =
          "domain " + config::Quote(domain) + " of virtual host " + config::Quote(host.name);
      if (error != http::AuthorityError::kNone) {
        Warn(host.mark,
             what + " is no host that a request may have: " +
                 std::string(http::AuthorityErrorText(error)),
             "unreachable-domain");
      } else if (table_->HostOf(authority.text) != domain) {
        Warn(host.mark, what + " is never asked for: the listener leaves its port or dot out",
             "unreachable-domain");
      }
    }
  }

  void Routes(uint32_t host) {
    const http::RouteTable::Routes routes = table_->RoutesOf(host);
    for (size_t i = 0; i < routes.count; ++i) {
      const http::Route& route = routes.first[i];
      const config::Route& config = route.config();
      if (NeverTaken(config.match, PathOptionsOf(http_))) {
        Warn(config.mark,
             MatchText(config.match) + " takes no request: paths are normalised before",
             "unreachable-route");
      } else if (const http::Route* earlier = Shadow(routes, i)) {
        Warn(config.mark,
             MatchText(config.match) + " is never asked: " + MatchText(earlier->config().match) +
                 " at line " + std::to_string(earlier->config().mark.line) + " takes all of it",
             "shadowed-route");
      }
      Redirect(route);
      Wait(route);
    }
  }

  static const http::Route* Shadow(const http::RouteTable::Routes& routes, size_t later) {
    for (size_t i = 0; i < later; ++i) {
      if (Covers(routes.first[i], routes.first[later])) return &routes.first[i];
    }
    return nullptr;
  }

  // A redirect that leads where the request came from.
  void Redirect(const http::Route& route) {
    const config::RouteMatch& match = route.config().match;
    if (route.redirect() == nullptr || match.value.empty() || match.kind == Kind::kSafeRegex)
      return;
    const bool secure = listener_.filter_chains.front().tls != nullptr;
    const http::RedirectedRequest from{secure ? "https" : "http", "a.invalid", match.value};
    std::string room(http::LocationBound(route, from), '\0');
    http::ByteSink sink(room.data(), room.size());
    const http::Rewrite to = http::RedirectLocation(route, from, &sink);
    const std::string came = std::string(from.scheme) + "://a.invalid" + match.value;
    if (to.status == http::RewriteStatus::kRewritten && to.text == came)
      Warn(route.config().mark, "the redirect leads to the address it came from", "redirect-loop");
  }

  // Nothing ends a request whose backend is silent.
  void Wait(const http::Route& route) {
    const config::RouteAction* action = route.forward();
    if (action == nullptr || action->timeout.count() != 0) return;
    const auto idle = action->idle_timeout.value_or(http_.stream_idle_timeout);
    const auto life = action->max_stream_duration.value_or(http_.max_stream_duration);
    if (idle.count() == 0 && life.count() == 0)
      Warn(
          route.config().mark,
          "timeout, stream_idle_timeout and max_stream_duration are all 0: a request whose backend "
          "is silent is held for ever",
          "unbounded-wait");
  }

  void UnusedFilters() {
    for (size_t i = 0; i < http_.http_filters.size(); ++i) {
      const config::HttpFilter& filter = http_.http_filters[i];
      if (!filter.disabled || EnabledSomewhere(i)) continue;
      Warn(filter.mark,
           "http filter " + config::Quote(filter.name) + " is disabled, and no route turns it on",
           "unused-filter");
    }
  }

  bool EnabledSomewhere(size_t filter) const {
    for (uint32_t host = 0; host < http_.route_config->virtual_hosts.size(); ++host) {
      const http::RouteTable::Routes routes = table_->RoutesOf(host);
      for (size_t i = 0; i < routes.count; ++i) {
        if (routes.first[i].filter(filter).Runs(true)) return true;
      }
    }
    return false;
  }

  const config::Listener& listener_;
  const config::HttpConnectionManager& http_;
  config::Diagnostics* warnings_;
  std::unique_ptr<const http::RouteTable> table_;
};

}  // namespace

bool Covers(const http::Route& earlier, const http::Route& later) {
  const config::RouteMatch& a = earlier.config().match;
  const config::RouteMatch& b = later.config().match;
  if (a.kind == Kind::kConnect || b.kind == Kind::kConnect) return a.kind == b.kind;
  if (b.kind == Kind::kSafeRegex) {
    if (a.kind == Kind::kSafeRegex) return a.value == b.value;
    return a.kind == Kind::kPrefix && a.value == kEveryPath;
  }
  // The later one takes spellings that only one of the two spellings here stands for.
  if (!b.case_sensitive && a.case_sensitive && (a.kind == Kind::kSafeRegex || HasLetters(a.value)))
    return false;
  if (!b.case_sensitive && a.kind == Kind::kSafeRegex) return false;
  switch (b.kind) {
    case Kind::kPath:
      return Takes(earlier, b.value);
    case Kind::kPrefix:
      if (a.kind == Kind::kPrefix) return Takes(earlier, b.value);
      return a.kind == Kind::kPathSeparatedPrefix && b.value.size() > a.value.size() &&
             Takes(earlier, b.value);
    case Kind::kPathSeparatedPrefix:
      return (a.kind == Kind::kPrefix || a.kind == Kind::kPathSeparatedPrefix) &&
             Takes(earlier, b.value);
    default:
      return false;
  }
}

void CheckStrictRoutes(const config::Listener& listener, const config::HttpConnectionManager& http,
                       config::Diagnostics* warnings) {
  RouteChecker(listener, http, warnings).Run();
}

}  // namespace weir::explain
