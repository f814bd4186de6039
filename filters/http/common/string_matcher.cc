#include "filters/http/common/string_matcher.h"

#include <algorithm>
#include <utility>

#include "plugins/sdk/field_rules.h"
#include "plugins/util/ascii.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;
using Kind = StringMatcher::Kind;

constexpr std::pair<const char*, Kind> kKeys[] = {{"exact", Kind::kExact},
                                                  {"prefix", Kind::kPrefix},
                                                  {"suffix", Kind::kSuffix},
                                                  {"contains", Kind::kContains},
                                                  {"safe_regex", Kind::kRegex}};

bool Same(std::string_view text, std::string_view pattern, bool ignore_case) {
  return ignore_case ? util::EqualsLower(text, pattern) : text == pattern;
}

bool Holds(std::string_view text, std::string_view pattern, bool ignore_case) {
  if (!ignore_case) return text.find(pattern) != std::string_view::npos;
  return pattern.empty() ||
         std::search(text.begin(), text.end(), pattern.begin(), pattern.end(),
                     [](char a, char b) { return util::ToLower(a) == b; }) != text.end();
}

// The text of {regex: ..., google_re2: {}}; the second is Envoy's older word for the one engine.
bool ReadRegex(const ConfigNode& node, std::string* pattern) {
  if (!node.ExpectMap("safe_regex")) return false;
  bool ok = true;
  if (const ConfigNode engine = node.Get("google_re2")) {
    ok = engine.IsNull() || engine.ExpectMap("google_re2");
    if (ok && !engine.IsNull() && engine.size() > 0) {
      ok = engine.Refuse("max_program_size", "is not available: the bound is fixed");
    }
  }
  const ConfigNode regex = node.Get("regex");
  if (!regex) return node.Fail("safe_regex needs regex");
  return regex.Read(pattern) && ok;
}

}  // namespace

bool StringMatcher::LoadPattern(Kind kind, const ConfigNode& node, bool ignore_case) {
  kind_ = kind;
  ignore_case_ = ignore_case;
  if (kind == Kind::kRegex) {
    std::string pattern;
    if (!ReadRegex(node, &pattern)) return false;
    std::string error;
    regex_ = Regex::Compile(pattern, ignore_case, &error);
    return regex_ != nullptr || node.Get("regex").Fail("no regular expression: " + error);
  }
  if (!node.Read(&pattern_)) return false;
  // An empty one would match everything.
  if (pattern_.empty() && kind != Kind::kExact) {
    return node.Fail("an empty pattern matches everything");
  }
  if (ignore_case_) sdk::LowerCase(&pattern_);
  return true;
}

bool StringMatcher::Load(const ConfigNode& node, Letters letters) {
  if (!node.ExpectMap("a string matcher")) return false;
  bool ok = node.Refuse("custom", "is not available");
  bool ignore_case = false;
  if (const ConfigNode fold = node.Get("ignore_case")) ok = fold.Read(&ignore_case) && ok;
  ignore_case = ignore_case || letters == Letters::kNoCase;
  int found = 0;
  for (const auto& [key, kind] : kKeys) {
    const ConfigNode pattern = node.Get(key);
    if (!pattern) continue;
    ++found;
    ok = LoadPattern(kind, pattern, ignore_case) && ok;
  }
  if (found == 1) return ok;
  return node.Fail(
      "a string matcher has exactly one of exact, prefix, suffix, contains, safe_regex");
}

bool StringMatcher::Matches(std::string_view text) const {
  const std::size_t size = pattern_.size();
  switch (kind_) {
    case Kind::kExact:
      return Same(text, pattern_, ignore_case_);
    case Kind::kPrefix:
      return text.size() >= size && Same(text.substr(0, size), pattern_, ignore_case_);
    case Kind::kSuffix:
      return text.size() >= size && Same(text.substr(text.size() - size), pattern_, ignore_case_);
    case Kind::kContains:
      return Holds(text, pattern_, ignore_case_);
    case Kind::kRegex:
      return regex_->Matches(text);
  }
  return false;
}

}  // namespace weir::filters
