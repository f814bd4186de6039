#pragma once

#include <cstdint>
#include <new>
#include <optional>
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

// What HttpFilter has in place of the hooks that a filter does not define.
struct HttpHooks {
  static constexpr NoHook OnCreate{};
  static constexpr NoHook OnRequestHeaders{};
  static constexpr NoHook OnRequestData{};
  static constexpr NoHook OnRequestTrailers{};
  static constexpr NoHook OnResponseInterim{};
  static constexpr NoHook OnResponseHeaders{};
  static constexpr NoHook OnResponseData{};
  static constexpr NoHook OnResponseTrailers{};
  static constexpr NoHook OnComplete{};
};

// The base of an HTTP filter: one object per stream, made before the first hook and destroyed after
// the last. Derive as `class Mine : public HttpFilter<Mine, MyConfig>`, and define of these what
// you want; what you do not define costs nothing:
//
//   Status OnCreate();                        a local reply asked for here keeps the request from
//                                             all filters
//   Status OnRequestHeaders(bool end_stream);
//   Status OnRequestData(bool end_stream);    stream().request_body() is what has arrived
//   Status OnRequestTrailers();
//   Status OnResponseInterim();               1xx
//   Status OnResponseHeaders(bool end_stream);
//   Status OnResponseData(bool end_stream);
//   Status OnResponseTrailers();
//   void OnComplete();                        before the access log
//
// Hooks must be public. What stands below (config, host, stream ...) is there from OnCreate on, not
// in the constructor and not for the initialisers of members. Config (default-constructed, then
// `bool Load(const ConfigLoad&)`) is shared by all workers and read only. RouteConfig is what
// typed_per_filter_config holds; the same type by default. A filter that changes the length of a
// body without setting it declares `static constexpr std::uint32_t kFlags =
// WEIR_FILTER_CHANGES_RESPONSE_LENGTH;`. Guard, remote and Offload are for calls that come later
// (late_calls.h).
template <typename Filter, typename ConfigType = NoConfig, typename RouteConfigType = ConfigType>
class HttpFilter : public HttpHooks, public LateCalls<Filter> {
 public:
  using Config = ConfigType;
  using RouteConfig = RouteConfigType;
  using Base = ConfigBase<weir_http_api>;
  static constexpr std::uint32_t kFlags = 0;

  HttpFilter(const HttpFilter&) = delete;
  HttpFilter& operator=(const HttpFilter&) = delete;

  HttpStream stream() const { return {holder().api, stream_}; }
  const Config& config() const { return holder().config; }
  const Host& host() const { return holder().host; }
  // Of the present route; null when it has none.
  const RouteConfig* route_config() const {
    auto* const base = static_cast<Base*>(holder().api->route_config(stream_));
    using Holder = ConfigHolder<weir_http_api, RouteConfig>;
    return base == nullptr ? nullptr : &static_cast<const Holder*>(base)->config;
  }
  Fields request() const { return stream().request(); }
  Fields response() const { return stream().response(); }

  // A local reply, and what the hook that asks for it answers: `return Answer({.status = 403});`
  Status Answer(const Reply& reply) const {
    return stream().LocalReply(reply) ? Status::kStopAll : Status::kFail;
  }

  // For LateCalls: a request that a late call failed ends with 500.
  weir_ticket LateTicket() const { return stream().ticket(); }
  void FailLate() const {
    const weir_http_api* const api = holder_->api;
    if (api->local_reply(stream_, 500, {}, nullptr, 0, View("plugin_error")) != WEIR_OK)
      api->reset(stream_);
  }

 protected:
  HttpFilter() = default;
  ~HttpFilter() = default;

 private:
  template <typename F>
  friend struct HttpFilterThunks;

  const ConfigHolder<weir_http_api, Config>& holder() const {
    if (holder_ == nullptr) FailTooEarly();
    return *holder_;
  }

  const ConfigHolder<weir_http_api, Config>* holder_ = nullptr;
  weir_stream* stream_ = nullptr;
};

// The functions behind a filter's table.
template <typename Filter>
struct HttpFilterThunks {
  using Api = weir_http_api;
  using Holder = ConfigHolder<Api, typename Filter::Config>;

  static Filter* Self(void* self) { return std::launder(static_cast<Filter*>(self)); }

