#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "filters/http/rbac/rule.h"
#include "filters/http/rbac/subject.h"
#include "plugins/sdk/config_node.h"
#include "plugins/sdk/host.h"

namespace weir::filters::rbac {

struct Policy {
  std::string name;
  std::string id;  // the name as it stands in details: blanks are underscores
  RulePtr permissions;
  RulePtr principals;
  sdk::Counter allowed;  // track_per_rule_stats
  sdk::Counter denied;
};

struct Verdict {
  bool allowed = true;
  bool logged = false;             // LOG: a policy matches
  const Policy* policy = nullptr;  // the first that matches, by name; null: none
};

enum class Action : std::uint8_t { kAllow, kDeny, kLog };

// One set of rules: an action, and policies in the order of their names. Immutable; any thread.
class Engine {
 public:
  bool Load(const sdk::ConfigNode& node, Layer layer);
  void CountPolicies(const sdk::Host& host, const std::string& prefix);

  Verdict Judge(const Subject& subject) const;
  Action action() const { return action_; }

 private:
  bool LoadPolicies(const sdk::ConfigNode& node, Layer layer);

  Action action_ = Action::kAllow;
  std::vector<Policy> policies_;
};

// What a configuration of either filter says: the rules that are enforced and those that are only
// tried, each of which may be missing.
class RuleSet {
 public:
  // `stat_prefix` begins the names of the counters: empty, or it ends with a dot.
  bool Load(const sdk::Host& host, const sdk::ConfigNode& node, Layer layer,
            const std::string& stat_prefix);

  struct Judgement {
    bool enforced = false;  // there are rules
    bool shadowed = false;
    Verdict verdict;
    Verdict shadow;
  };
  // Asks both, and counts.
  Judgement Judge(const Subject& subject) const;

  const std::string& prefix() const { return prefix_; }
  const std::string& shadow_prefix() const { return shadow_prefix_; }
  bool empty() const { return !rules_ && !shadow_; }
  // The enforced rules only mark what is to be logged.
  bool logs() const { return rules_ && rules_->action() == Action::kLog; }

 private:
  bool LoadEngine(const sdk::ConfigNode& node, Layer layer, std::unique_ptr<Engine>* out);

  std::unique_ptr<Engine> rules_;
  std::unique_ptr<Engine> shadow_;
  std::string prefix_;  // empty, or ends with a dot
  std::string shadow_prefix_;
  sdk::Counter allowed_;
  sdk::Counter denied_;
  sdk::Counter shadow_allowed_;
  sdk::Counter shadow_denied_;
};

}  // namespace weir::filters::rbac
