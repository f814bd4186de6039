#include "plugins/loader/descriptor_check.h"

#include <algorithm>
#include <cstring>

namespace weir::plugins {
namespace {

// One row per hook that the host calls without asking whether it is there.
struct MandatoryHook {
  const char* name;
  std::size_t offset;
};

#define WEIR_HOOK(table, member)     \
  MandatoryHook {                    \
#member, offsetof(table, member) \
  }

constexpr MandatoryHook kCodecHooks[] = {
    WEIR_HOOK(weir_codec_api, create),   WEIR_HOOK(weir_codec_api, destroy),
    WEIR_HOOK(weir_codec_api, receive),  WEIR_HOOK(weir_codec_api, adopt),
    WEIR_HOOK(weir_codec_api, open),     WEIR_HOOK(weir_codec_api, send_head),
    WEIR_HOOK(weir_codec_api, ready),    WEIR_HOOK(weir_codec_api, consumed),
    WEIR_HOOK(weir_codec_api, reset),    WEIR_HOOK(weir_codec_api, produce),
    WEIR_HOOK(weir_codec_api, goaway),   WEIR_HOOK(weir_codec_api, capacity),
    WEIR_HOOK(weir_codec_api, reusable),
};
constexpr MandatoryHook kHttpHooks[] = {WEIR_HOOK(weir_http_filter_api, config_new)};
constexpr MandatoryHook kNetworkHooks[] = {WEIR_HOOK(weir_network_filter_api, config_new)};
constexpr MandatoryHook kListenerHooks[] = {WEIR_HOOK(weir_listener_filter_api, config_new)};
constexpr MandatoryHook kLoggerHooks[] = {WEIR_HOOK(weir_access_logger_api, config_new),
                                          WEIR_HOOK(weir_access_logger_api, log)};

#undef WEIR_HOOK

// Function pointers stand in the tables as plain words; null is all zeroes on every ABI we run on.
bool HookIsNull(const void* table, std::size_t offset) {
  void* hook = nullptr;
  std::memcpy(&hook, static_cast<const char*>(table) + offset, sizeof hook);
  return hook == nullptr;
}

// How large each table was in version 1.0: up to the end of the member that was its last one. Never
// sizeof: a later minor version lets tables grow, and a plugin built before that has the small
// ones, which its host must take (and ask with WEIR_HAS for what came later). So these stay as they
// are.
#define WEIR_SIZE_1_0(table, last) (offsetof(table, last) + sizeof(table::last))

constexpr std::size_t kDescriptorSize = WEIR_SIZE_1_0(weir_plugin_descriptor, fini);
constexpr std::size_t kCodecSize = WEIR_SIZE_1_0(weir_codec_api, probe);
constexpr std::size_t kHttpSize = WEIR_SIZE_1_0(weir_http_filter_api, complete);
constexpr std::size_t kNetworkSize = WEIR_SIZE_1_0(weir_network_filter_api, drain);
constexpr std::size_t kListenerSize = WEIR_SIZE_1_0(weir_listener_filter_api, data);
constexpr std::size_t kLoggerSize = WEIR_SIZE_1_0(weir_access_logger_api, log);

#undef WEIR_SIZE_1_0

template <typename Table, std::size_t N>
std::string CheckTable(const Table& table, std::size_t size, const MandatoryHook (&hooks)[N]) {
  if (table.struct_size < size) {
    return "has a table of " + std::to_string(table.struct_size) + " bytes, needed are " +
           std::to_string(size);
  }
  if (table.struct_size > 65536) {
    return "has a table of " + std::to_string(table.struct_size) + " bytes, which cannot be";
  }
  for (const MandatoryHook& hook : hooks) {
    if (HookIsNull(&table, hook.offset)) return std::string("has no ") + hook.name;
  }
  return {};
}

std::string CheckState(std::uint32_t size) {
  if (size <= kMaxStateSize) return {};
  return "asks for a state of " + std::to_string(size) + " bytes, allowed are " +
         std::to_string(kMaxStateSize);
}

std::string CheckCodec(const weir_codec_api& api) {
  std::string reason = CheckTable(api, kCodecSize, kCodecHooks);
  if (reason.empty() && (api.deadline == nullptr) != (api.tick == nullptr)) {
    reason = api.tick == nullptr ? "has a deadline but no tick" : "has a tick but no deadline";
  }
  return reason;
}

std::string CheckHttpFilter(const weir_http_filter_api& api) {
  std::string reason = CheckTable(api, kHttpSize, kHttpHooks);
  if (reason.empty()) reason = CheckState(api.state_size);
  if (reason.empty() && api.state_size > 0 && api.create == nullptr) {
    reason = "has a state but no create";
  }
  // Without any hook it does nothing, which a filter that is only begun may do.
  return reason;
}

std::string CheckNetworkFilter(const weir_network_filter_api& api) {
  std::string reason = CheckTable(api, kNetworkSize, kNetworkHooks);
  if (reason.empty()) reason = CheckState(api.state_size);
  if (reason.empty() && api.state_size > 0 && api.create == nullptr) {
    reason = "has a state but no create";
  }
  if (reason.empty() && !api.new_connection && !api.data) reason = "has no hook at all";
  return reason;
}

std::string CheckListenerFilter(const weir_listener_filter_api& api) {
  std::string reason = CheckTable(api, kListenerSize, kListenerHooks);
  if (reason.empty()) reason = CheckState(api.state_size);
  if (!reason.empty()) return reason;
  if (api.state_size > 0 && api.create == nullptr) return "has a state but no create";
  if (api.max_read_bytes > kMaxListenerReadBytes) {
    return "wants to see " + std::to_string(api.max_read_bytes) + " bytes, allowed are " +
           std::to_string(kMaxListenerReadBytes);
  }
  if (api.max_read_bytes == 0 && api.data != nullptr) return "has a data hook but wants no byte";
  if (api.max_read_bytes > 0 && api.data == nullptr) return "wants bytes but has no data hook";
  if (api.create == nullptr && api.data == nullptr) return "has no hook at all";
  return {};
}

std::string CheckAccessLogger(const weir_access_logger_api& api) {
  return CheckTable(api, kLoggerSize, kLoggerHooks);
}

std::string CheckApi(const weir_extension& extension) {
  if (extension.api == nullptr) return "has no table";
  switch (extension.kind) {
    case WEIR_KIND_CODEC:
      return CheckCodec(*static_cast<const weir_codec_api*>(extension.api));
    case WEIR_KIND_NETWORK_FILTER:
      return CheckNetworkFilter(*static_cast<const weir_network_filter_api*>(extension.api));
    case WEIR_KIND_LISTENER_FILTER:
      return CheckListenerFilter(*static_cast<const weir_listener_filter_api*>(extension.api));
    case WEIR_KIND_ACCESS_LOGGER:
      return CheckAccessLogger(*static_cast<const weir_access_logger_api*>(extension.api));
    default:
      return CheckHttpFilter(*static_cast<const weir_http_filter_api*>(extension.api));
  }
}

bool KnownKind(std::uint32_t kind) {
  return kind >= WEIR_KIND_CODEC && kind <= WEIR_KIND_ACCESS_LOGGER;
}

// The name, or an empty view when it is null or does not end within the longest length.
std::string_view BoundedName(const char* name) {
  if (name == nullptr) return {};
  const std::size_t size = ::strnlen(name, kMaxNameSize + 1);
  return size > kMaxNameSize ? std::string_view() : std::string_view(name, size);
}

unsigned MinorOf(std::uint16_t abi_minor) {
  return abi_minor & 0xffu;
}

std::string CheckExtension(const weir_plugin_descriptor& descriptor, std::uint32_t index) {
  const weir_extension& extension = descriptor.extensions[index];
  const std::string_view name = BoundedName(extension.name);
  if (!ValidExtensionName(name)) {
    return "extension " + std::to_string(index) +
           " has no valid name (1 to 64 characters a-z 0-9 _ . are allowed)";
  }
  const std::string subject = std::string(KindName(extension.kind)) + " " + std::string(name) + " ";
  if (!KnownKind(extension.kind)) {
    if (MinorOf(descriptor.abi_minor) > MinorOf(WEIR_ABI_MINOR)) return {};
    return subject + "is of kind " + std::to_string(extension.kind) + ", which is not known";
  }
  const std::string reason = CheckApi(extension);
  if (!reason.empty()) return subject + reason;
  for (std::uint32_t other = 0; other < index; ++other) {
    const weir_extension& earlier = descriptor.extensions[other];
    if (earlier.kind == extension.kind && BoundedName(earlier.name) == name) {
      return subject + "stands in it twice";
    }
  }
  return {};
}

}  // namespace

bool ValidExtensionName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameSize) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

