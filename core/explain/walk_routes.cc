#include "core/explain/walk_routes.h"

#include <string_view>

#include "core/http/path.h"
#include "core/http/route/domain_index.h"

namespace weir::explain {
namespace {

using http::DomainIndex;
using http::RouteMismatch;

// The same index as the table's, with one domain in it.
bool DomainMatches(const std::string& domain, std::string_view host) {
  DomainIndex index;
  uint32_t other = DomainIndex::kNone;
  return index.Add(domain, 0, &other) == http::DomainError::kNone && index.Find(host) == 0;
}

// Of two domains that match the host, which one an index that has both takes.
bool IsBetter(const std::string& domain, const std::string& than, std::string_view host) {
  if (than.empty()) return true;
  DomainIndex index;
  uint32_t other = DomainIndex::kNone;
  index.Add(than, 0, &other);
  index.Add(domain, 1, &other);
  return index.Find(host) == 1;
}

VirtualHostStep AskVirtualHost(const config::VirtualHost& virtual_host, std::string_view host) {
  VirtualHostStep step;
  step.host = &virtual_host;
  for (const std::string& domain : virtual_host.domains) {
    const bool matches = DomainMatches(domain, host);
    step.domains.push_back({domain, matches});
    if (matches && IsBetter(domain, step.domain, host)) step.domain = domain;
  }
  return step;
}

// Ports are part of a domain, which surprises those who come from elsewhere.
bool MatchesWithoutPort(const VirtualHostStep& step, std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == host.npos || host.ends_with(']')) return false;
  for (const DomainStep& domain : step.domains) {
    if (DomainMatches(domain.domain, host.substr(0, colon))) return true;
  }
  return false;
}

std::string WhyNotHost(const VirtualHostStep& step, const VirtualHostStep* chosen,
                       std::string_view host) {
  if (step.domain.empty() && MatchesWithoutPort(step, host))
    return "matches only without the port (ignore_port_in_host_matching would leave it out)";
  if (step.domain.empty() || chosen == nullptr) return "none of its domains is the host's";
  return "its domain \"" + step.domain + "\" matches too, but \"" + chosen->domain +
         "\" says more of the host";
}

std::string WhyNotRoute(RouteMismatch mismatch) {
  switch (mismatch) {
    case RouteMismatch::kTakesConnect:
      return "takes CONNECT requests only";
    case RouteMismatch::kIsConnect:
      return "takes no CONNECT requests";
    case RouteMismatch::kOtherPath:
      return "the path is another";
    case RouteMismatch::kOtherPrefix:
      return "the path does not start so";
    case RouteMismatch::kInsideSegment:
      return "the path starts so, but goes on without a '/'";
    case RouteMismatch::kOtherPattern:
      return "the pattern does not match the whole path";
    case RouteMismatch::kNone:
      break;
  }
  return "";
}

// A hint where only the case of letters differs.
bool DiffersInCase(const config::RouteMatch& match, std::string_view path) {
  if (!match.case_sensitive || match.kind == config::RouteMatch::Kind::kSafeRegex) return false;
  if (match.value.empty() || path.size() < match.value.size()) return false;
  for (size_t i = 0; i < match.value.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; };
    if (lower(path[i]) != lower(match.value[i])) return false;
  }
  return true;
}

void AskRoutes(const http::RouteTable& table, uint32_t number, const http::RequestView& request,
               Explanation* out) {
  const std::string_view path = http::PathWithoutQuery(request.path);
  const http::RouteTable::Routes routes = table.RoutesOf(number);
  for (size_t i = 0; i < routes.count; ++i) {
    const http::Route& route = routes.first[i];
    RouteStep step{&route, i + 1, false, out->route == nullptr, ""};
    const RouteMismatch mismatch = route.Compare(request, path);
    if (mismatch != RouteMismatch::kNone) {
      step.why = WhyNotRoute(mismatch);
      const bool by_path =
          mismatch == RouteMismatch::kOtherPath || mismatch == RouteMismatch::kOtherPrefix;
      if (by_path && DiffersInCase(route.config().match, path))
        step.why += " (letters differ in their case)";
    } else if (out->route == nullptr) {
      step.chosen = true;
      out->route = &route;
    } else {
      step.why = "matches too, but an earlier route took the request";
    }
    out->routes.push_back(std::move(step));
  }
}

}  // namespace

void WalkRoutes(const http::RouteTable& table, const http::RequestView& request, Explanation* out) {
  const std::string_view host = table.HostOf(request.authority);
  const uint32_t number = table.FindVirtualHost(host);
  for (const config::VirtualHost& virtual_host : table.configuration().virtual_hosts)
    out->virtual_hosts.push_back(AskVirtualHost(virtual_host, host));
  const VirtualHostStep* chosen =
      number == DomainIndex::kNone ? nullptr : &out->virtual_hosts[number];
  for (VirtualHostStep& step : out->virtual_hosts) {
    step.chosen = &step == chosen;
    if (!step.chosen) step.why = WhyNotHost(step, chosen, host);
  }
  if (chosen != nullptr) AskRoutes(table, number, request, out);
}

std::string MatchText(const config::RouteMatch& match) {
  using Kind = config::RouteMatch::Kind;
  const std::string folded = match.case_sensitive ? "" : " (in any case)";
  switch (match.kind) {
    case Kind::kPath:
      return "path " + match.value + folded;
    case Kind::kPrefix:
      return "prefix " + match.value + folded;
    case Kind::kPathSeparatedPrefix:
      return "path_separated_prefix " + match.value + folded;
    case Kind::kSafeRegex:
      return "safe_regex " + match.value;
    case Kind::kConnect:
      break;
  }
  return "connect_matcher";
}

}  // namespace weir::explain
