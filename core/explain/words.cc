#include "core/explain/words.h"

namespace weir::explain {

const char* LbPolicyWord(config::LbPolicy policy) {
  return policy == config::LbPolicy::kRoundRobin ? "ROUND_ROBIN" : "LEAST_REQUEST";
}

std::string EndpointText(const config::Endpoint& endpoint) {
  switch (endpoint.lookup) {
    case config::Endpoint::Lookup::kAddress:
      return endpoint.hostname + ":" + std::to_string(endpoint.address.port);
    case config::Endpoint::Lookup::kService:
      return endpoint.service;
    case config::Endpoint::Lookup::kNone:
      break;
  }
  return endpoint.address.ToString();
}

const char* ProxyProtocolWord(config::ProxyProtocol version) {
  switch (version) {
    case config::ProxyProtocol::kV1:
      return "V1";
    case config::ProxyProtocol::kV2:
      return "V2";
    case config::ProxyProtocol::kNone:
      break;
  }
  return "none";
}

const char* TlsVersionWord(config::TlsVersion version) {
  return version == config::TlsVersion::kTls12 ? "TLS 1.2" : "TLS 1.3";
}

const char* AnswerWord(Answer::Kind kind) {
  switch (kind) {
    case Answer::Kind::kForward:
      return "forward";
    case Answer::Kind::kRedirect:
      return "redirect";
    case Answer::Kind::kDirectResponse:
      return "direct_response";
    case Answer::Kind::kNotFound:
      return "not_found";
    case Answer::Kind::kRefused:
      return "refused";
    case Answer::Kind::kPathRedirect:
      return "path_redirect";
    case Answer::Kind::kTcp:
      return "tcp";
    case Answer::Kind::kNetworkFilter:
      return "network_filter";
    case Answer::Kind::kNoListener:
      break;
  }
  return "no_listener";
}

const char* ActionWord(const http::Route& route) {
  if (route.redirect() != nullptr) return "redirect";
  return route.forward() != nullptr ? "forward" : "direct_response";
}

const char* MatchWord(config::RouteMatch::Kind kind) {
  using Kind = config::RouteMatch::Kind;
  switch (kind) {
    case Kind::kPath:
      return "path";
    case Kind::kPrefix:
      return "prefix";
    case Kind::kPathSeparatedPrefix:
      return "path_separated_prefix";
    case Kind::kSafeRegex:
      return "safe_regex";
    case Kind::kConnect:
      break;
  }
  return "connect_matcher";
}

std::string AnswerText(const Explanation& e) {
  const std::string status = std::to_string(e.answer.status);
  const std::string details = " (" + e.answer.details + ")";
  switch (e.answer.kind) {
    case Answer::Kind::kForward:
      return "goes to cluster " + e.cluster->name + " as " + e.request.method + " " +
             (e.upstream_path.empty() ? "" : e.upstream_path + " ") + "for host " +
             e.upstream_authority;
    case Answer::Kind::kRedirect:
    case Answer::Kind::kPathRedirect:
      return "is answered " + status + " with location " + e.answer.location + details;
    case Answer::Kind::kDirectResponse:
      return "is answered " + status + " by the route itself" + details;
    case Answer::Kind::kNotFound:
      return "is answered " + status + ": no route takes it" + details;
    case Answer::Kind::kRefused:
      return "is answered " + status + details;
    case Answer::Kind::kTcp:
      return "is bytes to this listener: they go to cluster " + e.cluster->name;
    case Answer::Kind::kNetworkFilter:
      return "is bytes to this listener: network filter " + e.chain.chain->filters.back().name +
             " has the connection";
    case Answer::Kind::kNoListener:
      break;
  }
  return "reaches no listener of this file";
}

}  // namespace weir::explain
