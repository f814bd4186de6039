#include "filters/http/rbac/engine.h"

#include <algorithm>
#include <utility>

namespace weir::filters::rbac {
namespace {

using sdk::ConfigNode;

constexpr std::size_t kMaxPolicies = 10000;
constexpr std::size_t kMaxName = 256;

constexpr std::pair<std::string_view, Action> kActions[] = {
    {"ALLOW", Action::kAllow}, {"DENY", Action::kDeny}, {"LOG", Action::kLog}};

bool LoadPolicy(const ConfigNode& node, Layer layer, Side side, Policy* policy) {
  if (!node.ExpectMap("a policy")) return false;
  bool ok = true;
  for (const char* key : {"condition", "checked_condition", "cel_config"}) {
    ok = node.Refuse(key, "is not available: there is no expression language") && ok;
  }
  const ConfigNode permissions = node.Get("permissions");
  const ConfigNode principals = node.Get("principals");
  if (!permissions || !principals) return node.Fail("a policy needs permissions and principals");
  policy->permissions = LoadPermissions(permissions, layer, side);
  policy->principals = LoadPrincipals(principals, layer, side);
  return ok && policy->permissions != nullptr && policy->principals != nullptr;
}

// As they stand in names of counters: with a dot behind.
bool ReadPrefix(const ConfigNode& node, std::string* out) {
  if (!node) return true;
  if (!node.Read(out)) return false;
  if (out->size() > kMaxName) return node.Fail("longer than 256 bytes");
  if (!out->empty() && out->back() != '.') *out += '.';
  return true;
}

}  // namespace

bool Engine::LoadPolicies(const ConfigNode& node, Layer layer) {
  if (!node || node.IsNull()) return true;
  if (!node.ExpectMap("policies")) return false;
  if (node.size() > kMaxPolicies) return node.Fail("more than 10000 policies");
  bool ok = true;
  // What LOG marks should be marked too often, if anything.
  const Side side = action_ == Action::kAllow ? Side::kLetsIn : Side::kKeepsOut;
  for (std::size_t i = 0; i < node.size(); ++i) {
    Policy policy;
    policy.name = node.KeyAt(i);
    if (policy.name.empty() || policy.name.size() > kMaxName) {
      ok = node.At(i).Fail("a policy's name has 1 to 256 bytes");
    }
    policy.id = policy.name;
    for (char& c : policy.id) {
      if (c == ' ' || (c >= '\t' && c <= '\r')) c = '_';
    }
    ok = LoadPolicy(node.At(i), layer, side, &policy) && ok;
    policies_.push_back(std::move(policy));
  }
  std::sort(policies_.begin(), policies_.end(),
            [](const Policy& a, const Policy& b) { return a.name < b.name; });
  return ok;
}

bool Engine::Load(const ConfigNode& node, Layer layer) {
  if (node.IsNull()) return node.Fail("needs policies; {} denies everything");
  if (!node.ExpectMap("the rules")) return false;
  bool ok = node.Refuse("audit_logging_options", "is not available");
  if (const ConfigNode action = node.Get("action")) ok = action.ReadOneOf(kActions, &action_) && ok;
  return LoadPolicies(node.Get("policies"), layer) && ok;
}

void Engine::CountPolicies(const sdk::Host& host, const std::string& prefix) {
  for (Policy& policy : policies_) {
    const std::string name = prefix + "policy." + policy.id;
    policy.allowed = host.MakeCounter(name + ".allowed");
    policy.denied = host.MakeCounter(name + ".denied");
  }
}

Verdict Engine::Judge(const Subject& subject) const {
  Verdict verdict;
  for (const Policy& policy : policies_) {
    if (!policy.permissions->Matches(subject) || !policy.principals->Matches(subject)) continue;
    verdict.policy = &policy;
    break;
  }
  const bool matched = verdict.policy != nullptr;
  verdict.logged = action_ == Action::kLog && matched;
  if (action_ == Action::kAllow) verdict.allowed = matched;
  if (action_ == Action::kDeny) verdict.allowed = !matched;
  if (matched) (verdict.allowed ? verdict.policy->allowed : verdict.policy->denied).Add();
  return verdict;
}

bool RuleSet::LoadEngine(const ConfigNode& node, Layer layer, std::unique_ptr<Engine>* out) {
  if (!node) return true;
  auto engine = std::make_unique<Engine>();
  const bool ok = engine->Load(node, layer);
  *out = std::move(engine);
  return ok;
}

bool RuleSet::Load(const sdk::Host& host, const ConfigNode& node, Layer layer,
                   const std::string& stat_prefix) {
  bool ok = true;
  for (const char* key : {"matcher", "shadow_matcher"}) {
    ok = node.Refuse(key, "is not available: use rules and shadow_rules") && ok;
  }
  ok = LoadEngine(node.Get("rules"), layer, &rules_) && ok;
  ok = LoadEngine(node.Get("shadow_rules"), layer, &shadow_) && ok;
  if (layer == Layer::kHttp) ok = ReadPrefix(node.Get("rules_stat_prefix"), &prefix_) && ok;
  ok = ReadPrefix(node.Get("shadow_rules_stat_prefix"), &shadow_prefix_) && ok;
  bool per_policy = false;
  if (layer == Layer::kHttp) {
    if (const ConfigNode track = node.Get("track_per_rule_stats")) {
      ok = track.Read(&per_policy) && ok;
    }
  }
  if (!ok) return false;
  const std::string name = stat_prefix + "rbac." + prefix_;
  const std::string shadow_name = stat_prefix + "rbac." + shadow_prefix_;
  allowed_ = host.MakeCounter(name + "allowed");
  denied_ = host.MakeCounter(name + "denied");
  shadow_allowed_ = host.MakeCounter(shadow_name + "shadow_allowed");
  shadow_denied_ = host.MakeCounter(shadow_name + "shadow_denied");
  if (per_policy && rules_) rules_->CountPolicies(host, name);
  if (per_policy && shadow_) shadow_->CountPolicies(host, shadow_name + "shadow_");
  return true;
}

RuleSet::Judgement RuleSet::Judge(const Subject& subject) const {
  Judgement judgement;
  if (shadow_) {
    judgement.shadowed = true;
    judgement.shadow = shadow_->Judge(subject);
    (judgement.shadow.allowed ? shadow_allowed_ : shadow_denied_).Add();
  }
  if (rules_) {
    judgement.enforced = true;
    judgement.verdict = rules_->Judge(subject);
    (judgement.verdict.allowed ? allowed_ : denied_).Add();
  }
  return judgement;
}

}  // namespace weir::filters::rbac
