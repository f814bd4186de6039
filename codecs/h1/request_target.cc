#include "codecs/h1/request_target.h"

#include <cstring>

#include "codecs/h1/authority.h"
#include "plugins/util/ascii.h"

namespace weir::h1 {

namespace {

// Reads the Host field, which HTTP/1.1 demands once. *found is false when there is none.
Parse ReadHost(const RequestLine& line, const FramingFields& framing, Authority* host, bool* found,
               Fault* fault) {
  *found = framing.hosts != 0;
  if (!*found) {
    if (line.version >= 11) return Fail(fault, 400, line.target.data(), "missing_host_header");
    return Parse::kDone;
  }
  if (framing.hosts > 1) return Fail(fault, 400, framing.host.data, "http1.repeated_host");
  if (!ParseAuthority(Text(framing.host), host)) {
    return Fail(fault, 400, framing.host.data, "http1.invalid_host");
  }
  return Parse::kDone;
}

Parse ParseConnect(const RequestLine& line, const Authority& host, bool has_host, Target* out,
                   Fault* fault) {
  Authority named;
  if (!ParseAuthority(line.target, &named) || named.port == 0) {
    return Fail(fault, 400, line.target.data(), "http1.invalid_connect_target");
  }
  if (has_host && !SameAuthority(named, host, named.port)) {
    return Fail(fault, 400, host.host.data(), "http1.host_differs_from_target");
  }
  out->authority = line.target;
  return Parse::kDone;
}

// The size of "http://" or "https://" at the front, 0 for anything else.
size_t SchemeSize(std::string_view target) {
  if (target.size() > 7 && util::EqualsLower(target.substr(0, 7), "http://")) return 7;
  if (target.size() > 8 && util::EqualsLower(target.substr(0, 8), "https://")) return 8;
  return 0;
}

// A path that is missing before a query: the authority moves one byte to the left, over the last
// byte of "//", which leaves room for a '/'.
void InsertSlash(std::string_view* authority, std::string_view* path) {
  char* const begin = const_cast<char*>(authority->data());
  std::memmove(begin - 1, begin, authority->size());
  begin[authority->size() - 1] = '/';
  *authority = {begin - 1, authority->size()};
  *path = {path->data() - 1, path->size() + 1};
}

Parse ParseAbsolute(const RequestLine& line, const Authority& host, bool has_host, Target* out,
                    Fault* fault) {
  const std::string_view target = line.target;
  const size_t scheme_size = SchemeSize(target);
  if (scheme_size == 0) return Fail(fault, 400, target.data(), "http1.invalid_url");
  const std::string_view rest = target.substr(scheme_size);
  const size_t authority_size = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, authority_size);
  std::string_view path = rest.substr(authority_size);
  Authority named;
  if (!ParseAuthority(authority, &named)) {
    return Fail(fault, 400, authority.data(), "http1.invalid_authority");
  }
  if (has_host && !SameAuthority(named, host, scheme_size == 7 ? 80 : 443)) {
    return Fail(fault, 400, host.host.data(), "http1.host_differs_from_target");
  }
  if (path.empty()) {
    path = line.method == "OPTIONS" ? "*" : "/";
  } else if (path[0] == '?') {
    InsertSlash(&authority, &path);
  }
  out->scheme = scheme_size == 7 ? "http" : "https";
  out->authority = authority;
  out->path = path;
  return Parse::kDone;
}

}  // namespace

Parse ParseTarget(const RequestLine& line, const FramingFields& framing, bool allow_connect,
                  Target* out, Fault* fault) {
  const std::string_view target = line.target;
  Authority host;
  bool has_host = false;
  if (ReadHost(line, framing, &host, &has_host, fault) != Parse::kDone) return Parse::kFault;
  if (const void* hash = std::memchr(target.data(), '#', target.size())) {
    return Fail(fault, 400, static_cast<const char*>(hash), "http1.fragment_in_url");
  }
  if (line.method == "CONNECT") {
    if (!allow_connect) return Fail(fault, 501, line.method.data(), "http1.connect_not_allowed");
    return ParseConnect(line, host, has_host, out, fault);
  }
  if (target[0] == '/') {
    out->authority = Text(framing.host);
    out->path = target;
    return Parse::kDone;
  }
  if (target == "*") {
    if (line.method != "OPTIONS") return Fail(fault, 400, target.data(), "http1.invalid_url");
    out->authority = Text(framing.host);
    out->path = target;
    return Parse::kDone;
  }
  return ParseAbsolute(line, host, has_host, out, fault);
}

}  // namespace weir::h1
