#include "filters/http/rbac/rule.h"

#include <string>
#include <utility>

#include "filters/http/rbac/leaf_rules.h"

namespace weir::filters::rbac {
namespace {

using sdk::ConfigNode;

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxRules = 100000;

class AllRule final : public Rule {
 public:
  explicit AllRule(std::vector<RulePtr> rules) : rules_(std::move(rules)) {}
  bool Matches(const Subject& subject) const override {
    for (const RulePtr& rule : rules_) {
      if (!rule->Matches(subject)) return false;
    }
    return true;
  }

 private:
  std::vector<RulePtr> rules_;
};

class OneRule final : public Rule {
 public:
  explicit OneRule(std::vector<RulePtr> rules) : rules_(std::move(rules)) {}
  bool Matches(const Subject& subject) const override {
    for (const RulePtr& rule : rules_) {
      if (rule->Matches(subject)) return true;
    }
    return false;
  }

 private:
  std::vector<RulePtr> rules_;
};

class NotRule final : public Rule {
 public:
  explicit NotRule(RulePtr rule) : rule_(std::move(rule)) {}
  bool Matches(const Subject& subject) const override { return !rule_->Matches(subject); }

 private:
  RulePtr rule_;
};

// Reads the rules of one policy; `names` are the words of permissions or of principals.
class Loader {
 public:
  struct Words {
    const char* what;
    const char* list;  // of and_... and or_...
    const char* all;
    const char* one;
    const char* negated;
  };
  Loader(const Words& words, Layer layer, Side side) : words_(words), layer_(layer), side_(side) {}

  RulePtr LoadOne(const ConfigNode& list, int depth) {
    std::vector<RulePtr> rules;
    if (!LoadList(list, depth, Joined::kYes, &rules)) return nullptr;
    if (rules.size() == 1) return std::move(rules.front());
    return std::make_unique<OneRule>(std::move(rules));
  }

 private:
  // Whether addresses of the list may be looked up together, in one trie.
  enum class Joined { kNo, kYes };

  bool LoadList(const ConfigNode& list, int depth, Joined joined, std::vector<RulePtr>* rules) {
    const std::string what(words_.what);
    if (!list.ExpectList("a list of " + what + "s")) return false;
    if (list.size() == 0) return list.Fail("the list is empty: it needs a " + what);
    if (list.size() > kMaxRules) return list.Fail("more than 100000 entries");
    bool ok = true;
    AddressRule* addresses[3] = {};
    for (std::size_t i = 0; i < list.size(); ++i) {
      address_ = nullptr;
      RulePtr rule = Load(list.At(i), depth);
      ok = ok && rule != nullptr;
      if (rule == nullptr) continue;
      if (joined == Joined::kYes && address_ != nullptr) {
        AddressRule*& first = addresses[static_cast<std::size_t>(which_)];
        if (first != nullptr && first->Merge(*address_)) continue;
        first = address_;
      }
      rules->push_back(std::move(rule));
    }
    address_ = nullptr;
    return ok;
  }

  // {rules: [...]} or {ids: [...]}.
  RulePtr LoadSet(const ConfigNode& node, int depth, bool all) {
    if (!node.ExpectMap(words_.what)) return nullptr;
    const ConfigNode list = node.Get(words_.list);
    if (!list) {
      node.Fail(std::string("needs ") + words_.list);
      return nullptr;
    }
    if (!all) {
      RulePtr rule = LoadOne(list, depth);
      address_ = nullptr;
      return rule;
    }
    std::vector<RulePtr> rules;
    if (!LoadList(list, depth, Joined::kNo, &rules)) return nullptr;
    return std::make_unique<AllRule>(std::move(rules));
  }

  RulePtr LoadNot(const ConfigNode& node, int depth) {
    Turn();
    RulePtr rule = Load(node, depth);
    Turn();
    address_ = nullptr;
    return rule == nullptr ? nullptr : std::make_unique<NotRule>(std::move(rule));
  }

  void Turn() { side_ = side_ == Side::kLetsIn ? Side::kKeepsOut : Side::kLetsIn; }

  template <typename Made, typename Read, typename... Args>
  RulePtr Make(const ConfigNode& node, Read&& read, Args... args) {
    auto rule = std::make_unique<Made>(args...);
    return read(rule.get(), node) ? RulePtr(std::move(rule)) : nullptr;
  }

  RulePtr LoadAddress(const ConfigNode& node, Address which) {
    auto rule = std::make_unique<AddressRule>(which);
    if (!rule->Load(node)) return nullptr;
    address_ = rule.get();
    which_ = which;
    return rule;
  }

  RulePtr LoadAny(const ConfigNode& node) {
    bool any = false;
    if (!node.Read(&any)) return nullptr;
    if (any) return std::make_unique<AnyRule>();
    node.Fail("any must be true");
    return nullptr;
  }

  // A condition that only a request can meet.
  bool NeedsRequest(const ConfigNode& node) const {
    return layer_ == Layer::kHttp ||
           node.Fail("a connection has no request: use the HTTP filter of this name");
  }

  bool IsPermission() const { return words_.negated == std::string_view("not_rule"); }

