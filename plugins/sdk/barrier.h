#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "plugins/abi/weir.h"
#include "plugins/sdk/view.h"

namespace weir::sdk {

// Runs a hook so that no exception leaves the plugin: it becomes a log line with the plugin's name
// and the hook's answer `failed`, which the host takes as "fail closed".
template <typename Result, typename Call>
Result Barrier(const weir_host* host, std::string_view name, const char* hook, Result failed,
               Call&& call) noexcept {
#ifdef __cpp_exceptions
  try {
    return call();
  } catch (const std::exception& error) {
    try {
      const std::string line = std::string(hook) + " has thrown: " + error.what();
      host->log(WEIR_LOG_ERROR, View(name), View(line));
    } catch (...) {
      host->log(WEIR_LOG_ERROR, View(name), View(hook));
    }
  } catch (...) {
    host->log(WEIR_LOG_ERROR, View(name), View("a hook has thrown what is no std::exception"));
  }
  return failed;
#else
  (void)host, (void)name, (void)hook, (void)failed;
  return call();
#endif
}

// The same for hooks that answer nothing.
template <typename Call>
void VoidBarrier(const weir_host* host, std::string_view name, const char* hook,
                 Call&& call) noexcept {
  Barrier(host, name, hook, 0, [&] {
    call();
    return 0;
  });
}

}  // namespace weir::sdk
