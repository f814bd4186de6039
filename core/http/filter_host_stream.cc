#include <string_view>

#include "core/http/filter_host_calls.h"

namespace weir::http::host {
namespace {

constexpr uint64_t kMaxBufferLimit = uint64_t{1} << 30;
constexpr size_t kMaxViewBytes = 262144;

constexpr std::string_view kFlagNames[] = {
#define WEIR_FLAG(name, text) text,
    WEIR_RESPONSE_FLAGS(WEIR_FLAG)
#undef WEIR_FLAG
};

bool IsAlive(weir_stream* stream) {
  return stream != nullptr && !Slot(stream)->chain->dead();
}

int32_t Number(weir_stream* stream, uint32_t id, int64_t* value) {
  if (stream == nullptr || value == nullptr) return WEIR_REFUSED;
  *value = 0;
  return Slot(stream)->chain->owner()->Number(id, value) ? WEIR_OK : WEIR_ERROR;
}

int32_t GetMetadata(weir_stream* stream, weir_view space, weir_view key, weir_view* value) {
  if (stream == nullptr || value == nullptr || !IsView(space, kMaxViewBytes) ||
      !IsView(key, kMaxViewBytes))
    return WEIR_REFUSED;
  FilterChain* chain = Slot(stream)->chain;
  std::string_view note = chain->notes().Find(View(space), View(key));
  if (note.data() == nullptr) note = chain->owner()->ConnectionNote(View(space), View(key));
  return note.data() == nullptr ? Nothing(value) : Give(note, value);
}

int32_t SetMetadata(weir_stream* stream, weir_view space, weir_view key, weir_view value) {
  if (!IsAlive(stream) || !IsView(space, kMaxViewBytes) || !IsView(key, kMaxViewBytes) ||
      (value.data == nullptr && value.size != 0) || key.size == 0)
    return WEIR_REFUSED;
  FilterChain* chain = Slot(stream)->chain;
  return chain->notes().Set(chain->arena(), View(space), View(key), View(value)) ? WEIR_OK
                                                                                 : WEIR_NO_ROOM;
}

int32_t SetFlag(weir_stream* stream, weir_view flag) {
  if (!IsAlive(stream) || !IsView(flag, kMaxViewBytes)) return WEIR_REFUSED;
  for (size_t i = 0; i < std::size(kFlagNames); ++i) {
    if (kFlagNames[i] != View(flag)) continue;
    Slot(stream)->chain->owner()->AddFlag(static_cast<observe::ResponseFlag>(i));
    return WEIR_OK;
  }
  return WEIR_REFUSED;
}

int32_t SetBufferLimit(weir_stream* stream, uint32_t which, uint64_t bytes) {
  if (!IsAlive(stream) || !IsBodyOf(which)) return WEIR_REFUSED;
  if (bytes > kMaxBufferLimit) return WEIR_NO_ROOM;
  Slot(stream)->limit[which] = bytes;
  return WEIR_OK;
}

int32_t RefreshRoute(weir_stream* stream) {
  return stream == nullptr ? WEIR_REFUSED : Slot(stream)->chain->RefreshRoute(Slot(stream));
}

int32_t Inject(weir_stream* stream, uint32_t which, weir_view data) {
  if (!IsAlive(stream) || !IsBodyOf(which) || (data.data == nullptr && data.size != 0))
    return WEIR_REFUSED;
  FilterChain* chain = Slot(stream)->chain;
  if (!chain->MayInject(Slot(stream), DirectionOf(which))) return WEIR_REFUSED;
  if (data.size == 0) return WEIR_OK;
  if (!ForgetLength(stream, which)) return WEIR_REFUSED;
  return chain->Inject(Slot(stream), DirectionOf(which), View(data));
}

int32_t AddTrailers(weir_stream* stream, uint32_t which) {
  if (!IsAlive(stream) || (which != WEIR_REQUEST_TRAILERS && which != WEIR_RESPONSE_TRAILERS))
    return WEIR_REFUSED;
  const Direction d = DirectionOf(which);
  Message* message = MessageOf(stream, d);
  if (message == nullptr || message->has(WEIR_HEAD_NO_BODY | WEIR_HEAD_TUNNEL)) return WEIR_REFUSED;
  if (d == kResponse && (HasNoBody(message->head().status) || IsToHead(stream)))
    return WEIR_REFUSED;
  const bool had = MessageOf(stream, which) != nullptr;
  const int32_t status = Slot(stream)->chain->AddTrailers(Slot(stream), d);
  // Where a length is announced HTTP/1.1 has no place for trailers.
  if (status == WEIR_OK && !had && WritableOf(stream, d) != nullptr)
    message->head().flags &= ~uint32_t{WEIR_HEAD_HAS_LENGTH};
  return status;
}

}  // namespace

void AddStreamCalls(weir_http_api* table) {
  table->number = Number;
  table->metadata = GetMetadata;
  table->set_metadata = SetMetadata;
  table->set_flag = SetFlag;
  table->set_buffer_limit = SetBufferLimit;
  table->refresh_route = RefreshRoute;
  table->inject = Inject;
  table->add_trailers = AddTrailers;
}

}  // namespace weir::http::host
