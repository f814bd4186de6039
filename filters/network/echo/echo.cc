#include "filters/network/echo/echo.h"

#include <new>

#include "plugins/sdk/config_node.h"

namespace weir::filters {
namespace {

struct Config {
  const weir_network_api* network;
};

struct State {
  const weir_network_api* network;
  std::uint32_t ending;  // the client has ended its half; ours ends with the last byte
};

void* ConfigNew(const weir_host* host, const weir_network_api* network, const weir_node* node) {
  const sdk::ConfigNode root(host, node);
  // A mapping is looked at by the host: every key in it is unknown.
  if (root && !root.IsNull() && !root.ExpectMap("echo")) return nullptr;
  auto* config = new (std::nothrow) Config{network};
  if (config == nullptr) root.Fail("no memory is left");
  return config;
}

void ConfigFree(void* config) {
  delete static_cast<Config*>(config);
}

std::int32_t Create(void* self, void* config, weir_connection*) {
  static_cast<State*>(self)->network = static_cast<const Config*>(config)->network;
  return WEIR_OK;
}

// Moves what was received to the output. While the output is over its limit the bytes stay where
// they are: that stops the reading, and `writable` brings us back.
std::int32_t Move(State* state, weir_connection* connection) {
  const weir_network_api& network = *state->network;
  const std::uint64_t size = network.data_size(connection);
  if (size > 0) {
    const std::int32_t status = network.write_received(connection, size);
    if (status == WEIR_NO_ROOM) return WEIR_STOP;
    if (status < 0) return status;
  }
  if (state->ending == 0) return WEIR_STOP;
  state->ending = 0;
  const std::int32_t status = network.write(connection, {nullptr, 0}, /*end_stream=*/1);
  return status < 0 ? status : WEIR_STOP;
}

std::int32_t Data(void* self, weir_connection* connection, std::uint32_t end_stream) {
  auto* state = static_cast<State*>(self);
  if (end_stream != 0) state->ending = 1;
  return Move(state, connection);
}

void Writable(void* self, weir_connection* connection) {
  auto* state = static_cast<State*>(self);
  if (Move(state, connection) < 0) state->network->close(connection, /*flush=*/0);
}

}  // namespace

const weir_network_filter_api kEchoApi = {
    .struct_size = sizeof(weir_network_filter_api),
    .flags = WEIR_NETWORK_TERMINAL,
    .state_size = sizeof(State),
    .reserved = 0,
    .config_new = ConfigNew,
    .config_free = ConfigFree,
    .create = Create,
    .destroy = nullptr,
    .new_connection = nullptr,
    .data = Data,
    .writable = Writable,
    .drain = nullptr,
};

}  // namespace weir::filters
