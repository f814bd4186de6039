#include "filters/http/ext_authz/name_list.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weir::filters {

namespace {
constexpr std::size_t kMaxPatterns = 200;
}  // namespace

bool NameList::Load(const sdk::ConfigNode& node, std::string_view key) {
  if (!node) return true;
  if (!node.ExpectMap(key)) return false;
  const sdk::ConfigNode patterns = node.Get("patterns");
  if (!patterns) return node.Fail(std::string(key) + " needs patterns");
  if (!patterns.ExpectList("patterns")) return false;
  if (patterns.size() > kMaxPatterns) return patterns.Fail("more than 200 patterns");
  set_ = true;
  bool ok = true;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    StringMatcher matcher;
    ok = matcher.Load(patterns.At(i), StringMatcher::Letters::kNoCase) && ok;
    patterns_.push_back(std::move(matcher));
  }
  return ok;
}

bool NameList::Has(std::string_view name) const {
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [name](const StringMatcher& one) { return one.Matches(name); });
}

}  // namespace weir::filters
