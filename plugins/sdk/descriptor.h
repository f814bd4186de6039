#pragma once

#include <cstddef>
#include <cstdint>

#include "plugins/abi/weir.h"

namespace weir::sdk {

// The descriptor of a plugin with these extensions, for `extern "C" WEIR_PLUGIN(id) = ...`: members
// that a later header adds are empty without a change here. All of it must live as long as the
// program.
template <std::size_t n>
constexpr weir_plugin_descriptor Descriptor(const char* name, const char* version,
                                            const weir_extension (&extensions)[n],
                                            std::int32_t (*init)(const weir_host*, char*,
                                                                 std::size_t) = nullptr) {
  weir_plugin_descriptor descriptor{};
  descriptor.magic = WEIR_ABI_MAGIC;
  descriptor.abi_major = WEIR_ABI_MAJOR;
  descriptor.abi_minor = WEIR_ABI_MINOR;
  descriptor.struct_size = sizeof(weir_plugin_descriptor);
  descriptor.extension_count = static_cast<std::uint32_t>(n);
  descriptor.name = name;
  descriptor.version = version;
  descriptor.extensions = extensions;
  descriptor.init = init;
  return descriptor;
}

}  // namespace weir::sdk
