#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "filters/http/header_mutation/mutation_list.h"
#include "plugins/sdk/config_node.h"

namespace weir::filters {

// The changes to the parameters of a path's query, in file order. Names are compared decoded; what
// is not changed stays byte for byte where it is, and what is written is percent-encoded.
class QueryMutations {
 public:
  // Reads `query_parameter_mutations`. Absent: empty. Every mistake is reported at its place.
  bool Load(const sdk::ConfigNode& node);
  bool empty() const { return mutations_.empty(); }
  // The path with its query changed.
  std::string Apply(std::string_view path) const;

 private:
  std::vector<Mutation> mutations_;  // name: decoded; value: encoded
};

}  // namespace weir::filters
