#pragma once

#include <string>
#include <string_view>

#include "plugins/abi/weir.h"
#include "plugins/loader/elf_file.h"

namespace weir::plugins {

// A plugin with more extensions than this is taken for garbage.
inline constexpr std::uint32_t kMaxExtensions = 256;
// The longest name of a plugin or extension.
inline constexpr std::size_t kMaxNameSize = 64;
// The most state that a filter may ask for, per stream or connection (weir.h).
inline constexpr std::uint32_t kMaxStateSize = 1024;
// The most of a connection's first bytes that a listener filter may ask for (weir.h).
inline constexpr std::uint32_t kMaxListenerReadBytes = 65536;

// [a-z0-9_.]+, at most kMaxNameSize bytes. Such a name can hold no path separator.
bool ValidExtensionName(std::string_view name);

// "codec", "network filter", "HTTP filter", "listener filter", "access logger", or "extension" for
// a kind that is not known.
const char* KindName(std::uint32_t kind);

// "1.0", or "1.0-rc2" (weir.h, WEIR_ABI_MINOR).
std::string AbiVersion(std::uint16_t major, std::uint16_t minor);

// Each answers why the plugin must be refused, in words, or nothing when it is right.
//
// The numbers at the front: magic, major version, candidate and size.
std::string CheckDescriptorHead(const DescriptorHead& head,
                                std::uint16_t host_minor = WEIR_ABI_MINOR);
// All of the descriptor: what CheckDescriptorHead asks, then names, and every extension's kind,
// name, table size, mandatory hooks and state size. A kind that is not known is accepted (and is to
// be skipped) when the plugin's minor version is newer than this host's, refused otherwise.
std::string CheckDescriptor(const weir_plugin_descriptor& descriptor);

}  // namespace weir::plugins
