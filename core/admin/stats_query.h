#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/admin/query.h"

namespace weir::admin {

// Which stats a request wants: usedonly (leaves out what is 0) and filter=REGEX (a part of the name
// must match).
struct StatsQuery {
  Query query;
  NameFilter filter;
  bool used_only = false;

  // Empty, or what is wrong.
  std::string Parse(std::string_view text, std::initializer_list<std::string_view> known) {
    std::string error = query.Parse(text, known);
    if (!error.empty()) return error;
    used_only = query.Flag("usedonly", &error);
    return error.empty() ? filter.Set(query.Get("filter")) : error;
  }
  bool Keeps(const std::string& name, uint64_t value) const {
    return !(used_only && value == 0) && filter.Keeps(name);
  }
};

}  // namespace weir::admin
