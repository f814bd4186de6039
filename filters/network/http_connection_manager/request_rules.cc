#include "filters/network/http_connection_manager/request_rules.h"

#include <algorithm>
#include <cstring>

#include "core/http/authority.h"
#include "core/http/path.h"
#include "core/http/route/rewrite.h"

namespace weir::hcm {
namespace {

using http::Message;

RuleVerdict CheckAuthority(const HcmWorker& hcm, Message* request) {
  weir_head& head = request->head();
  if (head.authority.size == 0) {
    if (head.http_version == 10) {
      const std::string& host = hcm.settings().default_host_for_http_10;
      if (host.empty()) return {400, "missing_host_header", {}};
      head.authority = http::View(std::string_view(host));
      return {};
    }
    return {400, "missing_host_header", {}};
  }
  AuthorityCache& known = *hcm.authorities;
  if (known.Has(request->authority())) return {};
  const std::string_view came = request->arena()->Copy(request->authority());
  http::AuthorityOptions options;
  options.strip_any_port = hcm.settings().strip_any_host_port;
  options.strip_matching_port = hcm.settings().strip_matching_host_port;
  options.strip_trailing_dot = hcm.settings().strip_trailing_host_dot;
  http::Authority authority;
  // The head was moved into the stream's arena: its bytes are ours to change.
  char* text = const_cast<char*>(head.authority.data);
  const auto error = http::NormalizeAuthority(text, head.authority.size, options,
                                              hcm.config->listener_port, &authority);
  if (error != http::AuthorityError::kNone) return {400, "http1.invalid_host", {}};
  head.authority = http::View(authority.text);
  if (came == authority.text) known.Add(came);
  return {};
}

RuleVerdict RedirectPath(const RequestOrigin& origin, Message* request, std::string_view path) {
  const http::RedirectedRequest to{origin.secure ? "https" : "http", request->authority(), path};
  const size_t bound = http::LocationBound(to);
  auto* room = static_cast<char*>(request->arena()->Allocate(bound, 1));
  if (room == nullptr) return {431, "request_headers_too_large", {}};
  http::ByteSink sink(room, bound);
  const http::Rewrite location = http::PathLocation(to, &sink);
  if (location.status != http::RewriteStatus::kRewritten)
    return {400, "path_normalization_failed", {}};
  return {307, "path_normalization_redirect", location.text};
}

RuleVerdict CheckPath(const HcmWorker& hcm, const RequestOrigin& origin, Message* request) {
  weir_head& head = request->head();
  const std::string_view path = request->path();
  if (path == "*" || (path.empty() && request->method() == "CONNECT")) return {};
  // Beside the original, which the log wants.
  auto* out = static_cast<char*>(request->arena()->Allocate(head.path.size, 1));
  if (out == nullptr) return {431, "request_headers_too_large", {}};
  const http::PathResult result = http::NormalizePath(path, hcm.config->path_options, out);
  switch (result.verdict) {
    case http::PathVerdict::kReject:
      hcm.stats.downstream_rq_failed_path_normalization->Add();
      return {400, http::PathErrorDetail(result.error), {}};
    case http::PathVerdict::kRedirect:
      return RedirectPath(origin, request, result.path);
    default:
      head.path = http::View(result.path);
      return {};
  }
}

RuleVerdict CheckUnderscores(const HcmWorker& hcm, Message* request) {
  const auto action = hcm.settings().headers_with_underscores_action;
  if (action == config::HeadersWithUnderscores::kAllow) return {};
  for (uint32_t i = 0; i < request->count(); ++i) {
    weir_field& field = request->field(i);
    // No known name has an underscore.
    if (field.token != 0 || std::memchr(field.name, '_', field.name_size) == nullptr) continue;
    hcm.stats.downstream_rq_rejected_underscore->Add();
    if (action == config::HeadersWithUnderscores::kRejectRequest)
      return {400, "http1.unexpected_underscore", {}};
    field.flags |= WEIR_FIELD_REMOVED;
  }
  return {};
}

// Fields by which a client could pretend to be a part of the infrastructure. Those that ask for a
// fault stay: nobody heeds them who was not told to by name (the filter fault, header_delay ...).
void DropControlFields(Message* request) {
  constexpr std::string_view kFault = "x-envoy-fault-";
  for (uint32_t i = 0; i < request->count(); ++i) {
    weir_field& field = request->field(i);
    if (field.name_size > 8 && std::memcmp(field.name, "x-envoy-", 8) == 0 &&
        http::Name(field).substr(0, kFault.size()) != kFault)
      field.flags |= WEIR_FIELD_REMOVED;
  }
}

bool AppendTo(Message* request, uint16_t token, std::string_view value) {
  weir_field* old = request->Find(token);
  if (old == nullptr) return request->AddStatic(token, value) == WEIR_OK;
  // Several fields of the name are one list: the last one grows.
  for (uint32_t i = 0; i < request->count(); ++i) {
    weir_field& field = request->field(i);
    if (field.token == token && !http::Removed(field)) old = &field;
  }
  const size_t size = old->value_size + 2 + value.size();
  auto* text = static_cast<char*>(request->arena()->Allocate(size, 1));
  if (text == nullptr) return false;
  std::memcpy(text, old->value, old->value_size);
  std::memcpy(text + old->value_size, ", ", 2);
  std::memcpy(text + old->value_size + 2, value.data(), value.size());
  Message::Edit(old, {text, size});
  return true;
}

std::string_view PeerIp(const RequestOrigin& origin, Message* request) {
  char text[net::Address::kMaxText];
  return request->arena()->Copy({text, origin.peer->PrintIp(text)});
}

// One word for the backend, whatever it speaks: what :scheme says is what x-forwarded-proto does.
void SetScheme(std::string_view trusted, std::string_view transport, Message* request) {
  const bool known = trusted == "http" || trusted == "https";
  request->head().scheme = http::View(known ? trusted : transport);
}

bool SetForwarding(const HcmWorker& hcm, const RequestOrigin& origin, Message* request) {
  const config::HttpConnectionManager& s = hcm.settings();
  bool ok = true;
  if (!s.skip_xff_append && s.use_remote_address && origin.peer->is_ip()) {
    ok = AppendTo(request, WEIR_TOKEN_X_FORWARDED_FOR, PeerIp(origin, request));
  }
  // What the client says about its scheme counts only where a trusted proxy stands in front.
  const std::string_view proto = origin.secure ? "https" : "http";
  const bool trusts = !s.use_remote_address || s.xff_num_trusted_hops != 0;
  SetScheme(trusts ? request->Get(WEIR_TOKEN_X_FORWARDED_PROTO) : std::string_view{}, proto,
            request);
  if (!trusts) {
    return ok && request->SetStatic(WEIR_TOKEN_X_FORWARDED_PROTO, proto) == WEIR_OK;
  }
  if (request->Find(WEIR_TOKEN_X_FORWARDED_PROTO) != nullptr) return ok;
  return ok && request->AddStatic(WEIR_TOKEN_X_FORWARDED_PROTO, proto) == WEIR_OK;
}

bool SetRequestId(const HcmWorker& hcm, Message* request) {
  const config::HttpConnectionManager& s = hcm.settings();
  if (!s.generate_request_id) return true;
  const bool external = s.use_remote_address;
  if (request->Find(WEIR_TOKEN_X_REQUEST_ID) != nullptr &&
      (s.preserve_external_request_id || !external))
    return true;
  auto* room = static_cast<char*>(request->arena()->Allocate(base::Random::kUuidSize, 1));
  if (room == nullptr) return false;
  return request->SetStatic(WEIR_TOKEN_X_REQUEST_ID, hcm.worker->random->Uuid(room)) == WEIR_OK;
}

bool AddVia(const HcmWorker& hcm, Message* message) {
  const std::string& via = hcm.settings().via;
  if (via.empty()) return true;
  return AppendTo(message, WEIR_TOKEN_VIA, via);
}

}  // namespace

RuleVerdict ApplyRequestRules(const HcmWorker& hcm, const RequestOrigin& origin, Message* request) {
  RuleVerdict verdict = CheckAuthority(hcm, request);
  if (verdict.status == 0) verdict = CheckPath(hcm, origin, request);
  if (verdict.status == 0) verdict = CheckUnderscores(hcm, request);
  if (verdict.status != 0) return verdict;
  DropControlFields(request);
  if (!SetForwarding(hcm, origin, request) || !SetRequestId(hcm, request) ||
      !AddVia(hcm, request)) {
    return {431, "request_headers_too_large", {}};
  }
  return verdict;
}

bool AllowsTunnel(const config::HttpConnectionManager& settings, const http::Route& route,
                  std::string_view protocol) {
  bool allowed = false;
  for (const config::UpgradeConfig& upgrade : settings.upgrade_configs) {
    if (upgrade.upgrade_type == protocol) allowed = upgrade.enabled;
  }
  const config::RouteAction* forward = route.forward();
  if (forward == nullptr) return allowed;
  for (const config::UpgradeConfig& upgrade : forward->upgrade_configs) {
    if (upgrade.upgrade_type == protocol) allowed = upgrade.enabled;
  }
  return allowed;
}

void ApplyResponseRules(const HcmWorker& hcm, Message& request, Message* response) {
  const config::HttpConnectionManager& s = hcm.settings();
  if (s.server_header_transformation == config::ServerHeader::kOverwrite) {
    response->SetStatic(WEIR_TOKEN_SERVER, s.server_name);
  } else if (s.server_header_transformation == config::ServerHeader::kAppendIfAbsent &&
             response->Find(WEIR_TOKEN_SERVER) == nullptr) {
    response->AddStatic(WEIR_TOKEN_SERVER, s.server_name);
  }
  // RFC 9110 section 6.6.1: a recipient with a clock adds the date that an origin left out.
  if (response->Find(WEIR_TOKEN_DATE) == nullptr) {
    response->AddStatic(WEIR_TOKEN_DATE,
                        response->arena()->Copy(hcm.dates->HttpDate(UnixMs() / 1000)));
  }
  if (s.always_set_request_id_in_response) {
    const std::string_view id =
        request.empty() ? std::string_view{} : request.Get(WEIR_TOKEN_X_REQUEST_ID);
    if (!id.empty()) response->SetStatic(WEIR_TOKEN_X_REQUEST_ID, id);
  }
  AddVia(hcm, response);
}

}  // namespace weir::hcm
