#pragma once

#include <cstdint>
#include <string>

#include "plugins/abi/weir.h"
#include "plugins/sdk/config_node.h"

namespace weir::filters {

// One entry of `headers`: whether a request's field, or a part of its start line, is as wanted.
// Immutable after loading.
class HeaderMatcher {
 public:
  // Every mistake is reported at its place; false when there was one.
  bool Load(const sdk::ConfigNode& entry);
  // The path, the query left out, is equal to `path`: what the short form stands for.
  void MatchPath(std::string path);

  // Whether the request matches, or a negative status. A field with several values is compared as
  // one, the values joined by commas.
  std::int32_t Matches(const weir_http_api& http, weir_stream* stream) const;

 private:
  enum class Kind : std::uint8_t { kPresent, kExact, kPrefix, kSuffix, kContains, kPathOnly };

  bool LoadPattern(const sdk::ConfigNode& entry);
  bool Compare(std::string_view value) const;

  Kind kind_ = Kind::kPresent;
  bool ignore_case_ = false;
  bool invert_ = false;
  bool present_ = true;  // kPresent: what is wanted
  bool missing_is_empty_ = false;
  std::string name_;
  std::string pattern_;  // lower case when case is ignored
};

}  // namespace weir::filters
