#include "filters/http/ip_allow/ip_allow.h"

#include "filters/http/common/cidr_range.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;
using sdk::Status;

constexpr char kName[] = "ip_allow";
constexpr std::size_t kMaxEntries = 100000;

}  // namespace

bool IpAllowConfig::LoadList(const ConfigNode& list, std::string_view key, bool allow) {
  if (!list) return true;
  if (!list.ExpectList(key)) return false;
  if (list.size() == 0) return list.Fail(std::string(key) + " is empty: leave it out");
  if (list.size() > kMaxEntries)
    return list.Fail(std::string(key) + " has more than 100000 entries");
  bool ok = true;
  for (std::size_t i = 0; i < list.size(); ++i) {
    CidrRange range;
    if (!range.Load(list.At(i))) {
      ok = false;
    } else if (!trie.Insert(range.ip, range.length, allow ? 1 : 0)) {
      ok = list.At(i).Fail("this range is there already");
    }
  }
  return ok;
}

bool IpAllowConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& node = load.node;
  if (!node || node.IsNull()) return node.Fail("ip_allow needs allow or deny");
  if (!node.ExpectMap("ip_allow")) return false;
  const ConfigNode allow = node.Get("allow");
  const ConfigNode deny = node.Get("deny");
  otherwise = !allow;
  bool ok = LoadList(allow, "allow", true);
  ok = LoadList(deny, "deny", false) && ok;
  std::string prefix;
  if (const ConfigNode stat_prefix = node.Get("stat_prefix")) {
    ok = stat_prefix.Read(&prefix) && ok;
    if (prefix.size() > 256) ok = stat_prefix.Fail("stat_prefix has at most 256 bytes");
    if (!prefix.empty() && prefix.back() != '.') prefix += '.';
  }
  allowed = load.host.MakeCounter("ip_allow." + prefix + "allowed");
  denied = load.host.MakeCounter("ip_allow." + prefix + "denied");
  return ok && (allow || deny || node.Fail("ip_allow needs allow or deny"));
}

bool IpAllowConfig::Allows(std::string_view address) const {
  const auto client = util::ParseIpPort(address);
  // Who it is is not known: it may be one of those that are to be kept out.
  if (!client) return false;
  const auto value = trie.Find(client->ip);
  return value == util::CidrTrie::kNone ? otherwise : value == 1;
}

Status IpAllow::OnRequestHeaders(bool) {
  const IpAllowConfig* const of_route = route_config();
  const IpAllowConfig& rules = of_route != nullptr ? *of_route : config();
  if (rules.Allows(stream().Attribute(WEIR_ATTR_DOWNSTREAM_ADDRESS))) {
    rules.allowed.Add();
    return Status::kContinue;
  }
  rules.denied.Add();
  return stream().LocalReply({403, "address not allowed", "ip_allow_denied"}) ? Status::kStopAll
                                                                              : Status::kFail;
}

const weir_http_filter_api kIpAllowApi = sdk::HttpFilterApi<IpAllow, kName>();

}  // namespace weir::filters
