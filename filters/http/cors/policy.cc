#include "filters/http/cors/policy.h"

#include <algorithm>
#include <cstddef>

#include "plugins/sdk/field_rules.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

constexpr std::size_t kMaxOrigins = 1000;
constexpr std::size_t kMaxValue = 16384;

bool ReadValue(const ConfigNode& node, std::string* out) {
  if (!node) return true;
  if (!node.Read(out)) return false;
  if (out->size() > kMaxValue) return node.Fail("a field value of more than 16384 bytes");
  return sdk::IsFieldValue(*out) ||
         node.Fail("the value has a byte that no field value may have, or a blank at an end");
}

bool ReadFlag(const ConfigNode& node, bool* out) {
  return !node || node.IsNull() || node.Read(out);
}

bool ReadFraction(const ConfigNode& node, Fraction* out) {
  if (!node) return true;
  *out = Fraction();
  return out->LoadRuntime(node);
}

bool ReadMaxAge(const ConfigNode& node, std::string* out) {
  if (!ReadValue(node, out)) return false;
  const std::size_t sign = out->substr(0, 1) == "-" ? 1 : 0;
  const bool number = out->size() > sign && out->size() <= 12 &&
                      std::all_of(out->begin() + static_cast<std::ptrdiff_t>(sign), out->end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
  return out->empty() || number || node.Fail("max_age is a number of seconds");
}

bool ReadOrigins(const ConfigNode& node, CorsPolicy* policy) {
  if (!node) return true;
  if (!node.ExpectList("allow_origin_string_match")) return false;
  if (node.size() > kMaxOrigins) {
    return node.Fail("allow_origin_string_match has more than 1000 entries");
  }
  bool ok = true;
  for (std::size_t i = 0; i < node.size(); ++i) {
    StringMatcher matcher;
    const ConfigNode entry = node.At(i);
    const bool read = matcher.Load(entry);
    ok = read && ok;
    if (!read) continue;
    // As Envoy: what matches the text "*" is meant for every origin.
    policy->any_origin = policy->any_origin || matcher.Matches("*");
    policy->origins.push_back(std::move(matcher));
    // A browser refuses "*" with credentials (Fetch, "CORS check"); naming every origin in its
    // place would let every site on earth act as its visitor.
    const ConfigNode exact = entry.Get("exact");
    std::string text;
    if (policy->credentials && exact && exact.Read(&text) && text == "*") {
      ok = exact.Fail(
          "every origin together with allow_credentials: each site could act as its visitor; "
          "name the origins");
    }
  }
  return ok;
}

}  // namespace

bool CorsPolicy::Load(const sdk::ConfigLoad& load) {
  if (!load.per_route) {
    valid = load.host.MakeCounter("cors.origin_valid");
    invalid = load.host.MakeCounter("cors.origin_invalid");
  }
  const ConfigNode& root = load.node;
  if (!root || root.IsNull()) return true;
  if (!root.ExpectMap("cors")) return false;
  given = load.per_route || root.Get("allow_origin_string_match");
  bool ok = ReadFlag(root.Get("allow_credentials"), &credentials);
  ok = ReadOrigins(root.Get("allow_origin_string_match"), this) && ok;
  ok = ReadValue(root.Get("allow_methods"), &methods) && ok;
  ok = ReadValue(root.Get("allow_headers"), &headers) && ok;
  ok = ReadValue(root.Get("expose_headers"), &exposed) && ok;
  ok = ReadMaxAge(root.Get("max_age"), &max_age) && ok;
  ok = ReadFlag(root.Get("allow_private_network_access"), &private_network) && ok;
  ok = ReadFlag(root.Get("forward_not_matching_preflights"), &forward_not_matching) && ok;
  ok = ReadFraction(root.Get("filter_enabled"), &enabled) && ok;
  return ReadFraction(root.Get("shadow_enabled"), &shadow) && ok;
}

bool CorsPolicy::Allows(std::string_view origin) const {
  return any_origin || std::any_of(origins.begin(), origins.end(),
                                   [&](const StringMatcher& m) { return m.Matches(origin); });
}

}  // namespace weir::filters
