#pragma once

#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "plugins/abi/weir.h"
#include "plugins/sdk/barrier.h"
#include "plugins/sdk/config_load.h"
#include "plugins/sdk/hook.h"
#include "plugins/sdk/host.h"
#include "plugins/sdk/http_stream.h"
#include "plugins/sdk/late_calls.h"

namespace weir::sdk {

// A connection, as a network filter sees it. Valid until the filter's destructor.
class Connection {
 public:
  Connection(const weir_network_api* api, weir_connection* connection)
      : api_(api), connection_(connection) {}

  const weir_network_api* api() const { return api_; }
  weir_connection* handle() const { return connection_; }

  // What was received and not yet passed on or drained.
  std::uint64_t size() const { return api_->data_size(connection_); }
  // Contiguous bytes at an offset; empty at the end.
  std::string_view Piece(std::uint64_t offset) const {
    return Text(api_->data_piece(connection_, offset));
  }
  std::string ToString() const {
    std::string all;
    for (std::string_view piece; !(piece = Piece(all.size())).empty();) all.append(piece);
    return all;
  }
  void Drain(std::uint64_t size) const { api_->drain(connection_, size); }
  // Towards the client. False: no room, or the connection is closing.
  bool Write(std::string_view data, bool end_stream = false) const {
    return api_->write(connection_, View(data), end_stream ? 1 : 0) == WEIR_OK;
  }
  // Moves the first received bytes to the output.
  std::int32_t WriteReceived(std::uint64_t size) const {
    return api_->write_received(connection_, size);
  }
  std::uint64_t write_pending() const { return api_->write_pending(connection_); }
  // After the output is written; reset: at once.
  void Close(bool reset = false) const { api_->close(connection_, reset ? 0 : 1); }
  weir_ticket ticket() const { return api_->ticket(connection_); }
  // After kStop: later filters get what is buffered.
  bool Resume() const { return api_->resume(ticket()) == WEIR_OK; }

  std::string_view Attribute(std::uint32_t id) const {
    weir_view value{};
    return api_->attribute(connection_, id, &value) == WEIR_OK ? Text(value) : std::string_view();
  }
  std::optional<std::int64_t> Number(std::uint32_t id) const {
    std::int64_t value = 0;
    if (!WEIR_HAS(api_, number) || api_->number(connection_, id, &value) != WEIR_OK) {
      return std::nullopt;
    }
    return value;
  }
  std::optional<std::string_view> Metadata(std::string_view space, std::string_view key) const {
    weir_view value{};
    if (!WEIR_HAS(api_, metadata) ||
        api_->metadata(connection_, View(space), View(key), &value) != WEIR_OK) {
      return std::nullopt;
    }
    return Text(value);
  }

 private:
  const weir_network_api* api_;
  weir_connection* connection_;
};

// What NetworkFilter has in place of the hooks that a filter does not define.
struct NetworkHooks {
  static constexpr NoHook OnCreate{};
  static constexpr NoHook OnNewConnection{};
  static constexpr NoHook OnData{};
  static constexpr NoHook OnWritable{};
  static constexpr NoHook OnDrain{};
};

// The base of a network filter: one object per connection. As HttpFilter, with these hooks:
//
//   Status OnCreate();
//   Status OnNewConnection();          kContinue or kStop
//   Status OnData(bool end_stream);    kContinue or kStop
//   void OnWritable();                 the output fell below its low mark
//   void OnDrain();                    the proxy is going: finish and close
//
// A filter that nothing can follow declares `static constexpr std::uint32_t kFlags =
// WEIR_NETWORK_TERMINAL;`. Guard, remote and Offload are for calls that come later (late_calls.h).
template <typename Filter, typename ConfigType = NoConfig>
class NetworkFilter : public NetworkHooks, public LateCalls<Filter> {
 public:
  using Config = ConfigType;
  static constexpr std::uint32_t kFlags = 0;

  NetworkFilter(const NetworkFilter&) = delete;
  NetworkFilter& operator=(const NetworkFilter&) = delete;

