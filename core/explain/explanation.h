#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/config/config.h"
#include "core/explain/certificate_facts.h"
#include "core/http/route/route.h"

// What `weir explain` found out about one request: plain values, and pointers into the
// configuration and the route table, which must outlive it. Printed by text.h and json.h.

namespace weir::explain {

// The request as a client sends it.
struct Request {
  std::string method = "GET";
  std::string url;     // as it was given
  std::string scheme;  // "http" or "https"; empty: only a path was given
  std::string host;    // without port and brackets; of the URL
  uint16_t port = 0;   // of the URL, or its scheme's
  bool port_given = false;
  std::string authority;  // what the Host field says
  std::string target;     // path and query; empty for a CONNECT
  std::string protocol;   // of a tunnel: "websocket", ...; empty for none and for a CONNECT
  bool tunnel = false;
  bool has_length = false;
  uint64_t content_length = 0;
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
};

// One that could have been chosen, in the order in which they are asked.
struct ListenerStep {
  const config::Listener* listener = nullptr;
  bool chosen = false;
  std::string why;  // why not; empty where it is chosen
};

struct DomainStep {
  std::string domain;
  bool matches = false;
};

struct VirtualHostStep {
  const config::VirtualHost* host = nullptr;
  std::vector<DomainStep> domains;
  bool chosen = false;
  std::string domain;  // the one that decided; chosen only
  std::string why;
};

struct RouteStep {
  const http::Route* route = nullptr;
  size_t number = 0;  // in its virtual host, from 1
  bool chosen = false;
  bool asked = false;  // no earlier one matched
  std::string why;
};

struct CertificateStep {
  std::string file;  // "inline" without one
  CertificateFacts facts;
  bool names_host = false;  // of the URL
};

struct FilterChainStep {
  const config::FilterChain* chain = nullptr;
  std::vector<CertificateStep> certificates;
  std::vector<std::string> alpn;    // with TLS: in the order of preference
  std::vector<std::string> codecs;  // of a connection manager
};

struct HttpFilterStep {
  const config::HttpFilter* filter = nullptr;
  bool runs = true;
  std::string why;  // "disabled in the chain", "enabled by the route", ...; empty where it is plain
  // Its configuration for this route, and whose that is; null without one.
  const config::PerFilterConfig* own = nullptr;
  std::string own_from;
};

// A value and where it comes from.
struct Setting {
  std::string name;
  std::string value;
  std::string from;
};

// What the client gets, as far as filters and the backend leave it so.
struct Answer {
  enum class Kind {
    kForward,         // what the backend says
    kRedirect,        // by the route
    kDirectResponse,  // by the route
    kNotFound,        // no route takes it
    kRefused,         // by a rule of the connection manager
    kPathRedirect,    // by a rule: to the path without escaped slashes
    kTcp,             // no HTTP: the bytes go to a cluster
    kNetworkFilter,   // no HTTP: a network filter has the connection
    kNoListener,      // nothing listens for it
  };
  Kind kind = Kind::kNoListener;
  uint32_t status = 0;  // 0: not ours to say
  std::string details;  // as in access logs
  std::string location;
};

struct Explanation {
  std::string file;  // of the configuration
  Request request;
  std::vector<ListenerStep> listeners;
  const config::Listener* listener = nullptr;  // null: none, and nothing below is set
  FilterChainStep chain;
  const config::HttpConnectionManager* http = nullptr;  // null: no HTTP
  const config::TcpProxy* tcp = nullptr;
  // The authority and path that are matched, forwarded and logged.
  std::string authority;
  std::string path;
  std::vector<VirtualHostStep> virtual_hosts;
  std::vector<RouteStep> routes;       // of the virtual host that was chosen
  const http::Route* route = nullptr;  // null: none
  std::vector<HttpFilterStep> filters;
  std::string upstream_authority;  // kForward: what the backend is asked
  std::string upstream_path;
  std::vector<Setting> settings;
  const config::Cluster* cluster = nullptr;
  Answer answer;
  std::vector<std::string> notes;

  // Whether a route took the request, or a tcp_proxy the connection.
  bool matched() const { return route != nullptr || tcp != nullptr; }
};

}  // namespace weir::explain
