#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/random.h"
#include "plugins/abi/weir.h"

namespace weir::sim {

// Each of its hooks does by chance what a hook may do: goes on, stops and resumes later, buffers,
// replies, resets, adds a field.
extern const weir_http_filter_api kChanceFilterApi;

// What the filters of the present run draw from, and how bold they are.
struct ChanceContext {
  base::Random* random = nullptr;
  bool replies = false;  // local replies and resets
  std::function<void(const std::string&)> trace;
};
void SetChance(ChanceContext* context);
// Resumes some of what was stopped. True: something was.
bool ResumeSome();
bool AnythingStopped();
// The run is over: late resumes go to streams that have ended.
void ResumeAll();

}  // namespace weir::sim
