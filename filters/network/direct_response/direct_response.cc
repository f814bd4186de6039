#include "filters/network/direct_response/direct_response.h"

#include <memory>
#include <new>
#include <string>

#include "plugins/sdk/config_node.h"
#include "plugins/sdk/view.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

constexpr std::size_t kMaxResponse = 1 << 20;

struct Config {
  const weir_network_api* network = nullptr;
  std::string response;
};

bool Load(const ConfigNode& root, Config* config) {
  if (!root || root.IsNull()) return true;  // an empty answer: connect, and be closed
  if (!root.ExpectMap("direct_response")) return false;
  const ConfigNode response = root.Get("response");
  if (!response) return true;
  bool ok = true;
  if (response.IsMap()) {
    for (const char* key : {"filename", "inline_bytes", "environment_variable"}) {
      ok = response.Refuse(key, "is not available: use inline_string") && ok;
    }
    const ConfigNode text = response.Get("inline_string");
    if (!text) return ok && response.Fail("response needs inline_string");
    ok = text.Read(&config->response) && ok;
  } else {
    ok = response.Read(&config->response);
  }
  return ok && (config->response.size() <= kMaxResponse ||
                response.Fail("a response of more than 1048576 bytes"));
}

void* ConfigNew(const weir_host* host, const weir_network_api* network, const weir_node* node) {
  const ConfigNode root(host, node);
  try {
    auto config = std::make_unique<Config>();
    config->network = network;
    return Load(root, config.get()) ? config.release() : nullptr;
  } catch (const std::bad_alloc&) {
    root.Fail("no memory is left");
    return nullptr;
  }
}

void ConfigFree(void* config) {
  delete static_cast<Config*>(config);
}

struct State {
  const Config* config;
};

std::int32_t Create(void* self, void* config, weir_connection*) {
  static_cast<State*>(self)->config = static_cast<const Config*>(config);
  return WEIR_OK;
}

std::int32_t NewConnection(void* self, weir_connection* connection) {
  const Config& config = *static_cast<const State*>(self)->config;
  if (!config.response.empty()) {
    const std::int32_t status =
        config.network->write(connection, sdk::View(config.response), /*end_stream=*/0);
    if (status < 0) return status;
  }
  config.network->close(connection, /*flush=*/1);
  return WEIR_STOP;
}

// Whatever the client says is dropped: bytes left unread would turn the close into a reset, and the
// reset could overtake the answer.
std::int32_t Data(void* self, weir_connection* connection, std::uint32_t) {
  const Config& config = *static_cast<const State*>(self)->config;
  config.network->drain(connection, config.network->data_size(connection));
  return WEIR_STOP;
}

}  // namespace

const weir_network_filter_api kNetworkDirectResponseApi = {
    .struct_size = sizeof(weir_network_filter_api),
    .flags = WEIR_NETWORK_TERMINAL,
    .state_size = sizeof(State),
    .reserved = 0,
    .config_new = ConfigNew,
    .config_free = ConfigFree,
    .create = Create,
    .destroy = nullptr,
    .new_connection = NewConnection,
    .data = Data,
    .writable = nullptr,
    .drain = nullptr,
};

}  // namespace weir::filters
