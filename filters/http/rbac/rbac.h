#pragma once

#include <memory>

#include "filters/http/rbac/engine.h"
#include "plugins/sdk/http_filter.h"

namespace weir::filters::rbac {

// The HTTP filter's configuration, and a route's.
struct HttpConfig {
  RuleSet rules;  // of a route: empty where the route needs no permission
  bool Load(const sdk::ConfigLoad& load);
};

// The HTTP filter rbac: who may send which request. A request that is refused is answered with 403
// before anything later has seen it.
class HttpRbac : public sdk::HttpFilter<HttpRbac, HttpConfig> {
 public:
  sdk::Status OnRequestHeaders(bool end_stream);

 private:
  void Note(const RuleSet& rules, const RuleSet::Judgement& judgement) const;
  sdk::Status Deny(const Verdict& verdict) const;
};

extern const weir_http_filter_api kHttpRbacApi;

}  // namespace weir::filters::rbac
