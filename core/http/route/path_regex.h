// A regular expression that must match a whole path. The only place that knows RE2.
//
// Latin-1: a byte is a character, so '.' matches each of them and no path is outside the
// expression's reach. Time is linear in the path; the compiled program and the memory it may use
// are bounded. RE2 keeps a cache in the expression under a lock of its own, so Matches is safe from
// any thread and, once warm, allocates nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace weir::http {

class PathRegex {
 public:
  // Instructions of the compiled program, about one for each byte that a pattern can consume:
  // ".{200}" has some 200. The worst case of a match is this times the path's length.
  static constexpr int kMaxProgramSize = 10'000;
  // Of the program and of the cache that matching builds up.
  static constexpr size_t kMaxMemory = 1 << 20;

  // Null when the pattern is wrong or too large; `*error` then says why. Config time only.
  static std::unique_ptr<const PathRegex> Compile(std::string_view pattern, std::string* error);

  ~PathRegex();
  PathRegex(const PathRegex&) = delete;
  PathRegex& operator=(const PathRegex&) = delete;

  bool Matches(std::string_view path) const;

 private:
  explicit PathRegex(std::unique_ptr<re2::RE2> regex);

  std::unique_ptr<re2::RE2> regex_;
};

}  // namespace weir::http
