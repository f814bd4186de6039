#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filters/http/common/header_matcher.h"
#include "plugins/sdk/config_node.h"
#include "plugins/sdk/http_stream.h"

namespace weir::filters::ratelimit {

inline constexpr std::size_t kMaxActions = 10;

struct Entry {
  std::string_view key;
  std::string_view value;
};

// What one request is, for the limits: keys and values. Lives within one hook.
struct Descriptor {
  std::size_t count = 0;
  std::array<Entry, kMaxActions> entries;
  char address[64];  // the text of an address, of which there is one at most
};

// One entry of a request's descriptor. Immutable after loading.
class Action {
 public:
  bool Load(const sdk::ConfigNode& node);
  bool is_address() const { return kind_ == Kind::kRemoteAddress || kind_ == Kind::kMaskedAddress; }

  enum class Result { kAdded, kNothing, kGivesUp };
  // kGivesUp: the request has no such thing, so that there is no descriptor.
  Result AddTo(const sdk::HttpStream& stream, Descriptor* descriptor) const;

 private:
  enum class Kind : std::uint8_t {
    kGenericKey,
    kRequestHeaders,
    kRemoteAddress,
    kMaskedAddress,
    kDestinationCluster,
    kHeaderValueMatch
  };
  bool LoadKind(Kind kind, const sdk::ConfigNode& node);
  bool LoadHeaderMatch(const sdk::ConfigNode& node);
  bool LoadMask(const sdk::ConfigNode& node);
  std::string_view AddressOf(const sdk::HttpStream& stream, Descriptor* descriptor) const;

  Kind kind_ = Kind::kGenericKey;
  bool skip_if_absent_ = false;
  bool expect_match_ = true;
  std::int64_t v4_bits_ = 32;
  std::int64_t v6_bits_ = 128;
  std::string key_;
  std::string value_;  // or the name of the request's field
  std::vector<HeaderMatcher> headers_;
};

// One item of `rate_limits`: actions that make one descriptor.
class Actions {
 public:
  bool Load(const sdk::ConfigNode& node);
  // False: the request has none.
  bool Make(const sdk::HttpStream& stream, Descriptor* descriptor) const;

 private:
  std::vector<Action> actions_;
};

}  // namespace weir::filters::ratelimit
