// What a route does to a request's target: the path and authority for the backend, or the location
// of a redirect. Pure functions that write into the caller's ByteSink; its capacity may come from
// the bounds given here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/http/route/byte_sink.h"
#include "core/http/route/route.h"

namespace weir::http {

enum class RewriteStatus : uint8_t {
  kUnchanged,  // use what came; nothing was written
  kRewritten,  // use what was written
  // 400: the rewritten path would have a dot segment that the request's did not have. Prefix
  // "/files" rewritten to "/data/" would make "/data/../secret" of "/files../secret".
  kDotSegment,
  kNoAuthority,  // 400: a redirect of a request without authority
  // 400: a filter gave the request a path that its route does not match: there is nothing to
  // replace, and cutting as many bytes as the prefix has would make a path that nobody asked for.
  kUnmatched,
  kNoRoom,  // the sink is too small
};

struct Rewrite {
  RewriteStatus status = RewriteStatus::kUnchanged;
  std::string_view text;  // what to use, with kUnchanged and kRewritten
};

// A capacity that is enough for RewritePath.
size_t RewritePathBound(const Route& route, std::string_view path);

// The path and query for the backend: prefix_rewrite in the place of what the route matched, the
// query kept. Where the rewrite ends with '/' and the rest begins with one, one stays. `path` is
// the normalised path and query of a request; kUnmatched when the route does not match it.
Rewrite RewritePath(const Route& route, std::string_view path, ByteSink* sink);

// The authority for the backend.
std::string_view RewriteAuthority(const Route& route, std::string_view authority);

struct RedirectedRequest {
  std::string_view scheme;  // "http" or "https"
  std::string_view authority;
  std::string_view path;  // with the query
};

// A capacity that is enough for RedirectLocation and PathLocation.
size_t LocationBound(const Route& route, const RedirectedRequest& request);
size_t LocationBound(const RedirectedRequest& request);

// The location of a route whose action is a redirect; always absolute. Never kUnchanged. A port
// goes where port_redirect is set or where it is the old scheme's default and the scheme changes. A
// query in path_redirect stands for the request's.
Rewrite RedirectLocation(const Route& route, const RedirectedRequest& request, ByteSink* sink);

// The location of a request whose path was unescaped (PathVerdict::kRedirect): the same host, the
// new path. Absolute, since a path that starts with "//" would name another host.
Rewrite PathLocation(const RedirectedRequest& request, ByteSink* sink);

}  // namespace weir::http
