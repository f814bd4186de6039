#include "filters/http/common/header_matcher.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "plugins/sdk/field_rules.h"
#include "plugins/sdk/view.h"
#include "plugins/util/ascii.h"
#include "plugins/util/token.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;
using sdk::Text;
using sdk::View;
using TextKind = StringMatcher::Kind;

constexpr std::size_t kMaxMatchers = 100;
constexpr std::string_view kStartNames[] = {":method", ":path", ":authority", ":scheme"};

// Envoy's older spelling of string_match, one key for each kind.
constexpr std::pair<const char*, TextKind> kOldKeys[] = {{"exact_match", TextKind::kExact},
                                                         {"prefix_match", TextKind::kPrefix},
                                                         {"suffix_match", TextKind::kSuffix},
                                                         {"contains_match", TextKind::kContains},
                                                         {"safe_regex_match", TextKind::kRegex}};

bool IsStart(std::string_view name) {
  return std::find(std::begin(kStartNames), std::end(kStartNames), name) != std::end(kStartNames);
}

// Host names have no case (RFC 9110 section 4.2.3); what has arrived is in lower case.
bool IsHost(std::string_view name) {
  return name == ":authority" || name == "host";
}

}  // namespace

void HeaderMatcher::MatchPath(std::string path) {
  kind_ = Kind::kPathOnly;
  name_ = ":path";
  start_ = true;
  text_ = StringMatcher(TextKind::kExact, std::move(path));
}

bool HeaderMatcher::LoadName(const ConfigNode& entry) {
  const ConfigNode name = entry.Get("name");
  if (!name) return entry.Fail("a header matcher needs a name");
  if (!name.Read(&name_)) return false;
  sdk::LowerCase(&name_);
  start_ = IsStart(name_);
  if (!start_ && !util::IsToken(name_)) {
    return name.Fail("\"" + name_.substr(0, 80) +
                     "\" is neither a field name nor one of :method, :path, :authority, :scheme");
  }
  token_ = start_ ? std::uint16_t{0} : util::FindToken(name_);
  return true;
}

bool HeaderMatcher::LoadRange(const ConfigNode& node) {
  if (!node.ExpectMap("range_match")) return false;
  bool ok = true;
  for (const auto& [key, out] : {std::pair("start", &first_), std::pair("end", &end_)}) {
    const ConfigNode bound = node.Get(key);
    ok = (bound ? bound.Read(INT64_MIN, INT64_MAX, out)
                : node.Fail(std::string("range_match needs ") + key)) &&
         ok;
  }
  return ok && (first_ < end_ || node.Fail("range_match is empty: its end is outside of it"));
}

bool HeaderMatcher::LoadPattern(const ConfigNode& entry) {
  bool ok = true;
  int found = 0;
  if (const ConfigNode present = entry.Get("present_match")) {
    ++found;
    ok = present.Read(&present_) && ok;
  }
  const auto letters = IsHost(name_) ? StringMatcher::Letters::kNoCase  //
                                     : StringMatcher::Letters::kCase;
  if (const ConfigNode match = entry.Get("string_match")) {
    ++found;
    kind_ = Kind::kString;
    ok = text_.Load(match, letters) && ok;
  }
  for (const auto& [key, kind] : kOldKeys) {
    const ConfigNode pattern = entry.Get(key);
    if (!pattern) continue;
    ++found;
    kind_ = Kind::kString;
    ok = text_.LoadPattern(kind, pattern, IsHost(name_)) && ok;
  }
  if (const ConfigNode range = entry.Get("range_match")) {
    ++found;
    kind_ = Kind::kRange;
    ok = LoadRange(range) && ok;
  }
  return ok && (found <= 1 ||
                entry.Fail("a header matcher has one of string_match, range_match, present_match"));
}

bool HeaderMatcher::Load(const ConfigNode& entry) {
  if (!entry.ExpectMap("a header matcher")) return false;
  bool ok = LoadName(entry);
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
    case Kind::kString:
      return text_.Matches(value);
    case Kind::kRange: {
      std::int64_t number = 0;
      const char* const end = value.data() + value.size();
      const auto [at, error] = std::from_chars(value.data(), end, number);
      return error == std::errc() && at == end && number >= first_ && number < end_;
    }
    case Kind::kPathOnly:
      return text_.Matches(value.substr(0, value.find('?')));
  }
  return false;
}

bool HeaderMatcher::Find(const weir_http_api& http, weir_stream* stream, std::uint32_t index,
                         std::string_view* value) const {
  weir_view found{};
  std::int32_t status = WEIR_ERROR;
  if (start_) {
    if (index == 0) status = http.get_start(stream, View(name_), &found);
  } else if (token_ != 0) {
    status = http.get_token(stream, WEIR_REQUEST, token_, index, &found);
  } else {
    status = http.get(stream, WEIR_REQUEST, View(name_), index, &found);
  }
  if (status != WEIR_OK) return false;
  *value = Text(found);
  return true;
}

bool HeaderMatcher::MatchesRepeated(const weir_http_api& http, weir_stream* stream,
                                    std::string_view first) const {
  const bool any = repeats_ == Repeats::kAny;
  const auto matches = [this](std::string_view value) { return Compare(value) != invert_; };
  if (matches(first) == any) return any;
  std::string_view value;
  if (!Find(http, stream, 1, &value)) return !any;
  // Only a client that repeats the field pays for the copy.
  std::string joined(first);
  for (std::uint32_t i = 1; Find(http, stream, i, &value); ++i) {
    if (matches(value) == any) return any;
    joined.append(1, ',').append(value);
  }
  return matches(joined);
}

bool HeaderMatcher::Matches(const weir_http_api& http, weir_stream* stream) const {
  std::string_view value;
  if (!Find(http, stream, 0, &value)) {
    if (kind_ == Kind::kPresent) return !present_ != invert_;
    // Inverted, a field that is not there is matched: as in Envoy.
    return (missing_is_empty_ && Compare({})) != invert_;
  }
  if (repeats_ != Repeats::kOne) return MatchesRepeated(http, stream, value);
  bool same = Compare(value);
  for (std::uint32_t i = 1; !same && Find(http, stream, i, &value); ++i) same = Compare(value);
  return same != invert_;
}

bool LoadHeaderMatchers(const ConfigNode& node, std::string_view key,
                        std::vector<HeaderMatcher>* out) {
  if (!node) return true;
  if (!node.ExpectList(key)) return false;
  if (node.size() > kMaxMatchers) {
    return node.Fail(std::string(key) + " has more than 100 entries");
  }
  bool ok = true;
  for (std::size_t i = 0; i < node.size(); ++i) ok = out->emplace_back().Load(node.At(i)) && ok;
  return ok;
}

bool AllMatch(const std::vector<HeaderMatcher>& matchers, const weir_http_api& http,
              weir_stream* stream) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&](const HeaderMatcher& matcher) { return matcher.Matches(http, stream); });
}

}  // namespace weir::filters
