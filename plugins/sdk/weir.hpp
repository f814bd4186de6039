#pragma once

// The C++ SDK: write a class, override what you use, register it with one line.
//
//   #include "plugins/sdk/weir.hpp"
//
//   class Hello : public weir::sdk::HttpFilter<Hello> {
//    public:
//     weir::sdk::Status OnResponseHeaders(bool) {
//       response().Set("x-hello", "world");
//       return weir::sdk::Status::kContinue;
//     }
//   };
//   WEIR_HTTP_FILTER(hello, "1.0", Hello)
//
// It needs nothing but this folder and plugins/abi, C++20 and no library. Exceptions stop at the
// hooks and fail the request closed. What the calls promise stands in plugins/abi/weir.h.

#include "plugins/abi/tokens.h"
#include "plugins/abi/weir.h"
#include "plugins/sdk/access_logger.h"
#include "plugins/sdk/callout.h"
#include "plugins/sdk/config_load.h"
#include "plugins/sdk/config_node.h"
#include "plugins/sdk/data_source.h"
#include "plugins/sdk/descriptor.h"
#include "plugins/sdk/field_list.h"
#include "plugins/sdk/hook.h"
#include "plugins/sdk/host.h"
#include "plugins/sdk/http_filter.h"
#include "plugins/sdk/http_stream.h"
#include "plugins/sdk/late_calls.h"
#include "plugins/sdk/listener_filter.h"
#include "plugins/sdk/network_filter.h"

// One plugin with one extension: `id` is the name of both, and of the file. A plugin with several
// makes its array of weir_extension and uses weir::sdk::Descriptor.
#define WEIR_SDK_PLUGIN(id, version, kind, Api, maker, Class)           \
  namespace weir_sdk_##id {                                             \
    constexpr char kName[] = #id;                                       \
    constexpr Api kApi = weir::sdk::maker<Class, kName>();              \
    constexpr weir_extension kExtensions[] = {{kind, 0, kName, &kApi}}; \
  }                                                                     \
  extern "C" WEIR_PLUGIN(id) =                                          \
      weir::sdk::Descriptor(weir_sdk_##id::kName, version, weir_sdk_##id::kExtensions);

#define WEIR_HTTP_FILTER(id, version, Class) \
  WEIR_SDK_PLUGIN(id, version, WEIR_KIND_HTTP_FILTER, weir_http_filter_api, HttpFilterApi, Class)
#define WEIR_NETWORK_FILTER(id, version, Class)                                   \
  WEIR_SDK_PLUGIN(id, version, WEIR_KIND_NETWORK_FILTER, weir_network_filter_api, \
                  NetworkFilterApi, Class)
#define WEIR_LISTENER_FILTER(id, version, Class)                                    \
  WEIR_SDK_PLUGIN(id, version, WEIR_KIND_LISTENER_FILTER, weir_listener_filter_api, \
                  ListenerFilterApi, Class)
#define WEIR_ACCESS_LOGGER(id, version, Class)                                                   \
  WEIR_SDK_PLUGIN(id, version, WEIR_KIND_ACCESS_LOGGER, weir_access_logger_api, AccessLoggerApi, \
                  Class)
