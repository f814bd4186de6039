// List fields (RFC 9110 section 5.6.1), and the few of them that filters look into.
#pragma once

#include <cstddef>
#include <string_view>

#include "plugins/util/ascii.h"

namespace weir::util {

// Calls visit(entry) for each entry, empty ones left out. A comma inside of a quoted string divides
// as well: use it for lists of tokens.
template <typename Visit>
void ForEachEntry(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view entry = TrimOws(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (!entry.empty()) visit(entry);
  }
}

// Whether a token stands in the list, in any case; `lower` in lower case. Parameters do not count.
inline bool ListHas(std::string_view list, std::string_view lower) {
  bool has = false;
  ForEachEntry(list, [&](std::string_view entry) {
    has = has || EqualsLower(TrimOws(entry.substr(0, entry.find(';'))), lower);
  });
  return has;
}

}  // namespace weir::util
