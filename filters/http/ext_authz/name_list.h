#pragma once

#include <string_view>
#include <vector>

#include "filters/http/common/string_matcher.h"
#include "plugins/sdk/config_node.h"

namespace weir::filters {

// Envoy's ListStringMatcher, of field names: {patterns: [{exact: x-user}, ...]}. Immutable after
// loading.
class NameList {
 public:
  // An absent node is a list that is not set. False after a report.
  bool Load(const sdk::ConfigNode& node, std::string_view key);
  bool set() const { return set_; }
  bool Has(std::string_view name) const;

 private:
  bool set_ = false;
  std::vector<StringMatcher> patterns_;
};

}  // namespace weir::filters
