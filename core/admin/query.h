#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace weir::admin {

// What stands behind the "?" of a target, by a page's list of what it knows.
class Query {
 public:
  // Empty: the query is good; else what is wrong with it, as the body of a 400. A parameter that is
  // not in `known` is wrong, and so is one that stands there twice. Values are percent-decoded; a
  // "+" stays one.
  std::string Parse(std::string_view query, std::initializer_list<std::string_view> known);

  bool Has(std::string_view name) const { return values_.find(name) != values_.end(); }
  // Empty where the parameter is not there.
  const std::string& Get(std::string_view name) const;
  // format=json. `error` is set where the format is neither that nor "text".
  bool WantsJson(std::string* error) const;
  // A parameter without a value, "usedonly". `error` is set where it has one.
  bool Flag(std::string_view name, std::string* error) const;
  // A whole number from 1 to `max`; `otherwise` where the parameter is not there.
  uint32_t Number(std::string_view name, uint32_t otherwise, uint32_t max,
                  std::string* error) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// RFC 3986 section 2.1; none when a % is not followed by two hexadecimal digits.
std::optional<std::string> PercentDecoded(std::string_view text);

// A pattern of a query: names of which a part matches are kept. Bounded in length and memory, and
// in time by RE2.
class NameFilter {
 public:
  NameFilter();
  ~NameFilter();
  NameFilter(const NameFilter&) = delete;
  NameFilter& operator=(const NameFilter&) = delete;

  // Empty, or what is wrong with the pattern. An empty pattern keeps all names.
  std::string Set(const std::string& pattern);
  bool Keeps(const std::string& name) const;

 private:
  std::unique_ptr<re2::RE2> pattern_;
};

}  // namespace weir::admin
