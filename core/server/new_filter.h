#pragma once

#include <string>

namespace weir::server {

// `weir new-filter NAME --lang LANGUAGE`: writes a project of a plugin of its own into ./NAME, from
// templates that are linked in (plugins/templates).
struct NewFilter {
  std::string name;
  std::string language;  // c, c++ or rust
};

// Nothing, or why not, in words. Never touches a folder that is there already.
std::string CheckFilterName(const std::string& name);
std::string WriteNewFilter(const NewFilter& request, const std::string& parent);

// Prints what was done and what to do next; the program's exit code.
int RunNewFilter(const NewFilter& request);

}  // namespace weir::server
