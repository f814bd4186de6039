// HTTP filters with one mistake each: BAD_<what> says which. Written on the C header, for the SDK
// would keep some of them from happening.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "plugins/abi/weir.h"

namespace {

const weir_host* g_host;
const weir_http_api* g_http;
char g_config;
[[maybe_unused]] void* volatile g_lost;

struct State {
  weir_stream* stream;
};

[[maybe_unused]] weir_view Text(const char* text) {
  return {text, std::strlen(text)};
}

void* ConfigNew(const weir_host* host, const weir_http_api* http, const weir_node*, uint32_t) {
  g_host = host;
  g_http = http;
#if defined(BAD_NO_CONFIG)
  return nullptr;
#elif defined(BAD_STARTS_WHILE_VALIDATING)
  host->timer_new([](void*) {}, nullptr);
#elif defined(BAD_CONFIG_LEAK)
  g_lost = std::malloc(1000);
#endif
  return &g_config;
}

void ConfigFree(void*) {}

int32_t Create(void* self, void*, weir_stream* stream) {
  static_cast<State*>(self)->stream = stream;
#if defined(BAD_LEAK)
  g_lost = std::malloc(100);
#elif defined(BAD_STATE)
  static_cast<State*>(self)[1].stream = stream;
#elif defined(BAD_TIMERS)
  g_host->timer_new([](void*) {}, nullptr);
#elif defined(BAD_CREATE)
  return WEIR_ERROR;
#endif
  return WEIR_OK;
}

void Destroy([[maybe_unused]] void* self) {
#if defined(BAD_LATE_CALL)
  g_http->status(static_cast<State*>(self)->stream);
#endif
}

int32_t RequestHeaders(void*, [[maybe_unused]] weir_stream* stream, uint32_t) {
#if defined(BAD_NEVER_CONTINUES)
  return WEIR_STOP_ALL;
#elif defined(BAD_STATUS)
  return 77;
#elif defined(BAD_FAILS)
  return WEIR_ERROR;
#elif defined(BAD_THROWS)
  throw std::runtime_error("thrown away");
#elif defined(BAD_SLOW)
  std::this_thread::sleep_for(std::chrono::milliseconds(12));
#elif defined(BAD_CALLOUT)
  static const weir_callout_hooks hooks = {sizeof hooks, 0, nullptr, nullptr, nullptr, nullptr};
  weir_callout_request request{};
  request.struct_size = sizeof request;
  request.cluster = Text("cluster");
  g_host->callout->start(&request, &hooks, nullptr);
#elif defined(BAD_THREAD)
  std::thread([stream] { g_http->status(stream); }).join();
#elif defined(BAD_REPLY)
  g_http->local_reply(stream, 42, Text("no"), nullptr, 0, Text("bad"));
  return WEIR_STOP_ALL;
#elif defined(BAD_NULL)
  weir_view value;
  if (g_http->get(stream, WEIR_REQUEST, Text("user-agent"), 0, &value) != WEIR_OK) {
    value.data = nullptr;
  }
  return *static_cast<const volatile char*>(value.data) == 0 ? WEIR_STOP_ALL : WEIR_CONTINUE;
#elif defined(BAD_COUNTS)
  // No mistake: what it says depends on how many came before.
  static std::atomic<int> streams{0};
  if (++streams % 50 > 20) {
    g_http->local_reply(stream, 429, Text("no"), nullptr, 0, Text("bad"));
    return WEIR_STOP_ALL;
  }
#elif defined(BAD_HANGS)
  weir_view method;
  g_http->get_start(stream, Text(":method"), &method);
  volatile bool forever = method.size == 7;
  while (forever) {
  }
#endif
  return WEIR_CONTINUE;
}

int32_t RequestData([[maybe_unused]] void* self, [[maybe_unused]] weir_stream* stream, uint32_t) {
#if defined(BAD_SPLIT)
  // Looks at the first piece alone.
  const weir_view piece = g_http->body_piece(stream, WEIR_REQUEST, 0);
  if (piece.size > 0 && piece.data[0] == 'q') {
    g_http->local_reply(stream, 403, Text("no"), nullptr, 0, Text("bad"));
    return WEIR_STOP;
  }
#elif defined(BAD_STOPS_ALL)
  // No mistake: behind an answer any way of stopping will do.
  const int32_t replied = g_http->local_reply(stream, 413, Text("no"), nullptr, 0, Text("bad"));
  return replied == WEIR_OK ? WEIR_STOP_ALL : replied;
#elif defined(BAD_DATA_STATUS)
  return WEIR_STOP_ALL;
#endif
  return WEIR_CONTINUE;
}

weir_http_filter_api Api() {
  weir_http_filter_api api{};
  api.struct_size = sizeof api;
  api.state_size = sizeof(State);
  api.config_new = ConfigNew;
  api.config_free = ConfigFree;
  api.create = Create;
  api.destroy = Destroy;
  api.request_headers = RequestHeaders;
  api.request_data = RequestData;
  return api;
}

const weir_http_filter_api kApi = Api();
const weir_extension kExtensions[] = {{WEIR_KIND_HTTP_FILTER, 0, "bad", &kApi}};

int32_t Init([[maybe_unused]] const weir_host*, [[maybe_unused]] char* error,
             [[maybe_unused]] size_t error_size) {
#if defined(BAD_INIT)
  std::strncpy(error, "no licence", error_size);
  return WEIR_ERROR;
#else
  return WEIR_OK;
#endif
}

void Fini() {
#if defined(BAD_FINI)
  std::abort();
#endif
}

}  // namespace

extern "C" WEIR_PLUGIN(bad) = {WEIR_ABI_MAGIC,
                               WEIR_ABI_MAJOR,
                               WEIR_ABI_MINOR,
                               sizeof(weir_plugin_descriptor),
                               1,
                               "bad",
                               "1",
                               kExtensions,
                               Init,
                               nullptr,
                               nullptr,
                               Fini};
