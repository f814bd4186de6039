#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filters/http/common/fraction.h"
#include "filters/http/common/string_matcher.h"
#include "plugins/sdk/config_load.h"

namespace weir::filters {

// Envoy's CorsPolicy, of a route or of the filter. Immutable after loading.
struct CorsPolicy {
  bool given = false;  // without a policy the filter does nothing
  bool any_origin = false;
  std::vector<StringMatcher> origins;
  // Values of fields; empty: the field is not sent.
  std::string methods;
  std::string headers;
  std::string exposed;
  std::string max_age;
  bool credentials = false;
  bool private_network = false;
  bool forward_not_matching = true;
  Fraction enabled = Fraction::All();
  Fraction shadow;
  // Of the filter's own, which counts for all routes.
  sdk::Counter valid;
  sdk::Counter invalid;

  bool Load(const sdk::ConfigLoad& load);
  bool Allows(std::string_view origin) const;
};

}  // namespace weir::filters
