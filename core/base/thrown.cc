#include "core/base/thrown.h"

#include <exception>

#include <dlfcn.h>

namespace weir::base {

std::string ThrownText() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "no std::exception";
  }
}

std::string FileOfCode(const void* code) {
  Dl_info from{};
  const bool known = dladdr(code, &from) != 0 && from.dli_fname != nullptr;
  return known ? from.dli_fname : "(a plugin)";
}

}  // namespace weir::base