  template <typename Call>
  static std::int32_t Hook(void* self, const char* name, Call&& call) {
    Filter* const filter = Self(self);
    static_assert(std::is_same_v<decltype(call(*filter)), Status>, "this hook answers a Status");
    const Host& host = filter->host();
    return Barrier(host.abi(), host.name(), name, std::int32_t{WEIR_ERROR},
                   [&] { return static_cast<std::int32_t>(call(*filter)); });
  }

  static std::int32_t Create(void* self, void* config, weir_stream* stream) {
    const auto* const holder = static_cast<const Holder*>(static_cast<ConfigBase<Api>*>(config));
    Filter* filter = nullptr;
    const auto make = [&]() -> std::int32_t {
      filter = new (self) Filter;
      filter->holder_ = holder;
      filter->stream_ = stream;
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
  static void Destroy(void* self) { Self(self)->~Filter(); }
};

// The table of a filter class; `name` as in the YAML.
template <typename Filter, const char* kName>
constexpr weir_http_filter_api HttpFilterApi() {
  using T = HttpFilterThunks<Filter>;
  static_assert(sizeof(Filter) <= 1024,
                "a filter's object is at most 1024 bytes: keep what is large behind a pointer");
  static_assert(alignof(Filter) <= 16, "a filter's object is aligned to 16 bytes");
  weir_http_filter_api api{};
  api.struct_size = sizeof api;
  api.flags = Filter::kFlags;
  api.state_size = sizeof(Filter);
  api.config_new = [](const weir_host* host, const weir_http_api* http, const weir_node* node,
                      std::uint32_t per_route) {
    return per_route != 0
               ? LoadConfig<weir_http_api, typename Filter::RouteConfig>(host, http, node, true,
                                                                         kName)
               : LoadConfig<weir_http_api, typename Filter::Config>(host, http, node, false, kName);
  };
  api.config_free = FreeConfig<weir_http_api>;
  api.create = T::Create;
  api.destroy = T::Destroy;
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnRequestHeaders)) {
    api.request_headers = [](void* self, weir_stream*, std::uint32_t end) {
      return T::Hook(self, "request_headers",
                     [&](Filter& f) { return f.OnRequestHeaders(end != 0); });
    };
  }
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnRequestData)) {
    api.request_data = [](void* self, weir_stream*, std::uint32_t end) {
      return T::Hook(self, "request_data", [&](Filter& f) { return f.OnRequestData(end != 0); });
    };
  }
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnRequestTrailers)) {
    api.request_trailers = [](void* self, weir_stream*) {
      return T::Hook(self, "request_trailers", [](Filter& f) { return f.OnRequestTrailers(); });
    };
  }
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnResponseInterim)) {
    api.response_interim = [](void* self, weir_stream*) {
      return T::Hook(self, "response_interim", [](Filter& f) { return f.OnResponseInterim(); });
    };
  }
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnResponseHeaders)) {
    api.response_headers = [](void* self, weir_stream*, std::uint32_t end) {
      return T::Hook(self, "response_headers",
                     [&](Filter& f) { return f.OnResponseHeaders(end != 0); });
    };
  }
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnResponseData)) {
    api.response_data = [](void* self, weir_stream*, std::uint32_t end) {
      return T::Hook(self, "response_data", [&](Filter& f) { return f.OnResponseData(end != 0); });
    };
  }
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnResponseTrailers)) {
    api.response_trailers = [](void* self, weir_stream*) {
      return T::Hook(self, "response_trailers", [](Filter& f) { return f.OnResponseTrailers(); });
    };
  }
  if constexpr (WEIR_SDK_HAS_HOOK(Filter, OnComplete)) {
    api.complete = [](void* self, weir_stream*) {
      Filter* const filter = T::Self(self);
      VoidBarrier(filter->host().abi(), filter->host().name(), "complete",
                  [&] { filter->OnComplete(); });
    };
  }
  // An object of which nothing would be called is not made, unless its constructor may refuse: the
  // host keeps such a filter out of its streams.
  const bool called = api.request_headers != nullptr || api.request_data != nullptr ||
                      api.request_trailers != nullptr || api.response_interim != nullptr ||
                      api.response_headers != nullptr || api.response_data != nullptr ||
                      api.response_trailers != nullptr || api.complete != nullptr;
  if constexpr (!WEIR_SDK_HAS_HOOK(Filter, OnCreate) &&
                std::is_nothrow_default_constructible_v<Filter>) {
    if (!called) {
      api.state_size = 0;
      api.create = nullptr;
      api.destroy = nullptr;
    }
  }
  return api;
}

}  // namespace weir::sdk
