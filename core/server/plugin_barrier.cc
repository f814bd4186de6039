#include "core/server/plugin_barrier.h"

#include <atomic>

#include "core/base/log.h"

namespace weir::server {
namespace {

// Helper threads have no stats of their own: whoever tends the host's stats shows it.
std::atomic<uint64_t> thrown{0};

}  // namespace

void CountThrown(const std::string& plugin, const char* what, const std::string& text) {
  thrown.fetch_add(1, std::memory_order_relaxed);
  WEIR_LOG_EVERY_SECOND(kError, "plugin %s: an exception left %s: %s", plugin.c_str(), what,
                        text.c_str());
}

uint64_t ThrownSoFar() {
  return thrown.load(std::memory_order_relaxed);
}

}  // namespace weir::server
