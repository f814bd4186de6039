#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace weir::filters {

// A regular expression over bytes (Latin-1) whose match takes time linear in the text. Immutable;
// any thread.
class Regex {
 public:
  ~Regex();
  // Null, with *error set, for what is no pattern or too large a one.
  static std::unique_ptr<const Regex> Compile(const std::string& pattern, bool ignore_case,
                                              std::string* error);
  // Whether the whole text matches.
  bool Matches(std::string_view text) const;

 private:
  explicit Regex(std::unique_ptr<re2::RE2> regex);
  std::unique_ptr<re2::RE2> regex_;
};

}  // namespace weir::filters
