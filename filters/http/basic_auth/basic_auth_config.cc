#include "filters/http/basic_auth/basic_auth_config.h"

#include <algorithm>

#include "plugins/sdk/field_rules.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kMaxRealm = 200;

bool ReadName(const ConfigNode& node, std::string* out) {
  if (!node) return true;
  if (!node.Read(out)) return false;
  sdk::LowerCase(out);
  const char* const problem = sdk::FieldNameProblem(*out);
  return problem == nullptr || node.Fail("\"" + out->substr(0, 80) + "\" is " + problem);
}

bool ReadBool(const ConfigNode& node, bool* out) {
  return !node || node.Read(out);
}

template <typename Number>
bool ReadNumber(const ConfigNode& node, std::int64_t min, std::int64_t max, Number* out) {
  if (!node) return true;
  std::int64_t value = 0;
  if (!node.Read(min, max, &value)) return false;
  *out = static_cast<Number>(value);
  return true;
}

void Append(std::string* to, const std::string& part) {
  const auto size = static_cast<std::uint32_t>(part.size());
  to->append(reinterpret_cast<const char*>(&size), sizeof size).append(part);
}

}  // namespace

bool BasicAuthUsers::Load(const sdk::ConfigLoad& load, const ConfigNode& node) {
  if (!list_->Load(node)) return false;
  if (list_->slow() && !WEIR_HAS(load.host.abi(), offload)) {
    return node.Fail("this host has no helper threads for slow hashes");
  }
  const std::uint32_t workers = std::max(load.host.workers(), 1u);
  workers_ = std::make_shared<std::vector<BasicAuthWorker>>(workers);
  load.host.Random(key_.data(), kKeyBytes);
  return true;
}

// HMAC-SHA-256 (RFC 2104).
CredentialMac BasicAuthUsers::Mac(const sdk::Host& host, const std::string& user,
                                  const std::string& password) const {
  const auto sha256 = [&host](const std::string& text) {
    CredentialMac digest{};
    host.abi()->sha256(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                       digest.data());
    return digest;
  };
  std::string inner;
  inner.reserve(key_.size() + user.size() + password.size() + 8);
  for (const std::uint8_t byte : key_) inner.push_back(static_cast<char>(byte ^ 0x36));
  Append(&inner, user);
  Append(&inner, password);
  const CredentialMac first = sha256(inner);
  std::fill(inner.begin(), inner.end(), '\0');
  std::string outer;
  for (const std::uint8_t byte : key_) outer.push_back(static_cast<char>(byte ^ 0x5c));
  outer.append(reinterpret_cast<const char*>(first.data()), first.size());
  return sha256(outer);
}

bool BasicAuthConfig::LoadNames(const ConfigNode& root) {
  bool ok = ReadName(root.Get("authentication_header"), &header);
  ok = ReadName(root.Get("forward_username_header"), &forward_header) && ok;
  if (ok && header == forward_header) {
    ok = root.Fail("authentication_header and forward_username_header are the same");
  }
  std::string realm = "restricted";
  if (const ConfigNode node = root.Get("realm")) {
    ok = node.Read(&realm) && ok;
    const bool plain = std::none_of(realm.begin(), realm.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '"' || c == '\\';
    });
    if (!plain || realm.size() > kMaxRealm) {
      ok = node.Fail("a realm has at most 200 bytes, no quotes, no \\ and no control characters");
    }
  }
  challenge = "Basic realm=\"" + realm + "\", charset=\"UTF-8\"";
  return ok;
}

bool BasicAuthConfig::LoadLimits(const ConfigNode& root) {
  bool ok = ReadNumber(root.Get("max_pending_requests"), 1, 1024, &max_pending);
  const ConfigNode cache = root.Get("cache");
  if (!cache) return ok;
  if (!cache.ExpectMap("cache")) return false;
  ok = ReadNumber(cache.Get("max_entries"), 0, 1000000, &cache_size) && ok;
  if (const ConfigNode ttl = cache.Get("ttl")) {
    std::int64_t ms = 0;
    ok = ttl.ReadDuration(&ms) && (ms >= 0 || ttl.Fail("ttl must not be negative")) && ok;
    cache_ttl_ms = static_cast<std::uint64_t>(ms);
  }
  return ok;
}

bool BasicAuthConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& root = load.node;
  if (!root) return root.Fail("basic_auth needs users");
  if (!root.ExpectMap("basic_auth")) return false;
  const ConfigNode node = root.Get("users");
  bool ok = node ? users.Load(load, node) : root.Fail("basic_auth needs users");
  ok = LoadNames(root) && ok;
  ok = LoadLimits(root) && ok;
  ok = ReadBool(root.Get("allow_missing"), &allow_missing) && ok;
  ok = ReadBool(root.Get("hide_credentials"), &hide_credentials) && ok;
  ok = root.Refuse("emit_dynamic_metadata", "is not available: use forward_username_header") && ok;
  allowed = load.host.MakeCounter("basic_auth.allowed");
  denied = load.host.MakeCounter("basic_auth.denied");
  cached = load.host.MakeCounter("basic_auth.cached");
  overloaded = load.host.MakeCounter("basic_auth.overloaded");
  return ok;
}

bool BasicAuthRouteConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& root = load.node;
  if (!root) return root.Fail("a route's entry needs users");
  if (!root.ExpectMap("a route's entry")) return false;
  const ConfigNode node = root.Get("users");
  return node ? users.Load(load, node) : root.Fail("a route's entry needs users");
}

}  // namespace weir::filters
