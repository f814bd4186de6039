#include "core/http/route/route.h"

namespace weir::http {
namespace {

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool StartsWith(std::string_view path, std::string_view prefix, bool case_sensitive) {
  if (case_sensitive) return path.starts_with(prefix);
  if (path.size() < prefix.size()) return false;
  for (size_t i = 0; i < prefix.size(); ++i) {
    if (Lower(path[i]) != Lower(prefix[i])) return false;
  }
  return true;
}

}  // namespace

const FilterOverride Route::kNoOverride;

bool Route::Matches(const RequestView& request, std::string_view path) const {
  using Kind = config::RouteMatch::Kind;
  const config::RouteMatch& match = config_->match;
  if (match.kind == Kind::kConnect || request.connect) {
    return match.kind == Kind::kConnect && request.connect;
  }
  const std::string_view value = match.value;
  switch (match.kind) {
    case Kind::kPath:
      return path.size() == value.size() && StartsWith(path, value, match.case_sensitive);
    case Kind::kPrefix:
      return StartsWith(path, value, match.case_sensitive);
    case Kind::kPathSeparatedPrefix:
      return StartsWith(path, value, match.case_sensitive) &&
             (path.size() == value.size() || path[value.size()] == '/');
    case Kind::kSafeRegex:
      return regex_->Matches(path);
    case Kind::kConnect:
      break;
  }
  return false;
}

}  // namespace weir::http
