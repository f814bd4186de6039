#pragma once

#include <cstdint>
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

// What follows when a rule matches, the negations around it counted. A request may be read in more
// than one way (fields that stand several times): what lets it in must hold in all of them, what
// keeps it out in one.
enum class Side : std::uint8_t { kLetsIn, kKeepsOut };

// Reads a policy's `permissions` or `principals`: a rule that matches when one of the entries does.
// Null after a report at the place of each mistake.
RulePtr LoadPermissions(const sdk::ConfigNode& list, Layer layer, Side side);
RulePtr LoadPrincipals(const sdk::ConfigNode& list, Layer layer, Side side);

}  // namespace weir::filters::rbac