const char* KindName(std::uint32_t kind) {
  switch (kind) {
    case WEIR_KIND_CODEC:
      return "codec";
    case WEIR_KIND_NETWORK_FILTER:
      return "network filter";
    case WEIR_KIND_HTTP_FILTER:
      return "HTTP filter";
    case WEIR_KIND_LISTENER_FILTER:
      return "listener filter";
    case WEIR_KIND_ACCESS_LOGGER:
      return "access logger";
    default:
      return "extension";
  }
}

std::string AbiVersion(std::uint16_t major, std::uint16_t minor) {
  const unsigned candidate = minor >> 8;
  return std::to_string(major) + "." + std::to_string(MinorOf(minor)) +
         (candidate == 0 ? "" : "-rc" + std::to_string(candidate));
}

std::string CheckDescriptorHead(const DescriptorHead& head, std::uint16_t host_minor) {
  if (head.magic != WEIR_ABI_MAGIC) {
    return "is no plugin: its descriptor does not begin with the magic number";
  }
  // A candidate may change what another one had, so none stands for another, nor for the release.
  if (head.abi_major != WEIR_ABI_MAJOR || (head.abi_minor >> 8) != (host_minor >> 8)) {
    return "is built for ABI " + AbiVersion(head.abi_major, head.abi_minor) + ", this host has " +
           AbiVersion(WEIR_ABI_MAJOR, host_minor);
  }
  if (head.struct_size < kDescriptorSize) {
    return "has a descriptor of " + std::to_string(head.struct_size) + " bytes, needed are " +
           std::to_string(kDescriptorSize);
  }
  if (head.extension_count == 0 || head.extension_count > kMaxExtensions) {
    return "has " + std::to_string(head.extension_count) + " extensions, 1 to " +
           std::to_string(kMaxExtensions) + " are possible";
  }
  return {};
}

std::string CheckDescriptor(const weir_plugin_descriptor& descriptor) {
  std::string reason =
      CheckDescriptorHead({descriptor.magic, descriptor.abi_major, descriptor.abi_minor,
                           descriptor.struct_size, descriptor.extension_count});
  if (!reason.empty()) return reason;
  if (!ValidExtensionName(BoundedName(descriptor.name))) {
    return "has no valid plugin name (1 to 64 characters a-z 0-9 _ . are allowed)";
  }
  if (BoundedName(descriptor.version).empty()) return "has no version";
  if (descriptor.extensions == nullptr) return "has no table of extensions";
  for (std::uint32_t i = 0; i < descriptor.extension_count && reason.empty(); ++i) {
    reason = CheckExtension(descriptor, i);
  }
  return reason;
}

}  // namespace weir::plugins