  Connection connection() const { return {holder().api, connection_}; }
  const Config& config() const { return holder().config; }
  const Host& host() const { return holder().host; }

  // For LateCalls: a connection that a late call failed is reset.
  weir_ticket LateTicket() const { return connection().ticket(); }
  void FailLate() const { connection().Close(true); }

 protected:
  NetworkFilter() = default;
  ~NetworkFilter() = default;

 private:
  template <typename F>
  friend struct NetworkFilterThunks;
  const ConfigHolder<weir_network_api, Config>& holder() const {
    if (holder_ == nullptr) FailTooEarly();
    return *holder_;
  }
  const ConfigHolder<weir_network_api, Config>* holder_ = nullptr;
  weir_connection* connection_ = nullptr;
};

template <typename Filter>
struct NetworkFilterThunks {
  using Holder = ConfigHolder<weir_network_api, typename Filter::Config>;

  static Filter* Self(void* self) { return std::launder(static_cast<Filter*>(self)); }

  template <typename Call>
  static std::int32_t Hook(void* self, const char* name, Call&& call) {
    Filter* const filter = Self(self);
    static_assert(std::is_same_v<decltype(call(*filter)), Status>, "this hook answers a Status");
    return Barrier(filter->host().abi(), filter->host().name(), name, std::int32_t{WEIR_ERROR},
                   [&] { return static_cast<std::int32_t>(call(*filter)); });
  }
  static std::int32_t Create(void* self, void* config, weir_connection* connection) {
    const auto* const holder =
        static_cast<const Holder*>(static_cast<ConfigBase<weir_network_api>*>(config));
    Filter* filter = nullptr;
    const auto make = [&]() -> std::int32_t {
      filter = new (self) Filter;
      filter->holder_ = holder;
      filter->connection_ = connection;
      if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnCreate)) {
        const Status status = filter->OnCreate();
        if (static_cast<std::int32_t>(status) < 0) return static_cast<std::int32_t>(status);
      }
      return WEIR_OK;
    };
    const std::int32_t status =
        Barrier(holder->host.abi(), holder->host.name(), "create", std::int32_t{WEIR_ERROR}, make);
    // The host calls no destroy then.
    if (status < 0 && filter != nullptr) filter->~Filter();
    return status;
  }
};

template <typename Filter, const char* kName>
constexpr weir_network_filter_api NetworkFilterApi() {
  using T = NetworkFilterThunks<Filter>;
  static_assert(sizeof(Filter) <= 1024,
                "a filter's object is at most 1024 bytes: keep what is large behind a pointer");
  static_assert(alignof(Filter) <= 16, "a filter's object is aligned to 16 bytes");
  weir_network_filter_api api{};
  api.struct_size = sizeof api;
  api.flags = Filter::kFlags;
  api.state_size = sizeof(Filter);
  api.config_new = [](const weir_host* host, const weir_network_api* network,
                      const weir_node* node) {
    return LoadConfig<weir_network_api, typename Filter::Config>(host, network, node, false, kName);
  };
  api.config_free = FreeConfig<weir_network_api>;
  api.create = T::Create;
  api.destroy = [](void* self) { T::Self(self)->~Filter(); };
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnNewConnection)) {
    api.new_connection = [](void* self, weir_connection*) {
      return T::Hook(self, "new_connection", [](Filter& f) { return f.OnNewConnection(); });
    };
  }
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnData)) {
    api.data = [](void* self, weir_connection*, std::uint32_t end) {
      return T::Hook(self, "data", [&](Filter& f) { return f.OnData(end != 0); });
    };
  }
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnWritable)) {
    api.writable = [](void* self, weir_connection*) {
      Filter* const f = T::Self(self);
      VoidBarrier(f->host().abi(), f->host().name(), "writable", [&] { f->OnWritable(); });
    };
  }
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnDrain)) {
    api.drain = [](void* self, weir_connection*) {
      Filter* const f = T::Self(self);
      VoidBarrier(f->host().abi(), f->host().name(), "drain", [&] { f->OnDrain(); });
    };
  }
  return api;
}

}  // namespace weir::sdk
