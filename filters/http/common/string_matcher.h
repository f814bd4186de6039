#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "filters/http/common/regex.h"
#include "plugins/sdk/config_node.h"

namespace weir::filters {

// Envoy's StringMatcher: one of exact, prefix, suffix, contains and safe_regex, with ignore_case.
// Immutable after loading; cheap to copy.
class StringMatcher {
 public:
  enum class Kind : std::uint8_t { kExact, kPrefix, kSuffix, kContains, kRegex };
  // The letters of what is matched have no case, as those of a host name: ignore_case is then on.
  enum class Letters : std::uint8_t { kCase, kNoCase };

  StringMatcher() = default;
  StringMatcher(Kind kind, std::string pattern) : kind_(kind), pattern_(std::move(pattern)) {}

  // Reads {exact: ...} and so on. Every mistake is reported at its place; false when there was one.
  bool Load(const sdk::ConfigNode& node, Letters letters = Letters::kCase);
  // Reads a node that is itself the pattern of a kind: a string, or {regex: ...}.
  bool LoadPattern(Kind kind, const sdk::ConfigNode& node, bool ignore_case = false);

  bool Matches(std::string_view text) const;

 private:
  Kind kind_ = Kind::kExact;
  bool ignore_case_ = false;
  std::string pattern_;  // lower case when case is ignored
  std::shared_ptr<const Regex> regex_;
};

}  // namespace weir::filters
