#include "filters/listener/proxy_protocol/proxy_protocol.h"

#include <charconv>
#include <cstring>

#include <arpa/inet.h>

namespace weir::proxy_protocol {
namespace {

constexpr char kName[] = "proxy_protocol";
constexpr std::string_view kDefaultSpace = "envoy.filters.listener.proxy_protocol";
// What the host takes of a note's names.
constexpr std::size_t kMaxNames = 256;
constexpr std::size_t kMaxRules = 64;

// "1.2.3.4:80" or "[::1]:80".
struct AddressText {
  AddressText(Header::Family family, const Endpoint& endpoint) {
    const bool v6 = family == Header::Family::kIpv6;
    char* at = room;
    if (v6) *at++ = '[';
    inet_ntop(v6 ? AF_INET6 : AF_INET, endpoint.ip, at, INET6_ADDRSTRLEN);
    at += std::strlen(at);
    if (v6) *at++ = ']';
    *at++ = ':';
    at = std::to_chars(at, room + sizeof room, endpoint.port).ptr;
    text = {room, static_cast<std::size_t>(at - room)};
  }

  char room[INET6_ADDRSTRLEN + 16];
  std::string_view text;
};

}  // namespace

bool Config::LoadRule(const sdk::ConfigNode& node) {
  if (!node.ExpectMap("a rule")) return false;
  Rule rule{0, std::string(kDefaultSpace), ""};
  std::int64_t type = 0;
  const auto type_node = node.Get("tlv_type");
  if (type_node && !type_node.Read(0, 255, &type)) return false;
  rule.type = static_cast<std::uint8_t>(type);
  const auto pair = node.Get("on_tlv_present");
  if (!pair) return node.Fail("the rule has no on_tlv_present");
  if (!pair.ExpectMap("on_tlv_present")) return false;
  if (const auto space = pair.Get("metadata_namespace")) {
    std::string text;
    if (!space.Read(&text)) return false;
    if (!text.empty()) rule.space = text;
  }
  const auto key = pair.Get("key");
  if (!key) return pair.Fail("on_tlv_present has no key");
  if (!key.Read(&rule.key)) return false;
  if (rule.key.empty() || rule.key.size() + rule.space.size() > kMaxNames)
    return key.Fail("metadata_namespace and key together have 1 to 256 bytes");
  rules.push_back(std::move(rule));
  return true;
}

bool Config::LoadRules(const sdk::ConfigNode& node) {
  if (!node.ExpectList("rules")) return false;
  if (node.size() > kMaxRules) return node.Fail("at most 64 rules may stand here");
  bool ok = true;
  for (std::size_t i = 0; i < node.size(); ++i) ok = LoadRule(node.At(i)) && ok;
  return ok;
}

bool Config::LoadDisallowed(const sdk::ConfigNode& node) {
  if (!node.ExpectList("disallowed_versions")) return false;
  constexpr std::pair<std::string_view, int> kVersions[] = {{"V1", 1}, {"V2", 2}};
  bool ok = true;
  for (std::size_t i = 0; i < node.size(); ++i) {
    int version = 0;
    ok = node.At(i).ReadOneOf(kVersions, &version) && ok;
    disallowed[version] = true;
  }
  if (disallowed[1] && disallowed[2]) return node.Fail("no version is left that is allowed");
  return ok;
}

void Config::MakeCounters(const sdk::Host& host, const std::string& prefix) {
  const std::string all = "proxy_proto." + (prefix.empty() ? "" : prefix + ".");
  not_found_allowed = host.MakeCounter(all + "not_found_allowed");
  not_found_disallowed = host.MakeCounter(all + "not_found_disallowed");
  for (const int version : {1, 2}) {
    const std::string name = all + "versions.v" + std::to_string(version) + ".";
    versions[version] = {host.MakeCounter(name + "found"), host.MakeCounter(name + "disallowed"),
                         host.MakeCounter(name + "error")};
  }
}

bool Config::Load(const sdk::ConfigLoad& load) {
  const sdk::ConfigNode& node = load.node;
  std::string prefix;
  bool ok = true;
  if (node && !node.IsNull()) {
    if (!node.ExpectMap("the configuration")) return false;
    if (const auto allow = node.Get("allow_requests_without_proxy_protocol"))
      ok = allow.Read(&allow_none) && ok;
    if (const auto list = node.Get("rules")) ok = LoadRules(list) && ok;
    if (const auto list = node.Get("disallowed_versions")) ok = LoadDisallowed(list) && ok;
    if (const auto name = node.Get("stat_prefix")) ok = name.Read(&prefix) && ok;
    ok = node.Refuse("pass_through_tlvs", "is not there: TLVs are not sent on to backends") && ok;
    if (const auto location = node.Get("tlv_location")) {
      constexpr std::pair<std::string_view, int> kPlaces[] = {{"DYNAMIC_METADATA", 0}};
      int place = 0;
      ok = location.ReadOneOf(kPlaces, &place) && ok;
    }
  }
  MakeCounters(load.host, prefix);
  return ok;
}

sdk::Verdict ProxyProtocol::NoHeader() const {
  if (config().allow_none) {
    config().not_found_allowed.Add();
    return sdk::Verdict::kDone;
  }
  config().not_found_disallowed.Add();
  return sdk::Verdict::kClose;
}

sdk::Verdict ProxyProtocol::Accept(const Header& header) const {
  config().versions[header.version].found.Add();
  if (header.family != Header::Family::kNone) {
    const AddressText source(header.family, header.source);
    const AddressText destination(header.family, header.destination);
    if (!connection().SetAttribute(WEIR_ATTR_DOWNSTREAM_ADDRESS, source.text) ||
        !connection().SetAttribute(WEIR_ATTR_LOCAL_ADDRESS, destination.text))
      return sdk::Verdict::kFail;
  }
  std::string_view tlvs = header.tlvs;
  Tlv tlv{};
  while (TakeTlv(&tlvs, &tlv)) {
    for (const Config::Rule& rule : config().rules) {
      if (rule.type == tlv.type && !connection().SetMetadata(rule.space, rule.key, tlv.value))
        return sdk::Verdict::kFail;
    }
  }
  return sdk::Verdict::kDone;
}

sdk::Verdict ProxyProtocol::OnData(std::string_view first, bool end, std::size_t* taken) {
  Header header;
  const Verdict verdict = ReadHeader(first, &header);
  if (verdict == Verdict::kNone) return NoHeader();
  const Config::VersionCounters& counters = config().versions[header.version];
  if (header.version != 0 && config().disallowed[header.version]) {
    counters.disallowed.Add();
    return sdk::Verdict::kClose;
  }
  switch (verdict) {
    case Verdict::kWhole:
      *taken = header.size;
      return Accept(header);
    case Verdict::kMore:
      if (!end) return sdk::Verdict::kMore;
      // What began like a header and was none may still be a protocol's.
      if (header.version == 0) return NoHeader();
      [[fallthrough]];
    default:
      counters.error.Add();
      return sdk::Verdict::kClose;
  }
}

const weir_listener_filter_api kProxyProtocolApi = sdk::ListenerFilterApi<ProxyProtocol, kName>();

}  // namespace weir::proxy_protocol
