#pragma once

#include <cstdint>

namespace weir::server {

// An exception has left `what` of a plugin: counts it, and writes a line. Any thread.
void CountThrown(const char* what);
// How many there were.
uint64_t ThrownSoFar();

// Calls a hook of which the host does not know whose it is. No exception may leave a plugin; one
// that does all the same must not end the process, as far as the two sides share their runtime
// library. False: one did.
template <class Call>
bool PluginBarrier(const char* what, Call call) {
  try {
    call();
    return true;
  } catch (...) {
    CountThrown(what);
    return false;
  }
}

}  // namespace weir::server
