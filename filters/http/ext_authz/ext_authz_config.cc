#include "filters/http/ext_authz/ext_authz_config.h"

#include <limits>

#include "plugins/sdk/field_rules.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

constexpr std::int64_t kMaxBody = 256 << 20;
constexpr std::int64_t kMaxTimeout = 3600000;
constexpr std::size_t kMaxAdded = 100;
constexpr std::size_t kMaxValue = 16384;

bool ReadBool(const ConfigNode& map, const char* key, bool* out) {
  const ConfigNode node = map.Get(key);
  return !node || node.Read(out);
}

// A key that may stand there as long as it asks for nothing.
bool RefuseTrue(const ConfigNode& map, const char* key, const char* why) {
  bool value = false;
  const ConfigNode node = map.Get(key);
  return !node || (node.Read(&value) &&
                   (!value || node.Fail(std::string(key) + ": true is not available" + why)));
}

}  // namespace

bool AuthzBody::Load(const ConfigNode& node) {
  if (!node.ExpectMap("with_request_body")) return false;
  const ConfigNode most = node.Get("max_request_bytes");
  if (!most) return node.Fail("with_request_body needs max_request_bytes");
  std::int64_t bytes = 0;
  bool ok = most.Read(1, kMaxBody, &bytes);
  max_bytes = static_cast<std::uint64_t>(bytes);
  ok = ReadBool(node, "allow_partial_message", &allow_partial) && ok;
  return RefuseTrue(node, "pack_as_bytes", ": an HTTP service gets the bytes as they are") && ok;
}

// {uri, cluster, timeout}. The uri is where other proxies would look: here the cluster is.
bool ExtAuthzConfig::LoadUri(const ConfigNode& node) {
  if (!node.ExpectMap("server_uri")) return false;
  std::string uri;
  const ConfigNode text = node.Get("uri");
  bool ok = !text || text.Read(&uri);
  const ConfigNode name = node.Get("cluster");
  ok = (name ? name.Read(&cluster) : node.Fail("server_uri needs a cluster")) && ok;
  if (ok && cluster.empty()) ok = name.Fail("the name of a cluster is empty");
  const ConfigNode limit = node.Get("timeout");
  if (!limit) return ok;
  std::int64_t ms = 0;
  if (!limit.ReadDuration(&ms)) return false;
  if (ms < 1 || ms > kMaxTimeout) return limit.Fail("a timeout is 1ms to 1h");
  timeout_ms = static_cast<std::uint32_t>(ms);
  return ok;
}

bool ExtAuthzConfig::LoadAdded(const ConfigNode& list) {
  if (!list) return true;
  if (!list.ExpectList("headers_to_add")) return false;
  if (list.size() > kMaxAdded) return list.Fail("headers_to_add has more than 100 entries");
  bool ok = true;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const ConfigNode entry = list.At(i);
    if (!entry.ExpectMap("a header")) return false;
    const ConfigNode key = entry.Get("key");
    const ConfigNode value = entry.Get("value");
    auto& [name, text] = headers_to_add.emplace_back();
    if (!key || !key.Read(&name)) return key || entry.Fail("a header needs a key");
    sdk::LowerCase(&name);
    if (const char* const problem = sdk::FieldNameProblem(name)) {
      ok = key.Fail("\"" + name.substr(0, 80) + "\" is " + problem);
    }
    if (!value) continue;
    if (!value.Read(&text)) return false;
    if (text.size() > kMaxValue || !sdk::IsFieldValue(text)) {
      ok = value.Fail("no field value of at most 16384 bytes");
    } else if (text.find('%') != std::string::npos) {
      ok = value.Fail("operators (%...%) are not available here: values are static");
    }
  }
  return ok;
}

bool ExtAuthzConfig::LoadRequest(const ConfigNode& node, const ConfigNode& allowed) {
  bool ok = request_headers.Load(allowed, "allowed_headers");
  if (!node) return ok;
  if (!node.ExpectMap("authorization_request")) return false;
  const ConfigNode old = node.Get("allowed_headers");
  if (old && allowed) {
    ok = old.Fail("allowed_headers stands in two places: leave out this one, the older");
  } else if (old) {
    ok = request_headers.Load(old, "allowed_headers") && ok;
  }
  return LoadAdded(node.Get("headers_to_add")) && ok;
}

bool ExtAuthzConfig::LoadResponse(const ConfigNode& node) {
  if (!node) return true;
  if (!node.ExpectMap("authorization_response")) return false;
  bool ok = node.Refuse("dynamic_metadata_from_headers", "is not available");
  const auto load = [&](const char* key, NameList* list) {
    ok = list->Load(node.Get(key), key) && ok;
  };
  load("allowed_upstream_headers", &upstream_headers);
  load("allowed_upstream_headers_to_append", &upstream_headers_append);
  load("allowed_client_headers", &client_headers);
  load("allowed_client_headers_on_success", &client_headers_on_success);
  return ok;
}

