#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filters/http/common/string_matcher.h"
#include "plugins/abi/weir.h"
#include "plugins/sdk/config_node.h"

namespace weir::filters {

// Envoy's HeaderMatcher: whether a request's field, or a part of its start line, is as wanted.
// Immutable after loading.
//
// A field that stands several times is compared value by value, and matches when one of them does;
// inverted, when none does. The values are never joined: a second field would hide the first one
// from `exact`, and from what `invert_match` is to keep out. A value with commas is one value.
class HeaderMatcher {
 public:
  // Every mistake is reported at its place; false when there was one.
  bool Load(const sdk::ConfigNode& entry);
  // The path, the query left out, is equal to `path`.
  void MatchPath(std::string path);

  bool Matches(const weir_http_api& http, weir_stream* stream) const;

 private:
  enum class Kind : std::uint8_t { kPresent, kString, kRange, kPathOnly };

  bool LoadName(const sdk::ConfigNode& entry);
  bool LoadPattern(const sdk::ConfigNode& entry);
  bool LoadRange(const sdk::ConfigNode& node);
  bool Find(const weir_http_api& http, weir_stream* stream, std::uint32_t index,
            std::string_view* value) const;
  bool Compare(std::string_view value) const;

  Kind kind_ = Kind::kPresent;
  bool start_ = false;  // a part of the start line
  bool invert_ = false;
  bool present_ = true;  // kPresent: what is wanted
  bool missing_is_empty_ = false;
  std::uint16_t token_ = 0;  // 0: by name
  std::int64_t first_ = 0;   // kRange: from here
  std::int64_t end_ = 0;     // up to here, which is outside
  std::string name_;
  StringMatcher text_;
};

// A list of them, all of which must match. Absent: an empty list.
bool LoadHeaderMatchers(const sdk::ConfigNode& node, std::string_view key,
                        std::vector<HeaderMatcher>* out);
bool AllMatch(const std::vector<HeaderMatcher>& matchers, const weir_http_api& http,
              weir_stream* stream);

}  // namespace weir::filters
