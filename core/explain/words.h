#pragma once

#include <string>

#include "core/explain/explanation.h"

// The configuration's words for its values, for both ways to print.

namespace weir::explain {

const char* LbPolicyWord(config::LbPolicy policy);
// "10.0.0.1:80"; of one that is looked up while Weir runs "app.test:80", or its service.
std::string EndpointText(const config::Endpoint& endpoint);
const char* ProxyProtocolWord(config::ProxyProtocol version);
const char* TlsVersionWord(config::TlsVersion version);
const char* AnswerWord(Answer::Kind kind);
// "forward", "redirect" or "direct_response".
const char* ActionWord(const http::Route& route);
const char* MatchWord(config::RouteMatch::Kind kind);
// One sentence: what becomes of the request.
std::string AnswerText(const Explanation& explanation);

}  // namespace weir::explain
