#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weir::plugins {

// The plain numbers at the front of a weir_plugin_descriptor, as they stand in the file. They carry
// no relocation, so they can be read without running or even mapping the plugin.
struct DescriptorHead {
  std::uint32_t magic = 0;
  std::uint16_t abi_major = 0;
  std::uint16_t abi_minor = 0;
  std::uint32_t struct_size = 0;
  std::uint32_t extension_count = 0;
};

// What could be learned about a plugin file by reading it.
struct ElfReport {
  // Why the file cannot be a plugin of this process, in words; empty when nothing speaks against
  // it.
  std::string problem;
  // The head of the exported descriptor. Absent when the file has no section table to find it by;
  // then only the dynamic linker can tell.
  std::optional<DescriptorHead> descriptor;
};

// Looks at the file before the dynamic linker does. dlopen maps a truncated file and dies of SIGBUS
// when it touches what is missing, and it runs the constructors of whatever it is given: so length,
// kind and machine are checked here, every loaded segment must lie inside the file, and a file
// without the symbol `weir_plugin` is refused before any of its code runs.
ElfReport InspectElfFile(const std::string& path);

}  // namespace weir::plugins
