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

RouteMismatch Route::Compare(const RequestView& request, std::string_view path) const {
  using Kind = config::RouteMatch::Kind;
  const config::RouteMatch& match = config_->match;
  if (match.kind == Kind::kConnect || request.connect) {
    if (match.kind != Kind::kConnect) return RouteMismatch::kIsConnect;
    return request.connect ? RouteMismatch::kNone : RouteMismatch::kTakesConnect;
  }
  const std::string_view value = match.value;
  if (match.kind == Kind::kSafeRegex)
    return regex_->Matches(path) ? RouteMismatch::kNone : RouteMismatch::kOtherPattern;
  const bool starts = StartsWith(path, value, match.case_sensitive);
  if (match.kind == Kind::kPath)
    return starts && path.size() == value.size() ? RouteMismatch::kNone : RouteMismatch::kOtherPath;
  if (!starts) return RouteMismatch::kOtherPrefix;
  const bool inside = match.kind == Kind::kPathSeparatedPrefix && path.size() != value.size() &&
                      path[value.size()] != '/';
  return inside ? RouteMismatch::kInsideSegment : RouteMismatch::kNone;
}

}  // namespace weir::http
