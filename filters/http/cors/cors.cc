#include "filters/http/cors/cors.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "filters/http/cors/policy.h"
#include "plugins/sdk/weir.hpp"
#include "plugins/util/ascii.h"

namespace weir::filters {
namespace {

using sdk::Status;

constexpr char kName[] = "cors";

// Whether a list of names, as in Vary, has this one, or "*".
bool HasName(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view item = util::TrimOws(list.substr(0, end));
    if (item == "*" || util::EqualsLower(item, name)) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

class Cors : public sdk::HttpFilter<Cors, CorsPolicy> {
 public:
  Status OnRequestHeaders(bool) {
    const CorsPolicy* const policy = route_config() != nullptr ? route_config() : &config();
    if (!policy->given) return Status::kContinue;
    const bool enabled = policy->enabled.Draw(host());
    if (!enabled && !policy->shadow.Draw(host())) return Status::kContinue;
    if (enabled) policy_ = policy;
    const std::string_view origin = request().FindToken(WEIR_TOKEN_ORIGIN).value_or("");
    if (origin.empty()) return Status::kContinue;
    // Which of two would be asked about? A browser sends one.
    const bool one = !request().FindToken(WEIR_TOKEN_ORIGIN, 1).has_value();
    const bool allowed = one && policy->Allows(origin);
    (allowed ? config().valid : config().invalid).Add();
    if (!enabled) return Status::kContinue;
    if (allowed) origin_ = origin;
    return IsPreflight() && (allowed || !policy->forward_not_matching) ? AnswerPreflight()
                                                                       : Status::kContinue;
  }

  Status OnResponseHeaders(bool) {
    if (policy_ == nullptr) return Status::kContinue;
    // Also without an origin: a cache must not give this answer to somebody who asks with one.
    if (!AddVary()) return Status::kFail;
    if (origin_.empty()) return Status::kContinue;
    const sdk::Fields answer = response();
    bool ok = answer.Set("access-control-allow-origin", origin_);
    if (policy_->credentials) ok = answer.Set("access-control-allow-credentials", "true") && ok;
    if (!policy_->exposed.empty()) {
      ok = answer.Set("access-control-expose-headers", policy_->exposed) && ok;
    }
    return ok ? Status::kContinue : Status::kFail;
  }

 private:
  bool IsPreflight() const {
    return stream().method() == "OPTIONS" &&
           !request().FindToken(WEIR_TOKEN_ACCESS_CONTROL_REQUEST_METHOD).value_or("").empty();
  }

  // Its origin, credentials and Vary come with the response's hook, which a local reply passes too.
  Status AnswerPreflight() {
    sdk::Reply reply;
    reply.status = 200;
    reply.details = "cors_response";
    const auto field = [&reply](std::string_view name, std::string_view value) {
      if (!value.empty()) reply.fields.emplace_back(name, value);
    };
    // "*" stands for what was asked for: in an answer with credentials it would be a name.
    const auto list = [&](std::string_view name, const std::string& value, std::uint32_t asked) {
      field(name, value == "*" ? request().FindToken(asked).value_or("") : value);
    };
    list("access-control-allow-methods", policy_->methods,
         WEIR_TOKEN_ACCESS_CONTROL_REQUEST_METHOD);
    list("access-control-allow-headers", policy_->headers,
         WEIR_TOKEN_ACCESS_CONTROL_REQUEST_HEADERS);
    field("access-control-max-age", policy_->max_age);
    if (policy_->private_network &&
        request().Get("access-control-request-private-network") == "true") {
      field("access-control-allow-private-network", "true");
    }
    return Answer(reply);
  }

  bool AddVary() {
    for (std::uint32_t i = 0; const auto vary = response().FindToken(WEIR_TOKEN_VARY, i); ++i) {
      if (HasName(*vary, "origin")) return true;
    }
    return response().Add("vary", "origin");
  }

  const CorsPolicy* policy_ = nullptr;  // not null: it is enforced for this request
  std::string origin_;                  // the one that is allowed
};

}  // namespace

constinit const weir_http_filter_api kCorsApi = sdk::HttpFilterApi<Cors, kName>();

}  // namespace weir::filters
