#include "tests/simulation/chance_filter.h"

#include <cstdlib>
#include <cstring>
#include <vector>

namespace weir::sim {
namespace {

ChanceContext* present = nullptr;
const weir_http_api* http = nullptr;

struct Stopped {
  weir_ticket ticket;
  uint32_t which;
};
std::vector<Stopped> stopped;

// In the stream's arena.
struct State {
  bool replied;
};

void* ConfigNew(const weir_host* host, const weir_http_api* api, const weir_node* node, uint32_t) {
  http = api;
  int64_t at = 0;
  const weir_node* const value = node == nullptr ? nullptr : host->config->get(node, {"at", 2});
  if (value != nullptr && host->config->integer(value, 0, 9, &at) != WEIR_OK) return nullptr;
  static int config;
  return &config;
}

void ConfigFree(void*) {}
int32_t Create(void*, void*, weir_stream*) {
  return WEIR_OK;
}
void Destroy(void*) {}

bool OneIn(uint64_t n) {
  return present->random->Below(n) == 0;
}

void Tell(weir_stream* stream, const char* what, uint32_t which) {
  weir_view path{};
  http->get_start(stream, {":path", 5}, &path);
  present->trace("filter: " + std::string(what) +
                 (which == WEIR_REQUEST ? " of the request " : " of the answer to ") +
                 std::string(path.data, path.size));
}

void StopLater(weir_stream* stream, uint32_t which, const char* what) {
  Tell(stream, what, which);
  stopped.push_back({http->ticket(stream), which});
}

bool Interrupt(State* state, weir_stream* stream) {
  if (!present->replies || state->replied || !OneIn(40)) return false;
  state->replied = true;
  if (OneIn(3)) {
    Tell(stream, "resets", WEIR_REQUEST);
    http->reset(stream);
  } else {
    Tell(stream, "answers", WEIR_REQUEST);
    http->local_reply(stream, 418, {"teapot", 6}, nullptr, 0, {"chance", 6});
  }
  return true;
}

int32_t Headers(void* self, weir_stream* stream, uint32_t which) {
  // On an answer that is a local reply already it has no effect, and a stop would be for ever.
  if (Interrupt(static_cast<State*>(self), stream))
    return which == WEIR_REQUEST ? WEIR_STOP_ALL : WEIR_CONTINUE;
  if (OneIn(3)) http->add(stream, which, {"x-chance", 8}, {"1", 1});
  switch (present->random->Below(8)) {
    case 0:
      StopLater(stream, which, "stops the head");
      return WEIR_STOP;
    case 1:
      StopLater(stream, which, "stops all");
      return WEIR_STOP_ALL_WATERMARK;
    default:
      return WEIR_CONTINUE;
  }
}

int32_t Data(void* self, weir_stream* stream, uint32_t which, uint32_t end_stream) {
  if (Interrupt(static_cast<State*>(self), stream))
    return which == WEIR_REQUEST ? WEIR_STOP_WATERMARK : WEIR_CONTINUE;
  if (!OneIn(6)) return WEIR_CONTINUE;
  StopLater(stream, which, end_stream != 0 ? "stops the last data" : "stops data");
  return WEIR_STOP_WATERMARK;
}

int32_t Trailers(void* self, weir_stream* stream, uint32_t which) {
  if (Interrupt(static_cast<State*>(self), stream))
    return which == WEIR_REQUEST ? WEIR_STOP : WEIR_CONTINUE;
  if (!OneIn(4)) return WEIR_CONTINUE;
  StopLater(stream, which, "stops trailers");
  return WEIR_STOP;
}

int32_t RequestHeaders(void* self, weir_stream* s, uint32_t) {
  return Headers(self, s, WEIR_REQUEST);
}
int32_t RequestData(void* self, weir_stream* s, uint32_t end) {
  return Data(self, s, WEIR_REQUEST, end);
}
int32_t RequestTrailers(void* self, weir_stream* s) {
  return Trailers(self, s, WEIR_REQUEST);
}
int32_t ResponseHeaders(void* self, weir_stream* s, uint32_t) {
  return Headers(self, s, WEIR_RESPONSE);
}
int32_t ResponseData(void* self, weir_stream* s, uint32_t end) {
  return Data(self, s, WEIR_RESPONSE, end);
}
int32_t ResponseTrailers(void* self, weir_stream* s) {
  return Trailers(self, s, WEIR_RESPONSE);
}

}  // namespace

const weir_http_filter_api kChanceFilterApi = {sizeof(weir_http_filter_api),
                                               0,
                                               sizeof(State),
                                               0,
                                               ConfigNew,
                                               ConfigFree,
                                               Create,
                                               Destroy,
                                               RequestHeaders,
                                               RequestData,
                                               RequestTrailers,
                                               nullptr,
                                               ResponseHeaders,
                                               ResponseData,
                                               ResponseTrailers,
                                               nullptr};

void SetChance(ChanceContext* context) {
  present = context;
  stopped.clear();
}

bool AnythingStopped() {
  return !stopped.empty();
}

bool ResumeSome() {
  if (stopped.empty()) return false;
  const size_t at = static_cast<size_t>(present->random->Below(stopped.size()));
  const Stopped one = stopped[at];
  stopped[at] = stopped.back();
  stopped.pop_back();
  present->trace(one.which == WEIR_REQUEST ? "filter: resumes a request"
                                           : "filter: resumes an answer");
  http->resume(one.ticket, one.which);
  return true;
}

void ResumeAll() {
  while (ResumeSome()) {
  }
}

}  // namespace weir::sim
