#include "codecs/h2/counters.h"

#include <cstddef>
#include <string>

namespace weir::h2 {
namespace {

// Written once, before there are other threads.
uint32_t counters[kGuardCount + 1];
uint32_t trailers_counter;

constexpr const char* kDetails[] = {"",
#define WEIR_H2_GUARD_DETAIL_(enumerator, name, attack) "http2." name,
                                    WEIR_H2_GUARDS(WEIR_H2_GUARD_DETAIL_)
#undef WEIR_H2_GUARD_DETAIL_
};

}  // namespace

void DefineCounters(const weir_host* host) {
  if (host->counter == nullptr) return;
  for (size_t i = 1; i <= kGuardCount; ++i) {
    const std::string name = std::string("h2.guard.") + Name(static_cast<GuardId>(i));
    counters[i] = host->counter({name.data(), name.size()});
  }
  trailers_counter = host->counter({"h2.trailers_too_large", 21});
}

uint32_t GuardCounter(GuardId id) {
  return counters[static_cast<size_t>(id)];
}

uint32_t TrailersCounter() {
  return trailers_counter;
}

const char* DetailOf(GuardId id) {
  return kDetails[static_cast<size_t>(id)];
}

}  // namespace weir::h2
