#pragma once

#include <string_view>

#include "core/http/message.h"
#include "filters/network/http_connection_manager/hcm.h"

namespace weir::hcm {

// What is wrong with a request, or how it must be answered before anything else sees it. status 0:
// go on.
struct RuleVerdict {
  uint32_t status = 0;
  std::string_view details;
  std::string_view location;  // of a redirect
};

struct RequestOrigin {
  const net::Address* peer = nullptr;
  bool secure = false;
};

// The connection manager's rules for a request, once, in Envoy's order: authority, path, names with
// underscores, forwarding fields, request id. After it filters, router and backend see the same
// authority and path.
RuleVerdict ApplyRequestRules(const HcmWorker& hcm, const RequestOrigin& origin,
                              http::Message* request);

// Whether a tunnel of this protocol ("websocket", "connect") may be opened on the route: its word
// goes before the connection manager's.
bool AllowsTunnel(const config::HttpConnectionManager& settings, const http::Route& route,
                  std::string_view protocol);

// The fields that the connection manager owns in a response: server, date, via, request id.
void ApplyResponseRules(const HcmWorker& hcm, http::Message& request, http::Message* response);

}  // namespace weir::hcm
