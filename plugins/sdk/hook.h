#pragma once

#include <stdexcept>
#include <type_traits>

namespace weir::sdk {

// What stands in a base class in the place of a hook that the filter does not define.
struct NoHook {};

// Whether a filter class defines a hook. One that the SDK cannot call is a mistake, and not the
// same as none: a filter that is never asked lets everything go by.
#define WEIR_SDK_HAS_HOOK(Class, Hook)                                                   \
  ([] {                                                                                  \
    static_assert(                                                                       \
        requires { &Class::Hook; }, #Hook " must be public and must not be overloaded"); \
    return !std::is_same_v<decltype(&Class::Hook), const ::weir::sdk::NoHook*>;          \
  }())

// A filter has its configuration and its stream or connection from OnCreate on.
[[noreturn]] inline void FailTooEarly() {
#ifdef __cpp_exceptions
  throw std::logic_error("a filter's constructor used what it has from OnCreate on");
#else
  __builtin_trap();
#endif
}

}  // namespace weir::sdk