  // The entry's one condition; null with *found unset when it is none of these.
  RulePtr LoadShared(const ConfigNode& entry, int depth, int* found);
  RulePtr LoadPermission(const ConfigNode& entry, int* found);
  RulePtr LoadPrincipal(const ConfigNode& entry, int* found);
  RulePtr Load(const ConfigNode& entry, int depth);

  Words words_;
  Layer layer_;
  Side side_;
  // The rule that was loaded last, when it is one of an address.
  AddressRule* address_ = nullptr;
  Address which_ = Address::kDirect;
};

constexpr auto kLoad = [](auto* rule, const ConfigNode& node) { return rule->Load(node); };

RulePtr Loader::LoadShared(const ConfigNode& entry, int depth, int* found) {
  RulePtr rule;
  if (const ConfigNode node = entry.Get("any"); node && ++*found != 0) rule = LoadAny(node);
  if (const ConfigNode node = entry.Get(words_.all); node && ++*found != 0) {
    rule = LoadSet(node, depth, true);
  }
  if (const ConfigNode node = entry.Get(words_.one); node && ++*found != 0) {
    rule = LoadSet(node, depth, false);
  }
  if (const ConfigNode node = entry.Get(words_.negated); node && ++*found != 0) {
    rule = LoadNot(node, depth);
  }
  if (const ConfigNode node = entry.Get("header"); node && ++*found != 0) {
    rule = NeedsRequest(node) ? Make<HeaderRule>(node, kLoad, side_) : nullptr;
  }
  if (const ConfigNode node = entry.Get("url_path"); node && ++*found != 0) {
    rule = NeedsRequest(node) ? Make<PathRule>(node, kLoad) : nullptr;
  }
  if (const ConfigNode node = entry.Get("metadata"); node && ++*found != 0) {
    rule = Make<MetadataRule>(node, kLoad);
  }
  return rule;
}

RulePtr Loader::LoadPermission(const ConfigNode& entry, int* found) {
  RulePtr rule;
  if (const ConfigNode node = entry.Get("destination_ip"); node && ++*found != 0) {
    rule = LoadAddress(node, Address::kLocal);
  }
  if (const ConfigNode node = entry.Get("destination_port"); node && ++*found != 0) {
    rule = Make<PortRule>(node, [](PortRule* r, const ConfigNode& n) { return r->LoadPort(n); });
  }
  if (const ConfigNode node = entry.Get("destination_port_range"); node && ++*found != 0) {
    rule = Make<PortRule>(node, [](PortRule* r, const ConfigNode& n) { return r->LoadRange(n); });
  }
  if (const ConfigNode node = entry.Get("requested_server_name"); node && ++*found != 0) {
    rule = Make<ServerNameRule>(node, kLoad);
  }
  for (const char* key : {"matcher", "uri_template", "sourced_metadata"}) {
    if (!entry.Refuse(key, "is not available")) *found = -1;
  }
  return rule;
}

RulePtr Loader::LoadPrincipal(const ConfigNode& entry, int* found) {
  constexpr std::pair<const char*, Address> kAddresses[] = {{"source_ip", Address::kDirect},
                                                            {"direct_remote_ip", Address::kDirect},
                                                            {"remote_ip", Address::kRemote}};
  RulePtr rule;
  for (const auto& [key, which] : kAddresses) {
    if (const ConfigNode node = entry.Get(key); node && ++*found != 0) {
      rule = LoadAddress(node, which);
    }
  }
  if (const ConfigNode node = entry.Get("authenticated"); node && ++*found != 0) {
    rule = Make<AuthenticatedRule>(node, kLoad);
  }
  for (const char* key : {"filter_state", "sourced_metadata", "custom", "mtls_authenticated"}) {
    if (!entry.Refuse(key, "is not available")) *found = -1;
  }
  return rule;
}

RulePtr Loader::Load(const ConfigNode& entry, int depth) {
  if (!entry.ExpectMap(std::string("a ") + words_.what)) return nullptr;
  if (depth >= kMaxDepth) {
    entry.Fail("more than 32 conditions inside of each other");
    return nullptr;
  }
  int shared = 0;
  int own = 0;
  RulePtr rule = LoadShared(entry, depth + 1, &shared);
  RulePtr other = IsPermission() ? LoadPermission(entry, &own) : LoadPrincipal(entry, &own);
  if (own < 0) return nullptr;
  if (shared + own == 1) return shared == 1 ? std::move(rule) : std::move(other);
  entry.Fail(std::string("a ") + words_.what + " has exactly one condition; known are any, " +
             words_.all + ", " + words_.one + ", " + words_.negated + ", header, url_path, " +
             (IsPermission() ? "metadata, destination_ip, destination_port, "
                               "destination_port_range, requested_server_name"
                             : "metadata, authenticated, direct_remote_ip, remote_ip, source_ip"));
  return nullptr;
}

}  // namespace

RulePtr LoadPermissions(const ConfigNode& list, Layer layer, Side side) {
  return Loader({"permission", "rules", "and_rules", "or_rules", "not_rule"}, layer, side)
      .LoadOne(list, 0);
}

RulePtr LoadPrincipals(const ConfigNode& list, Layer layer, Side side) {
  return Loader({"principal", "ids", "and_ids", "or_ids", "not_id"}, layer, side).LoadOne(list, 0);
}

}  // namespace weir::filters::rbac
