#include "filters/http/health_check/header_matcher.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "plugins/sdk/field_rules.h"
#include "plugins/sdk/view.h"
#include "plugins/util/ascii.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;
using sdk::Text;
using sdk::View;

constexpr std::string_view kStartNames[] = {":method", ":path", ":authority", ":scheme"};

bool Same(std::string_view value, std::string_view pattern, bool ignore_case) {
  if (!ignore_case) return value == pattern;
  return util::EqualsLower(value, pattern);
}

bool Holds(std::string_view value, std::string_view pattern, bool ignore_case) {
  if (!ignore_case) return value.find(pattern) != std::string_view::npos;
  return std::search(value.begin(), value.end(), pattern.begin(), pattern.end(),
                     [](char a, char b) { return util::ToLower(a) == b; }) != value.end() ||
         pattern.empty();
}

bool IsStart(std::string_view name) {
  return std::find(std::begin(kStartNames), std::end(kStartNames), name) != std::end(kStartNames);
}

}  // namespace

void HeaderMatcher::MatchPath(std::string path) {
  kind_ = Kind::kPathOnly;
  name_ = ":path";
  pattern_ = std::move(path);
}

bool HeaderMatcher::LoadPattern(const ConfigNode& entry) {
  bool ok = true;
  for (const char* key : {"safe_regex_match", "range_match", "exact_match", "prefix_match",
                          "suffix_match", "contains_match"}) {
    ok = entry.Refuse(key, "is not available: use string_match") && ok;
  }
  if (const ConfigNode present = entry.Get("present_match")) ok = present.Read(&present_) && ok;
  const ConfigNode match = entry.Get("string_match");
  if (!match) return ok;
  if (!match.ExpectMap("string_match")) return false;
  for (const char* key : {"safe_regex", "custom"}) {
    ok = match.Refuse(key, "is not available: use exact, prefix, suffix or contains") && ok;
  }
  if (const ConfigNode fold = match.Get("ignore_case")) ok = fold.Read(&ignore_case_) && ok;
  constexpr std::pair<const char*, Kind> kKeys[] = {{"exact", Kind::kExact},
                                                    {"prefix", Kind::kPrefix},
                                                    {"suffix", Kind::kSuffix},
                                                    {"contains", Kind::kContains}};
  int found = 0;
  for (const auto& [key, kind] : kKeys) {
    const ConfigNode node = match.Get(key);
    if (!node) continue;
    ++found;
    kind_ = kind;
    ok = node.Read(&pattern_) && ok;
  }
  if (found != 1) {
    return ok && match.Fail("string_match needs exactly one of exact, prefix, suffix, contains");
  }
  if (ignore_case_) sdk::LowerCase(&pattern_);
  return ok;
}

bool HeaderMatcher::Load(const ConfigNode& entry) {
  if (!entry.ExpectMap("a header matcher")) return false;
  const ConfigNode name = entry.Get("name");
  bool ok = name ? name.Read(&name_) : entry.Fail("a header matcher needs a name");
  if (ok) {
    sdk::LowerCase(&name_);
    if (!IsStart(name_) && !util::IsToken(name_)) {
      ok = name.Fail("\"" + name_.substr(0, 80) +
                     "\" is neither a field name nor one of :method, "
                     ":path, :authority, :scheme");
    }
  }
  if (const ConfigNode invert = entry.Get("invert_match")) ok = invert.Read(&invert_) && ok;
  if (const ConfigNode empty = entry.Get("treat_missing_header_as_empty")) {
    ok = empty.Read(&missing_is_empty_) && ok;
  }
  return LoadPattern(entry) && ok;
}

bool HeaderMatcher::Compare(std::string_view value) const {
  switch (kind_) {
    case Kind::kPresent:
      return present_;
    case Kind::kExact:
      return Same(value, pattern_, ignore_case_);
    case Kind::kPrefix:
      return value.size() >= pattern_.size() &&
             Same(value.substr(0, pattern_.size()), pattern_, ignore_case_);
    case Kind::kSuffix:
      return value.size() >= pattern_.size() &&
             Same(value.substr(value.size() - pattern_.size()), pattern_, ignore_case_);
    case Kind::kContains:
      return Holds(value, pattern_, ignore_case_);
    case Kind::kPathOnly:
      return value.substr(0, value.find('?')) == pattern_;
  }
  return false;
}

std::int32_t HeaderMatcher::Matches(const weir_http_api& http, weir_stream* stream) const {
  const weir_view name = View(name_);
  weir_view first{};
  const bool start = name_.front() == ':';
  const std::int32_t found = start ? http.get_start(stream, name, &first)
                                   : http.get(stream, WEIR_REQUEST, name, 0, &first);
  if (found != WEIR_OK) {
    if (kind_ == Kind::kPresent) return !present_ != invert_;
    // Inverted, a field that is not there is matched: as in Envoy.
    const bool same = missing_is_empty_ && Compare({});
    return same != invert_;
  }
  // Each value by itself: joined by commas, a second field would hide the first one from `exact`,
  // and from what `invert_match` is to keep out.
  bool same = Compare(Text(first));
  for (std::uint32_t i = 1; !same && !start; ++i) {
    weir_view more{};
    if (http.get(stream, WEIR_REQUEST, name, i, &more) != WEIR_OK) break;
    same = Compare(Text(more));
  }
  return same != invert_;
}

}  // namespace weir::filters
