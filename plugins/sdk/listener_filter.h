#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string_view>

#include "plugins/abi/weir.h"
#include "plugins/sdk/barrier.h"
#include "plugins/sdk/config_load.h"
#include "plugins/sdk/hook.h"
#include "plugins/sdk/host.h"

namespace weir::sdk {

// A connection before its filter chain is made.
class NewConnection {
 public:
  NewConnection(const weir_listener_api* api, weir_connection* connection)
      : api_(api), connection_(connection) {}

  // WEIR_ATTR_* that say C; those that say L can be set.
  std::string_view Attribute(std::uint32_t id) const {
    weir_view value{};
    return api_->attribute(connection_, id, &value) == WEIR_OK ? Text(value) : std::string_view();
  }
  bool SetAttribute(std::uint32_t id, std::string_view value) const {
    return api_->set_attribute(connection_, id, View(value)) == WEIR_OK;
  }
  std::optional<std::string_view> Metadata(std::string_view space, std::string_view key) const {
    weir_view value{};
    if (api_->metadata(connection_, View(space), View(key), &value) != WEIR_OK) {
      return std::nullopt;
    }
    return Text(value);
  }
  bool SetMetadata(std::string_view space, std::string_view key, std::string_view value) const {
    return api_->set_metadata(connection_, View(space), View(key), View(value)) == WEIR_OK;
  }

 private:
  const weir_listener_api* api_;
  weir_connection* connection_;
};

// What OnData answers.
enum class Verdict : std::int32_t {
  kDone = WEIR_CONTINUE,
  kMore = WEIR_STOP,
  kClose = WEIR_CLOSE,
  kFail = WEIR_ERROR,  // close, counted as a failure of the filter
};

// What ListenerFilter has in place of the hooks that a filter does not define.
struct ListenerHooks {
  static constexpr NoHook OnCreate{};
  static constexpr NoHook OnData{};
};

// The base of a listener filter: one object per connection. As HttpFilter, with:
//
//   Verdict OnCreate();                                  kDone or kClose
//   Verdict OnData(std::string_view first, bool end, std::size_t* taken);
//
// and `static constexpr std::uint32_t kMaxReadBytes`: how many first bytes it may want to see.
template <typename Filter, typename ConfigType = NoConfig>
class ListenerFilter : public ListenerHooks {
 public:
  using Config = ConfigType;
  static constexpr std::uint32_t kMaxReadBytes = 0;

  ListenerFilter(const ListenerFilter&) = delete;
  ListenerFilter& operator=(const ListenerFilter&) = delete;

  NewConnection connection() const { return {holder().api, connection_}; }
  const Config& config() const { return holder().config; }
  const Host& host() const { return holder().host; }

 protected:
  ListenerFilter() = default;
  ~ListenerFilter() = default;

 private:
  template <typename F, const char*>
  friend constexpr weir_listener_filter_api ListenerFilterApi();
  const ConfigHolder<weir_listener_api, Config>& holder() const {
    if (holder_ == nullptr) FailTooEarly();
    return *holder_;
  }
  const ConfigHolder<weir_listener_api, Config>* holder_ = nullptr;
  weir_connection* connection_ = nullptr;
};

template <typename Filter, const char* kName>
constexpr weir_listener_filter_api ListenerFilterApi() {
  static_assert(sizeof(Filter) <= 1024,
                "a filter's object is at most 1024 bytes: keep what is large behind a pointer");
  static_assert(alignof(Filter) <= 16, "a filter's object is aligned to 16 bytes");
  static_assert(Filter::kMaxReadBytes <= 65536, "a listener filter sees at most 65536 bytes");
  static_assert(WEIR_SDK_HAS_HOOK(Filter, OnData) == (Filter::kMaxReadBytes > 0),
                "OnData and kMaxReadBytes go together: without both it would never be asked");
  using Holder = ConfigHolder<weir_listener_api, typename Filter::Config>;
  weir_listener_filter_api api{};
  api.struct_size = sizeof api;
  api.state_size = sizeof(Filter);
  api.max_read_bytes = Filter::kMaxReadBytes;
  api.config_new = [](const weir_host* host, const weir_listener_api* listener,
                      const weir_node* node) {
    return LoadConfig<weir_listener_api, typename Filter::Config>(host, listener, node, false,
                                                                  kName);
  };
  api.config_free = FreeConfig<weir_listener_api>;
  api.create = [](void* self, void* config, weir_connection* connection) {
    const auto* const holder =
        static_cast<const Holder*>(static_cast<ConfigBase<weir_listener_api>*>(config));
    Filter* filter = nullptr;
    const auto make = [&]() -> std::int32_t {
      filter = new (self) Filter;
      filter->holder_ = holder;
      filter->connection_ = connection;
      if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnCreate)) {
        return static_cast<std::int32_t>(filter->OnCreate());
      }
      return WEIR_OK;
    };
    const std::int32_t status =
        Barrier(holder->host.abi(), holder->host.name(), "create", std::int32_t{WEIR_ERROR}, make);
    // The host calls no destroy then.
    if (status != WEIR_OK && filter != nullptr) filter->~Filter();
    return status;
  };
  api.destroy = [](void* self) { std::launder(static_cast<Filter*>(self))->~Filter(); };
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnData)) {
    api.data = [](void* self, weir_connection*, weir_view data, std::uint32_t end,
                  std::size_t* taken) {
      Filter* const filter = std::launder(static_cast<Filter*>(self));
      return Barrier(
          filter->host().abi(), filter->host().name(), "data", std::int32_t{WEIR_ERROR},
          [&] { return static_cast<std::int32_t>(filter->OnData(Text(data), end != 0, taken)); });
    };
  }
  return api;
}

}  // namespace weir::sdk
