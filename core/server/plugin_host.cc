#include "core/server/plugin_host.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include <openssl/rand.h>
#include <openssl/sha.h>

#include "core/base/log.h"
#include "core/config/abi_node.h"

namespace weir::server {
namespace {

observe::StatRegistry* registry_of_host = nullptr;
thread_local observe::StatBlock* thread_stats = nullptr;

std::string_view Text(weir_view view) {
  return view.size == 0 ? std::string_view() : std::string_view(view.data, view.size);
}

void Log(uint32_t level, weir_view plugin, weir_view message) {
  const auto known = static_cast<base::LogLevel>(std::min<uint32_t>(level, WEIR_LOG_ERROR));
  if (!base::LogEnabled(known)) return;
  std::string line(Text(plugin));
  line += ": ";
  line += Text(message);
  base::LogLine(known, line);
}

uint32_t Counter(weir_view name) {
  if (name.size == 0) return 0;
  return registry_of_host->Define("plugin." + std::string(Text(name)), observe::StatKind::kCounter)
      .index;
}

void Count(uint32_t id, uint64_t add) {
  if (id != 0 && thread_stats != nullptr) thread_stats->Get({id})->Add(add);
}

void Random(uint8_t* out, size_t size) {
  // A plugin asks for keys and masks: without randomness there is no safe way on.
  if (RAND_bytes(out, static_cast<int>(size)) != 1) std::abort();
}

void Sha1(const uint8_t* in, size_t size, uint8_t out[20]) {
  SHA1(in, size, out);
}

}  // namespace

const weir_host* MakePluginHost(observe::StatRegistry* registry) {
  registry_of_host = registry;
  thread_stats = registry->main_block();
  static weir_host host;
  host.struct_size = offsetof(weir_host, sha256);
  host.abi_minor = WEIR_ABI_MINOR;
  host.config = config::AbiConfigApi();
  host.log = &Log;
  host.counter = &Counter;
  host.count = &Count;
  host.random = &Random;
  host.sha1 = &Sha1;
  return &host;
}

void SetThreadStats(observe::StatBlock* block) {
  thread_stats = block;
}

}  // namespace weir::server
