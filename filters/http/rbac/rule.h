#pragma once

#include <memory>
#include <vector>

#include "filters/http/rbac/subject.h"
#include "plugins/sdk/config_node.h"

namespace weir::filters::rbac {

// One node of a policy's conditions. Immutable after loading; any thread.
class Rule {
 public:
  virtual ~Rule() = default;
  virtual bool Matches(const Subject& subject) const = 0;
};

using RulePtr = std::unique_ptr<const Rule>;

// What the rules will be asked about.
enum class Layer { kHttp, kNetwork };

// Reads a policy's `permissions` or `principals`: a rule that matches when one of the entries does.
// Null after a report at the place of each mistake.
RulePtr LoadPermissions(const sdk::ConfigNode& list, Layer layer);
RulePtr LoadPrincipals(const sdk::ConfigNode& list, Layer layer);

}  // namespace weir::filters::rbac