bool ExtAuthzConfig::LoadService(const ConfigNode& node, const ConfigNode& allowed) {
  if (!node.ExpectMap("http_service")) return false;
  const ConfigNode uri = node.Get("server_uri");
  bool ok = uri ? LoadUri(uri) : node.Fail("http_service needs server_uri");
  ok = node.Refuse("retry_policy", "is not available") && ok;
  if (const ConfigNode prefix = node.Get("path_prefix")) {
    ok = prefix.Read(&path_prefix) && ok;
    const bool plain = path_prefix.find_first_of("?# ") == std::string::npos;
    if (!path_prefix.empty() && (path_prefix.front() != '/' || !plain)) {
      ok = prefix.Fail("path_prefix begins with / and has neither ? nor # nor a blank");
    }
  }
  ok = LoadRequest(node.Get("authorization_request"), allowed) && ok;
  return LoadResponse(node.Get("authorization_response")) && ok;
}

bool ExtAuthzConfig::LoadFailure(const ConfigNode& root) {
  bool ok = ReadBool(root, "failure_mode_allow", &failure_mode_allow);
  ok = ReadBool(root, "failure_mode_allow_header_add", &failure_mode_header) && ok;
  const ConfigNode status = root.Get("status_on_error");
  if (!status) return ok;
  if (!status.ExpectMap("status_on_error")) return false;
  const ConfigNode code = status.Get("code");
  if (!code) return status.Fail("status_on_error needs a code");
  std::int64_t value = 0;
  if (!code.Read(400, 599, &value)) return false;
  status_on_error = static_cast<std::uint32_t>(value);
  return ok;
}

bool ExtAuthzConfig::LoadCounters(const sdk::ConfigLoad& load) {
  std::string prefix = "ext_authz.";
  if (const ConfigNode node = load.node.Get("stat_prefix")) {
    std::string text;
    if (!node.Read(&text)) return false;
    if (!text.empty()) prefix += text + ".";
  }
  passed = load.host.MakeCounter(prefix + "ok");
  denied = load.host.MakeCounter(prefix + "denied");
  error = load.host.MakeCounter(prefix + "error");
  timeout = load.host.MakeCounter(prefix + "timeout");
  failure_allowed = load.host.MakeCounter(prefix + "failure_mode_allowed");
  disabled = load.host.MakeCounter(prefix + "disabled");
  return true;
}

bool ExtAuthzConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& root = load.node;
  if (!root) return root.Fail("ext_authz needs http_service");
  if (!root.ExpectMap("ext_authz")) return false;
  bool good = root.Refuse("grpc_service", "is not available: use http_service");
  const ConfigNode service = root.Get("http_service");
  const ConfigNode allowed = root.Get("allowed_headers");
  if (service) {
    good = LoadService(service, allowed) && good;
  } else if (good) {
    good = root.Fail("ext_authz needs http_service");
  }
  good = disallowed_headers.Load(root.Get("disallowed_headers"), "disallowed_headers") && good;
  if (const ConfigNode node = root.Get("with_request_body")) good = body.Load(node) && good;
  good = ReadBool(root, "clear_route_cache", &clear_route_cache) && good;
  good = LoadFailure(root) && good;
  good = RefuseTrue(root, "include_peer_certificate", "") && good;
  good = RefuseTrue(root, "include_tls_session", "") && good;
  for (const char* key : {"filter_enabled", "filter_enabled_metadata", "deny_at_disable",
                          "metadata_context_namespaces", "typed_metadata_context_namespaces",
                          "bootstrap_metadata_labels_key"}) {
    good = root.Refuse(key, "is not available") && good;
  }
  if (const ConfigNode version = root.Get("transport_api_version")) {
    constexpr std::pair<std::string_view, int> kVersions[] = {{"V3", 3}};
    int value = 0;
    good = version.ReadOneOf(kVersions, &value) && good;
  }
  return LoadCounters(load) && good;
}

bool ExtAuthzRouteConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& root = load.node;
  if (!root) return root.Fail("a route's entry needs disabled or check_settings");
  if (!root.ExpectMap("a route's entry")) return false;
  const ConfigNode off = root.Get("disabled");
  const ConfigNode check = root.Get("check_settings");
  if (off && check) return root.Fail("give one of disabled and check_settings, not both");
  if (off) {
    return off.Read(&disabled) && (disabled || off.Fail("disabled may only be true; leave it out"));
  }
  if (!check) return root.Fail("a route's entry needs disabled or check_settings");
  if (!check.ExpectMap("check_settings")) return false;
  bool ok = check.Refuse("context_extensions", "is not available: an HTTP service gets none");
  ok = ReadBool(check, "disable_request_body_buffering", &no_body) && ok;
  if (const ConfigNode node = check.Get("with_request_body")) {
    if (no_body) ok = node.Fail("with_request_body, and disable_request_body_buffering: true");
    ok = body.emplace().Load(node) && ok;
  }
  return ok;
}

}  // namespace weir::filters
