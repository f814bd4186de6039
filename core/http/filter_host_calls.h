#pragma once

#include <cstdint>
#include <string_view>

#include "core/http/filter_chain.h"
#include "core/http/message.h"
#include "plugins/abi/weir.h"

// What the two halves of the functions that HTTP filters call share: filter_host.cc has those about
// messages and answers, filter_host_stream.cc those about the stream as a whole.

namespace weir::http::host {

// What a hook may append beyond the buffer limit: as much as one received chunk can bring.
inline constexpr uint64_t kChunkBytes = 262144;

// Fills the table from `number` on.
void AddStreamCalls(weir_http_api* table);

inline FilterSlot* Slot(weir_stream* stream) {
  return reinterpret_cast<FilterSlot*>(stream);
}

inline bool IsView(weir_view v, size_t most) {
  return v.size <= most && (v.data != nullptr || v.size == 0);
}
inline bool IsBodyOf(uint32_t which) {
  return which == WEIR_REQUEST || which == WEIR_RESPONSE;
}
inline Direction DirectionOf(uint32_t which) {
  return which == WEIR_REQUEST || which == WEIR_REQUEST_TRAILERS ? kRequest : kResponse;
}

[[gnu::always_inline]] inline Message* MessageOf(weir_stream* stream, uint32_t which) {
  if (stream == nullptr || which > WEIR_RESPONSE_TRAILERS) return nullptr;
  FilterChain* chain = Slot(stream)->chain;
  Message* message = which == WEIR_REQUEST && chain->request() != nullptr
                         ? chain->request()
                         : chain->owner()->ChainMessage(which);
  return message == nullptr || message->empty() ? nullptr : message;
}

// Null when there is no such message or it has gone by.
inline Message* WritableOf(weir_stream* stream, uint32_t which) {
  Message* message = MessageOf(stream, which);
  if (message == nullptr || Slot(stream)->chain->dead()) return nullptr;
  return Slot(stream)->chain->owner()->ChainWritable(which) ? message : nullptr;
}

inline int32_t Give(std::string_view text, weir_view* value) {
  *value = View(text);
  return WEIR_OK;
}

inline int32_t Nothing(weir_view* value) {
  *value = {nullptr, 0};
  return WEIR_ERROR;
}

inline bool HasNoBody(uint32_t status) {
  return status == 204 || status == 304;
}

inline bool IsToHead(weir_stream* stream) {
  const Message* request = MessageOf(stream, WEIR_REQUEST);
  return request != nullptr && request->method() == "HEAD";
}

// A body that differs from its announced length would be cut, or read as the next message: the
// length goes while the head can still be changed, and after that the body cannot be changed.
// Filters that declare WEIR_FILTER_CHANGES_*_LENGTH had the length taken away before.
inline bool ForgetLength(weir_stream* stream, uint32_t which) {
  Message* message = MessageOf(stream, which);
  if (message == nullptr || message->has(WEIR_HEAD_NO_BODY)) return false;
  if (which == WEIR_RESPONSE && (HasNoBody(message->head().status) || IsToHead(stream)))
    return false;
  if (!message->has(WEIR_HEAD_HAS_LENGTH) || Slot(stream)->length_set[which]) return true;
  if (WritableOf(stream, which) == nullptr) return false;
  message->head().flags &= ~uint32_t{WEIR_HEAD_HAS_LENGTH};
  return true;
}

}  // namespace weir::http::host
