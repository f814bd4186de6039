#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "filters/http/common/cidr_range.h"
#include "filters/http/common/header_matcher.h"
#include "filters/http/common/string_matcher.h"
#include "filters/http/rbac/rule.h"
#include "plugins/util/cidr_trie.h"

namespace weir::filters::rbac {

class AnyRule final : public Rule {
 public:
  bool Matches(const Subject&) const override { return true; }
};

class HeaderRule final : public Rule {
 public:
  explicit HeaderRule(Side side) {
    matcher_.set_repeats(side == Side::kLetsIn ? HeaderMatcher::Repeats::kAll
                                               : HeaderMatcher::Repeats::kAny);
  }
  bool Load(const sdk::ConfigNode& node) { return matcher_.Load(node); }
  bool Matches(const Subject& subject) const override {
    return subject.http() != nullptr && matcher_.Matches(*subject.http(), subject.stream());
  }

 private:
  HeaderMatcher matcher_;
};

// {path: string matcher}, on the path without its query.
class PathRule final : public Rule {
 public:
  bool Load(const sdk::ConfigNode& node);
  bool Matches(const Subject& subject) const override { return path_.Matches(subject.path()); }

 private:
  StringMatcher path_;
};

// Whether an address is in one of any number of prefixes. What is no IP address is in none.
class AddressRule final : public Rule {
 public:
  explicit AddressRule(Address which) : which_(which) {}
  bool Load(const sdk::ConfigNode& node);
  // Takes over what the other has, which looks at the same address.
  bool Merge(const AddressRule& other);
  bool Matches(const Subject& subject) const override;

 private:
  Address which_;
  std::vector<CidrRange> ranges_;
  util::CidrTrie trie_;
};

// The port of ours that the client came to, from `first` to `last`.
class PortRule final : public Rule {
 public:
  bool LoadPort(const sdk::ConfigNode& node);
  bool LoadRange(const sdk::ConfigNode& node);
  bool Matches(const Subject& subject) const override;

 private:
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
};

// The name that the client's TLS asked for; an empty one where there is none.
class ServerNameRule final : public Rule {
 public:
  bool Load(const sdk::ConfigNode& node) {
    return name_.Load(node, StringMatcher::Letters::kNoCase);
  }
  bool Matches(const Subject& subject) const override {
    return name_.Matches(subject.Attribute(WEIR_ATTR_REQUESTED_SERVER_NAME));
  }

 private:
  StringMatcher name_;
};

// A verified client certificate, with a name or with any: one of its URI names, one of its DNS
// names, or its subject.
class AuthenticatedRule final : public Rule {
 public:
  bool Load(const sdk::ConfigNode& node);
  bool Matches(const Subject& subject) const override;

 private:
  bool OneOf(std::string_view names) const;

  bool any_ = true;
  StringMatcher name_;
};

// {filter, path: [{key}], value: {string_match | present_match | bool_match}, invert}.
class MetadataRule final : public Rule {
 public:
  bool Load(const sdk::ConfigNode& node);
  bool Matches(const Subject& subject) const override;

 private:
  bool LoadKey(const sdk::ConfigNode& path);
  bool LoadValue(const sdk::ConfigNode& value);

  std::string space_;
  std::string key_;
  bool by_presence_ = false;
  bool present_ = true;
  bool invert_ = false;
  StringMatcher value_;
};

}  // namespace weir::filters::rbac
