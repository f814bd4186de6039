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
// A value with commas is one value. A field that stands several times is compared as Repeats says.
class HeaderMatcher {
 public:
  enum class Repeats : std::uint8_t {
    // It matches when one of the values does; inverted, when none does.
    kOne,
    // For what lets a request in: it matches when all of the values do, each inverted by itself,
    // and the values joined by commas too. So no further field can add what is wanted, and a
    // backend may read the first value, the last, any of them or the list (RFC 9110 section 5.3).
    kAll,
    // For what keeps a request out: one of the values, or the values joined, is enough. So no
    // further field can hide or split what is not wanted.
    kAny
  };

  // Every mistake is reported at its place; false when there was one.
  bool Load(const sdk::ConfigNode& entry);
  // The path, the query left out, is equal to `path`.
  void MatchPath(std::string path);
  void set_repeats(Repeats repeats) { repeats_ = repeats; }

  bool Matches(const weir_http_api& http, weir_stream* stream) const;

 private:
  enum class Kind : std::uint8_t { kPresent, kString, kRange, kPathOnly };

  bool LoadName(const sdk::ConfigNode& entry);
  bool LoadPattern(const sdk::ConfigNode& entry);
  bool LoadRange(const sdk::ConfigNode& node);
  bool Find(const weir_http_api& http, weir_stream* stream, std::uint32_t index,
            std::string_view* value) const;
  bool Compare(std::string_view value) const;
  bool MatchesRepeated(const weir_http_api& http, weir_stream* stream,
                       std::string_view first) const;

  Kind kind_ = Kind::kPresent;
  Repeats repeats_ = Repeats::kOne;
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
