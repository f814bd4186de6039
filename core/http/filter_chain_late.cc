// What filters ask of their chain beyond answering its hooks: a new route, bytes between the hooks
// of a body, trailers for a message that has none.

#include <new>

#include "core/http/filter_chain.h"

namespace weir::http {
namespace {

// A piece beyond the limit may be as large as one received chunk.
constexpr uint64_t kChunkBytes = 262144;

}  // namespace

int32_t FilterChain::RefreshRoute(FilterSlot* slot) {
  const FilterSlot::Half& half = slot->half[kRequest];
  if (dead_ || closed_[kRequest] || !owner_->ChainWritable(WEIR_REQUEST)) return WEIR_REFUSED;
  if (!half.in_headers && !half.headers && !half.all) return WEIR_REFUSED;
  const Route* route = owner_->RefreshRoute();
  for (uint32_t i = 0; i < count_; ++i) {
    const auto index = static_cast<size_t>(slots_[i].entry - entries_);
    slots_[i].route_config =
        route == nullptr ? nullptr : const_cast<void*>(route->filter(index).config);
  }
  return route == nullptr ? WEIR_ERROR : WEIR_OK;
}

bool FilterChain::MayInject(const FilterSlot* slot, Direction d) const {
  const FilterSlot::Half& half = slot->half[d];
  const int step = Step(d, static_cast<int>(IndexOf(slot)));
  // What the filter withholds of the body, its end included, comes behind what it injects.
  const bool end_gone = end_step_[d] >= step && !half.data && !half.trailers;
  return !dead_ && !closed_[d] && !half.in_hook && !half.headers && !half.all &&
         headers_step_[d] > step && !end_gone;
}

uint64_t FilterChain::BytesAhead(const FilterSlot* slot, Direction d) const {
  uint64_t ahead = owner_->BytesAhead(d);
  const SliceQueue* injected = slot->half[d].injected;
  if (injected != nullptr) ahead += injected->bytes();
  for (int i = Next(d, static_cast<int>(IndexOf(slot))); In(i); i = Next(d, i)) {
    const SliceQueue* body = slots_[i].half[d].body;
    if (body != nullptr) ahead += body->bytes();
  }
  return ahead;
}

// What is passed on now would run other filters' hooks inside of this one's call: it waits for the
// deferred phase, or for what comes next of the body.
int32_t FilterChain::Inject(FilterSlot* slot, Direction d, std::string_view data) {
  FilterSlot::Half& half = slot->half[d];
  const uint64_t limit = slot->limit[d];
  if (BytesAhead(slot, d) >= limit || data.size() > limit + kChunkBytes) return WEIR_NO_ROOM;
  if (half.injected == nullptr) {
    void* memory = arena_->Allocate(sizeof(SliceQueue), alignof(SliceQueue));
    if (memory == nullptr) return WEIR_NO_ROOM;
    half.injected = new (memory) SliceQueue(pool_);
    has_queues_ = true;
  }
  // From now on the filter has to do with this half.
  hooks_ |= FilterEntry::HooksOfHalf(d);
  half.injected->Append(data.data(), data.size());
  owner_->RequestResume();
  return WEIR_OK;
}

bool FilterChain::SendInjected(Direction d, int i) {
  const uint32_t run = run_[d];
  SliceQueue* injected = slots_[i].half[d].injected;
  if (injected->empty()) return true;
  SliceQueue data(pool_);
  injected->MoveTo(&data);
  PassData(d, Next(d, i), &data, false);
  return Going(d, run);
}

int32_t FilterChain::AddTrailers(FilterSlot* slot, Direction d) {
  FilterSlot::Half& half = slot->half[d];
  const uint32_t which = d == kRequest ? WEIR_REQUEST_TRAILERS : WEIR_RESPONSE_TRAILERS;
  if (dead_ || closed_[d] || half.in_headers || (!half.in_hook && !half.stopped()))
    return WEIR_REFUSED;
  if (owner_->ChainMessage(which) != nullptr)
    return owner_->ChainWritable(which) ? WEIR_OK : WEIR_REFUSED;
  if (!half.end) return WEIR_REFUSED;
  if (owner_->MakeTrailers(d) == nullptr) return WEIR_NO_ROOM;
  half.made_trailers = true;
  return WEIR_OK;
}

const FilterEntry* FilterChain::Withholder(Direction direction) const {
  for (int i = First(direction); In(i); i = Next(direction, i)) {
    if (slots_[i].half[direction].stopped()) return slots_[i].entry;
  }
  return nullptr;
}

}  // namespace weir::http
