#include "filters/http/rbac/rbac.h"

#include <cstring>
#include <string_view>

namespace weir::filters::rbac {
namespace {

using sdk::ConfigNode;
using sdk::Status;

constexpr char kName[] = "rbac";
// Where Envoy notes verdicts, so that formats of access logs go over unchanged.
constexpr std::string_view kSpace = "envoy.filters.http.rbac";
constexpr std::string_view kHintSpace = "envoy.common";
constexpr std::string_view kDetailsStart = "rbac_access_denied_matched_policy[";

// Text put together without an allocation; what does not fit is cut.
class ShortText {
 public:
  ShortText& operator<<(std::string_view more) {
    const std::size_t room = sizeof bytes_ - size_;
    const std::size_t size = more.size() < room ? more.size() : room;
    if (size > 0) std::memcpy(bytes_ + size_, more.data(), size);
    size_ += size;
    return *this;
  }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  char bytes_[640];  // two prefixes or names of at most 256 bytes, and words of ours
  std::size_t size_ = 0;
};

std::string_view IdOf(const Verdict& verdict) {
  return verdict.policy == nullptr ? std::string_view("none") : verdict.policy->id;
}

}  // namespace

bool HttpConfig::Load(const sdk::ConfigLoad& load) {
  const ConfigNode& node = load.node;
  if (!node || node.IsNull()) {
    return load.per_route || node.Fail("rbac needs rules or shadow_rules");
  }
  if (!node.ExpectMap("rbac")) return false;
  if (load.per_route) {
    // Without `rbac` the route needs no permission: Envoy's way to turn the filter off.
    const ConfigNode inner = node.Get("rbac");
    if (!inner) return true;
    return inner.ExpectMap("rbac") && rules.Load(load.host, inner, Layer::kHttp, "");
  }
  return rules.Load(load.host, node, Layer::kHttp, "");
}

void HttpRbac::Note(const RuleSet& rules, const RuleSet::Judgement& judgement) const {
  if (!WEIR_HAS(stream().api(), set_metadata)) return;
  const auto note = [&](std::string_view prefix, std::string_view kind, const Verdict& verdict) {
    // Beyond the stream's bounds on notes there is no note: the verdict holds without it.
    stream().SetMetadata(kSpace, (ShortText() << prefix << kind << "engine_result").view(),
                         verdict.allowed ? "allowed" : "denied");
    if (verdict.policy == nullptr) return;
    stream().SetMetadata(kSpace, (ShortText() << prefix << kind << "effective_policy_id").view(),
                         verdict.policy->name);
  };
  if (judgement.shadowed) note(rules.shadow_prefix(), "shadow_", judgement.shadow);
  if (judgement.enforced) note(rules.prefix(), "enforced_", judgement.verdict);
  if (judgement.enforced && rules.logs()) {
    stream().SetMetadata(kHintSpace, "access_log_hint",
                         judgement.verdict.logged ? "true" : "false");
  }
}

Status HttpRbac::Deny(const Verdict& verdict) const {
  const ShortText details = ShortText() << kDetailsStart << IdOf(verdict) << "]";
  return stream().LocalReply({403, "RBAC: access denied", details.view()}) ? Status::kStopAll
                                                                           : Status::kFail;
}

Status HttpRbac::OnRequestHeaders(bool) {
  const HttpConfig* const of_route = route_config();
  const RuleSet& rules = of_route != nullptr ? of_route->rules : config().rules;
  if (rules.empty()) return Status::kContinue;
  const sdk::HttpStream stream = this->stream();
  const RuleSet::Judgement judgement = rules.Judge(Subject(stream.api(), stream.handle()));
  Note(rules, judgement);
  return judgement.verdict.allowed ? Status::kContinue : Deny(judgement.verdict);
}

const weir_http_filter_api kHttpRbacApi = sdk::HttpFilterApi<HttpRbac, kName>();

}  // namespace weir::filters::rbac
