#pragma once

#include <cstdint>
#include <string>

#include "core/base/thrown.h"

// No exception may leave a plugin; one that does all the same must not end the process, as far as
// the two sides share their runtime library. Filters' chains and codecs' connections have barriers
// of their own, which count for their plugin (plugin.<name>.errors); these are for what belongs to
// none of them, and count in plugins.threw.

namespace weir::server {

// An exception, which says `text`, has left `what` of this plugin: counts it, and writes a line.
// Any thread.
void CountThrown(const std::string& plugin, const char* what, const std::string& text);
// How many there were.
uint64_t ThrownSoFar();

// Calls a hook of this plugin. False: an exception left it.
template <class Call>
bool PluginBarrier(const char* plugin, const char* what, Call call) {
  try {
    call();
    return true;
  } catch (...) {
    CountThrown(plugin, what, base::ThrownText());
    return false;
  }
}

// Calls a hook of which the host does not know whose it is: the line names the file of `hook`.
template <class Hook, class Call>
bool LatePluginBarrier(Hook* hook, const char* what, Call call) {
  try {
    call();
    return true;
  } catch (...) {
    CountThrown(base::FileOfCode(reinterpret_cast<const void*>(hook)), what, base::ThrownText());
    return false;
  }
}

}  // namespace weir::server
