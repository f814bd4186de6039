#pragma once

#include <cstdint>
#include <string>

#include "core/explain/explanation.h"

namespace weir::explain {

// The explanation for programs; docs/explain.md says what its keys mean. Keys are only ever added.
std::string PrintJson(const Explanation& explanation, int64_t now);

}  // namespace weir::explain
