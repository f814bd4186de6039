// Every ordinary mistake of a filter, one a request: the field x-mistake says which.
// "throw:request_data" throws in that hook, "answer:request_data:-7" answers so; the others have
// names of their own. What the host lets through although it should not is told in the field
// x-wrong of the answer.

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "plugins/abi/weir.h"

#ifndef NAME
#define NAME "crash_prone"
#endif

namespace {

const weir_host* host;
const weir_http_api* http;
// Of the last stream that left it; other streams come upon it when that one is gone.
weir_ticket late_ticket;
std::string wrong;

weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

struct Filter {
  weir_stream* stream;
  char mistake[64];

  bool Is(std::string_view name) const { return mistake == name; }
};

Filter* Of(void* self) {
  return static_cast<Filter*>(self);
}

// What a call answered where only one word is right.
void Expect(const char* call, int32_t got, int32_t right) {
  if (got == right) return;
  wrong += std::string(call) + "=" + std::to_string(got) + " ";
}

// Throws or answers where the request asked for it; else `status`.
int32_t Act(void* self, const char* hook, int32_t status) {
  const std::string_view mistake = Of(self)->mistake;
  if (mistake == "throw:" + std::string(hook)) throw std::runtime_error("a plugin's own");
  const std::string answer = "answer:" + std::string(hook) + ":";
  if (mistake.rfind(answer, 0) == 0) return std::atoi(mistake.substr(answer.size()).data());
  return status;
}

void* ConfigNew(const weir_host* given, const weir_http_api* api, const weir_node*, uint32_t) {
  // Refuses without a word.
  if (std::string_view(NAME) == "crash_refusing") return nullptr;
  host = given;
  http = api;
  return &host;
}

int32_t Create(void* self, void*, weir_stream* stream) {
  weir_view value;
  Of(self)->stream = stream;
  if (http->get(stream, WEIR_REQUEST, View("x-mistake"), 0, &value) == WEIR_OK && value.size < 64)
    std::memcpy(Of(self)->mistake, value.data, value.size);
  return Act(self, "create", WEIR_OK);
}

// Everything with nothing, and with numbers that are none.
void CallWithNothing(weir_stream* stream) {
  const weir_view none{nullptr, 0};
  const weir_view bad{nullptr, 7};
  weir_view value;
  int64_t number;
  Expect("get", http->get(stream, 99, View("x"), 0, &value), WEIR_ERROR);
  Expect("get-null", http->get(stream, WEIR_REQUEST, View("x"), 0, nullptr), WEIR_REFUSED);
  Expect("get-bad", http->get(stream, WEIR_REQUEST, bad, 0, &value), WEIR_REFUSED);
  Expect("get-stream", http->get(nullptr, WEIR_REQUEST, View("x"), 0, &value), WEIR_ERROR);
  Expect("get-huge", http->get_token(stream, WEIR_REQUEST, UINT32_MAX, UINT32_MAX, &value),
         WEIR_ERROR);
  Expect("field_at", http->field_at(stream, WEIR_REQUEST, UINT32_MAX, &value, &value), WEIR_ERROR);
  Expect("set", http->set(stream, WEIR_REQUEST, none, none), WEIR_REFUSED);
  Expect("set-bad", http->set(stream, WEIR_REQUEST, View("x"), bad), WEIR_REFUSED);
  Expect("set-lines", http->set(stream, WEIR_REQUEST, View("x"), View("a\r\nb: c")), WEIR_REFUSED);
  Expect("set-none", http->set(stream, WEIR_RESPONSE, View("x"), View("1")), WEIR_REFUSED);
  Expect("remove", http->remove(stream, WEIR_REQUEST, bad), WEIR_REFUSED);
  Expect("set_start", http->set_start(stream, View(":path"), none), WEIR_REFUSED);
  Expect("body", static_cast<int32_t>(http->body_size(stream, 77)), 0);
  Expect("piece", static_cast<int32_t>(http->body_piece(stream, WEIR_REQUEST, UINT64_MAX).size), 0);
  Expect("drain", http->body_drain(stream, WEIR_REQUEST, UINT64_MAX), WEIR_REFUSED);
  Expect("append", http->body_append(stream, WEIR_REQUEST, bad), WEIR_REFUSED);
  Expect("reply", http->local_reply(stream, 42, none, nullptr, 0, none), WEIR_REFUSED);
  Expect("reply-fields", http->local_reply(stream, 200, none, nullptr, 9, none), WEIR_REFUSED);
  Expect("attribute", http->attribute(stream, 4711, &value), WEIR_ERROR);
  Expect("number", http->number(stream, 4711, &number), WEIR_ERROR);
  Expect("metadata", http->set_metadata(stream, bad, bad, bad), WEIR_REFUSED);
  Expect("flag", http->set_flag(stream, none), WEIR_REFUSED);
  Expect("resume", http->resume({{0, 0}}, WEIR_REQUEST), WEIR_REFUSED);
  Expect("resume-made-up", http->resume({{4711, UINT64_MAX}}, WEIR_REQUEST), WEIR_REFUSED);
  Expect("inject", http->inject(stream, WEIR_REQUEST, View("x")), WEIR_REFUSED);
  Expect("trailers", http->add_trailers(stream, WEIR_REQUEST), WEIR_REFUSED);
  Expect("callout", host->callout->start(nullptr, nullptr, nullptr) == nullptr ? 0 : 1, 0);
  host->callout->cancel(reinterpret_cast<weir_callout*>(uintptr_t{4711}));
  host->count(UINT32_MAX, 1);
}

// More than fits anywhere.
void CallWithTooMuch(weir_stream* stream) {
  const std::string large(64u << 20, 'x');
  const std::string value(200'000, 'x');
  if (http->set(stream, WEIR_REQUEST, View("x-large"), View(large)) == WEIR_OK) wrong += "set ";
  int32_t status = WEIR_OK;
  for (int i = 0; i < 1'000 && status == WEIR_OK; ++i)
    status = http->add(stream, WEIR_REQUEST, View("x-many-" + std::to_string(i)), View("1"));
  Expect("add", status, WEIR_NO_ROOM);
  status = WEIR_OK;
  for (int i = 0; i < 1'000 && status == WEIR_OK; ++i)
    status = http->set(stream, WEIR_REQUEST, View("x-grows"), View(value));
  Expect("grow", status, WEIR_NO_ROOM);
  Expect("append", http->body_append(stream, WEIR_REQUEST, View(large)), WEIR_NO_ROOM);
  Expect("note", http->set_metadata(stream, View("s"), View("k"), View(large)), WEIR_NO_ROOM);
  Expect("reply", http->local_reply(stream, 200, View(large), nullptr, 0, View("")), WEIR_NO_ROOM);
  Expect("limit", http->set_buffer_limit(stream, WEIR_REQUEST, UINT64_MAX), WEIR_NO_ROOM);
  for (int i = 0; i < 1'000; ++i)
    http->remove(stream, WEIR_REQUEST, View("x-many-" + std::to_string(i)));
  http->remove(stream, WEIR_REQUEST, View("x-grows"));
}

// The request has gone by.
void WriteOutOfTurn(weir_stream* stream) {
  Expect("set", http->set(stream, WEIR_REQUEST, View("x"), View("1")), WEIR_REFUSED);
  Expect("remove", http->remove(stream, WEIR_REQUEST, View("host")), WEIR_REFUSED);
  Expect("set_start", http->set_start(stream, View(":path"), View("/x")), WEIR_REFUSED);
  Expect("append", http->body_append(stream, WEIR_REQUEST, View("x")), WEIR_REFUSED);
  Expect("length", http->body_length(stream, WEIR_REQUEST, 5), WEIR_REFUSED);
  Expect("route", http->refresh_route(stream), WEIR_REFUSED);
  Expect("inject", http->inject(stream, WEIR_REQUEST, View("x")), WEIR_REFUSED);
  Expect("trailers", http->add_trailers(stream, WEIR_REQUEST_TRAILERS), WEIR_REFUSED);
  Expect("trailer", http->add(stream, WEIR_RESPONSE_TRAILERS, View("x"), View("1")), WEIR_REFUSED);
}

int32_t RequestHeaders(void* self, weir_stream* stream, uint32_t) {
  Filter* filter = Of(self);
  if (filter->Is("nothing")) CallWithNothing(stream);
  if (filter->Is("too much")) CallWithTooMuch(stream);
  if (filter->Is("never")) return WEIR_STOP_ALL;
  if (filter->Is("late ticket")) {
    Expect("resume", http->resume(late_ticket, WEIR_REQUEST), WEIR_REFUSED);
    Expect("resume-response", http->resume(late_ticket, WEIR_RESPONSE), WEIR_REFUSED);
  }
  late_ticket = http->ticket(stream);
  if (filter->Is("twice")) {
    http->resume(late_ticket, WEIR_REQUEST);
    http->resume(late_ticket, WEIR_REQUEST);
    http->resume(late_ticket, WEIR_RESPONSE);
    return WEIR_STOP_ALL;
  }
  if (filter->Is("two replies")) {
    http->local_reply(stream, 201, View("first"), nullptr, 0, View("a"));
    http->local_reply(stream, 202, View("second"), nullptr, 0, View("b"));
    http->resume(late_ticket, WEIR_REQUEST);
  }
  if (filter->Is("reset, then touch")) {
    http->reset(stream);
    http->set(stream, WEIR_REQUEST, View("x"), View("1"));
    http->local_reply(stream, 200, View("x"), nullptr, 0, View(""));
    http->resume(late_ticket, WEIR_REQUEST);
    http->reset(stream);
    return WEIR_STOP;
  }
  if (filter->Is("reply, then fail")) {
    http->local_reply(stream, 200, View("let in"), nullptr, 0, View(""));
    return WEIR_ERROR;
  }
  return Act(self, "request_headers", WEIR_CONTINUE);
}

int32_t RequestData(void* self, weir_stream*, uint32_t) {
  return Act(self, "request_data", WEIR_CONTINUE);
}

int32_t RequestTrailers(void* self, weir_stream*) {
  return Act(self, "request_trailers", WEIR_CONTINUE);
}

int32_t ResponseHeaders(void* self, weir_stream* stream, uint32_t) {
  Filter* filter = Of(self);
  if (filter->Is("out of turn")) WriteOutOfTurn(stream);
  if (filter->Is("twice")) {
    http->resume(late_ticket, WEIR_REQUEST);
    http->resume(late_ticket, WEIR_RESPONSE);
  }
  if (filter->Is("too short a length")) http->body_length(stream, WEIR_RESPONSE, 1);
  if (filter->Is("too long a length")) http->body_length(stream, WEIR_RESPONSE, 4711);
  const int32_t status = Act(self, "response_headers", WEIR_CONTINUE);
  if (!wrong.empty()) http->set(stream, WEIR_RESPONSE, View("x-wrong"), View(wrong));
  wrong.clear();
  return status;
}

int32_t ResponseData(void* self, weir_stream*, uint32_t) {
  return Act(self, "response_data", WEIR_CONTINUE);
}

int32_t ResponseTrailers(void* self, weir_stream*) {
  return Act(self, "response_trailers", WEIR_CONTINUE);
}

void Complete(void* self, weir_stream* stream) {
  if (Of(self)->Is("after the end")) {
    weir_view value;
    for (uint32_t which = 0; which < 6; ++which) {
      for (uint32_t i = 0; i < 50; ++i) http->field_at(stream, which, i, &value, &value);
      http->body_piece(stream, which, 0);
      http->body_drain(stream, which, 1);
      http->body_append(stream, which, View("x"));
      http->inject(stream, which, View("x"));
      http->add_trailers(stream, which);
      http->set(stream, which, View("x"), View("1"));
    }
    http->local_reply(stream, 500, View("late"), nullptr, 0, View(""));
    http->reset(stream);
    http->resume(http->ticket(stream), WEIR_RESPONSE);
  }
  Act(self, "complete", 0);
}

void Destroy(void* self) {
  Filter* filter = Of(self);
  if (filter->Is("after the end")) {
    http->set(filter->stream, WEIR_RESPONSE, View("x"), View("1"));
    http->local_reply(filter->stream, 200, View("x"), nullptr, 0, View(""));
    http->reset(filter->stream);
  }
  Act(self, "destroy", 0);
}

constexpr weir_http_filter_api Api() {
  weir_http_filter_api api{};
  api.struct_size = sizeof api;
  api.state_size = sizeof(Filter);
  api.config_new = ConfigNew;
  api.create = Create;
  api.destroy = Destroy;
  api.request_headers = RequestHeaders;
  api.request_data = RequestData;
  api.request_trailers = RequestTrailers;
  api.response_headers = ResponseHeaders;
  api.response_data = ResponseData;
  api.response_trailers = ResponseTrailers;
  api.complete = Complete;
  return api;
}

const weir_http_filter_api filter = Api();
const weir_extension extensions[] = {{WEIR_KIND_HTTP_FILTER, 0, NAME, &filter}};

}  // namespace

extern "C" WEIR_PLUGIN(crash_prone) = {WEIR_ABI_MAGIC,
                                       WEIR_ABI_MAJOR,
                                       WEIR_ABI_MINOR,
                                       sizeof(weir_plugin_descriptor),
                                       1,
                                       NAME,
                                       "1.0",
                                       extensions,
                                       nullptr,
                                       nullptr,
                                       nullptr,
                                       nullptr};
