#include "core/http/route/rewrite.h"

#include "core/http/path.h"

namespace weir::http {
namespace {

constexpr size_t kSchemeAndPortSize = 8 + 6;  // "https://", ":65535"

Rewrite Finish(const ByteSink& sink) {
  if (sink.overflowed()) return {RewriteStatus::kNoRoom, {}};
  return {RewriteStatus::kRewritten, sink.text()};
}

// How much of the path the route's match stands for.
size_t MatchedSize(const config::RouteMatch& match, std::string_view path) {
  if (match.kind == config::RouteMatch::Kind::kPath) return path.size();
  return match.value.size();
}

// The parts of a rewritten path.
struct Seam {
  std::string_view head;
  std::string_view rest;  // of the request's path, without query
};

Seam Join(const config::RouteMatch& match, std::string_view rewrite, std::string_view path) {
  Seam seam{rewrite, path.substr(MatchedSize(match, path))};
  if (rewrite.ends_with('/') && seam.rest.starts_with('/')) seam.rest.remove_prefix(1);
  return seam;
}

// The route was chosen before the filters, which may have written another path since.
bool StillMatches(const Route& route, std::string_view path) {
  RequestView request;
  request.path = path;
  return route.Matches(request, path);
}

// Both parts are normal; only the segment in which they meet can be something new.
bool MakesDotSegment(const Seam& seam) {
  const std::string_view left = seam.head.substr(seam.head.rfind('/') + 1);
  const std::string_view right = seam.rest.substr(0, seam.rest.find_first_of("/;"));
  if (left.size() + right.size() == 1) return left == "." || right == ".";
  if (left.size() + right.size() != 2) return false;
  return left.find_first_not_of('.') == left.npos && right.find_first_not_of('.') == right.npos;
}

std::string_view QueryOf(std::string_view path) {
  return path.substr(PathWithoutQuery(path).size());
}

size_t PortAt(std::string_view authority) {
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  return colon == authority.npos ? authority.size() : colon;
}

std::string_view RedirectScheme(const config::RedirectAction& action, std::string_view scheme) {
  if (action.https_redirect) return "https";
  return action.scheme_redirect.empty() ? scheme : std::string_view(action.scheme_redirect);
}

void AppendAuthority(const config::RedirectAction& action, const RedirectedRequest& request,
                     std::string_view new_scheme, ByteSink* sink) {
  const bool keep_host = action.host_redirect.empty();
  const std::string_view authority = keep_host ? request.authority : action.host_redirect;
  const std::string_view host = authority.substr(0, PortAt(authority));
  if (action.port_redirect != 0) {
    char digits[6] = {':'};
    size_t size = 1;
    uint32_t divisor = 10000;
    while (divisor > action.port_redirect) divisor /= 10;
    for (; divisor > 0; divisor /= 10) {
      digits[size++] = static_cast<char>('0' + action.port_redirect / divisor % 10);
    }
    sink->Append(host);
    sink->Append({digits, size});
    return;
  }
  const std::string_view port = authority.substr(host.size());
  const bool default_port = request.scheme == "https" ? port == ":443" : port == ":80";
  sink->Append(keep_host && default_port && new_scheme != request.scheme ? host : authority);
}

}  // namespace

size_t RewritePathBound(const Route& route, std::string_view path) {
  const config::RouteAction* action = route.forward();
  return action == nullptr ? 0 : action->prefix_rewrite.size() + path.size();
}

Rewrite RewritePath(const Route& route, std::string_view path, ByteSink* sink) {
  const config::RouteAction* action = route.forward();
  if (action == nullptr || action->prefix_rewrite.empty()) return {RewriteStatus::kUnchanged, path};
  const std::string_view bare = PathWithoutQuery(path);
  if (!StillMatches(route, bare)) return {RewriteStatus::kUnmatched, {}};
  const Seam seam = Join(route.config().match, action->prefix_rewrite, bare);
  if (MakesDotSegment(seam)) return {RewriteStatus::kDotSegment, {}};
  sink->Append(seam.head);
  sink->Append(seam.rest);
  sink->Append(QueryOf(path));
  return Finish(*sink);
}

std::string_view RewriteAuthority(const Route& route, std::string_view authority) {
  const config::RouteAction* action = route.forward();
  if (action == nullptr || action->host_rewrite_literal.empty()) return authority;
  return action->host_rewrite_literal;
}

size_t LocationBound(const RedirectedRequest& request) {
  return kSchemeAndPortSize + request.authority.size() + request.path.size();
}

size_t LocationBound(const Route& route, const RedirectedRequest& request) {
  const config::RedirectAction* action = route.redirect();
  if (action == nullptr) return 0;
  return LocationBound(request) + action->host_redirect.size() + action->path_redirect.size() +
         action->prefix_rewrite.size();
}

Rewrite RedirectLocation(const Route& route, const RedirectedRequest& request, ByteSink* sink) {
  const config::RedirectAction& action = *route.redirect();
  if (request.authority.empty() && action.host_redirect.empty()) {
    return {RewriteStatus::kNoAuthority, {}};
  }
  const std::string_view path = PathWithoutQuery(request.path);
  Seam seam{path, {}};
  if (!action.path_redirect.empty()) {
    seam.head = action.path_redirect;
  } else if (!action.prefix_rewrite.empty()) {
    if (!StillMatches(route, path)) return {RewriteStatus::kUnmatched, {}};
    seam = Join(route.config().match, action.prefix_rewrite, path);
    if (MakesDotSegment(seam)) return {RewriteStatus::kDotSegment, {}};
  }
  const std::string_view scheme = RedirectScheme(action, request.scheme);
  sink->Append(scheme);
  sink->Append("://");
  AppendAuthority(action, request, scheme, sink);
  sink->Append(seam.head);
  sink->Append(seam.rest);
  const bool own_query = action.path_redirect.find('?') != std::string::npos;
  if (!own_query && !action.strip_query) sink->Append(QueryOf(request.path));
  return Finish(*sink);
}

Rewrite PathLocation(const RedirectedRequest& request, ByteSink* sink) {
  if (request.authority.empty()) return {RewriteStatus::kNoAuthority, {}};
  sink->Append(request.scheme);
  sink->Append("://");
  sink->Append(request.authority);
  sink->Append(request.path);
  return Finish(*sink);
}

}  // namespace weir::http
