#include "filters/network/rbac/rbac.h"

#include <string>

namespace weir::filters::rbac {
namespace {

using sdk::ConfigNode;
using sdk::Status;

constexpr char kName[] = "rbac";
constexpr std::int64_t kMaxDelayMs = 60'000;

constexpr std::pair<std::string_view, bool> kEnforcement[] = {{"ONE_TIME_ON_FIRST_BYTE", false},
                                                              {"CONTINUOUS", true}};

}  // namespace

bool NetworkConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& node = load.node;
  if (!node || node.IsNull()) return node.Fail("rbac needs stat_prefix and rules");
  if (!node.ExpectMap("rbac")) return false;
  std::string prefix;
  const ConfigNode stat_prefix = node.Get("stat_prefix");
  bool ok = stat_prefix ? stat_prefix.Read(&prefix) : node.Fail("rbac needs stat_prefix");
  if (ok && (prefix.empty() || prefix.size() > 256)) {
    ok = stat_prefix.Fail("stat_prefix has 1 to 256 bytes");
  }
  if (const ConfigNode type = node.Get("enforcement_type")) {
    ok = type.ReadOneOf(kEnforcement, &continuous) && ok;
  }
  if (const ConfigNode delay = node.Get("delay_deny")) {
    ok = delay.ReadDuration(&delay_deny_ms) && ok;
    if (delay_deny_ms < 0 || delay_deny_ms > kMaxDelayMs) {
      ok = delay.Fail("delay_deny is 0s to 60s");
    }
  }
  if (!prefix.empty() && prefix.back() != '.') prefix += '.';
  return rules.Load(load.host, node, Layer::kNetwork, prefix) && ok;
}

Status NetworkRbac::Deny() {
  denied_ = true;
  const std::int64_t delay = config().delay_deny_ms;
  if (delay > 0 && WEIR_HAS(host().abi(), timer_free)) {
    // Our object lives as long as the connection, and the timer with it.
    delay_ = sdk::Timer(host(), [this] { connection().Close(/*reset=*/true); });
  }
  if (delay_.valid()) {
    delay_.Set(static_cast<std::uint64_t>(delay));
  } else {
    connection().Close(/*reset=*/true);
  }
  return Status::kStop;
}

Status NetworkRbac::OnData(bool) {
  if (denied_) {
    // What it sends while it waits for its end is not kept.
    connection().Drain(connection().size());
    return Status::kStop;
  }
  if (judged_ && !config().continuous) return Status::kContinue;
  const auto* const api = connection().api();
  const RuleSet::Judgement judgement = config().rules.Judge(Subject(api, connection().handle()));
  judged_ = true;
  return judgement.verdict.allowed ? Status::kContinue : Deny();
}

const weir_network_filter_api kNetworkRbacApi = sdk::NetworkFilterApi<NetworkRbac, kName>();

}  // namespace weir::filters::rbac
