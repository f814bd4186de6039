#include "core/http/filter_chain.h"

#include <cstring>
#include <new>

namespace weir::http {
namespace {

using Stop = FilterSlot::Stop;

weir_stream* Handle(FilterSlot& slot) { return reinterpret_cast<weir_stream*>(&slot); }

bool Paused(Stop stop) { return stop == Stop::kDataWatermark || stop == Stop::kAllWatermark; }
bool HoldsHeaders(Stop stop) { return stop == Stop::kHeaders || stop == Stop::kAll || stop == Stop::kAllWatermark; }
bool HoldsAll(Stop stop) { return stop == Stop::kAll || stop == Stop::kAllWatermark; }

Stop FromStatus(int32_t status, bool headers) {
  switch (status) {
    case WEIR_STOP_WATERMARK:
      return Stop::kDataWatermark;
    case WEIR_STOP_ALL:
      return Stop::kAll;
    case WEIR_STOP_ALL_WATERMARK:
      return Stop::kAllWatermark;
    default:
      return headers ? Stop::kHeaders : Stop::kData;
  }
}

}  // namespace

bool FilterChain::Build(const std::vector<FilterEntry>& entries, const Route* route, uint32_t buffer_limit) {
  buffer_limit_ = buffer_limit;
  if (entries.empty()) return true;
  slots_ = arena_->AllocateArray<FilterSlot>(entries.size());
  if (slots_ == nullptr) return false;
  for (size_t i = 0; i < entries.size(); ++i) {
    const FilterEntry& entry = entries[i];
    const FilterOverride* over = route == nullptr ? nullptr : &route->filter(i);
    const bool off = over == nullptr || over->state == FilterOverride::State::kUnset
                         ? entry.disabled
                         : over->state == FilterOverride::State::kDisabled;
    if (off) continue;
    auto* slot = new (&slots_[count_]) FilterSlot{};
    slot->chain = this;
    slot->entry = &entry;
    slot->route_config = over == nullptr ? nullptr : const_cast<void*>(over->config);
    slot->self = entry.config;
    if (entry.api->state_size > 0) {
      slot->self = arena_->Allocate(entry.api->state_size, 16);
      if (slot->self == nullptr) return false;
      std::memset(slot->self, 0, entry.api->state_size);
    }
    if (entry.api->create != nullptr && entry.api->create(slot->self, entry.config, Handle(*slot)) < 0) {
      owner_->OnChainFailure(entry);
      return false;
    }
    ++count_;
    if ((entry.api->flags & WEIR_FILTER_CHANGES_REQUEST_LENGTH) != 0) changes_length_[kRequest] = true;
    if ((entry.api->flags & WEIR_FILTER_CHANGES_RESPONSE_LENGTH) != 0) changes_length_[kResponse] = true;
  }
  return true;
}

SliceQueue* FilterChain::Body(FilterSlot* slot, Direction direction) {
  SliceQueue*& body = slot->half[direction].body;
  if (body == nullptr) {
    void* memory = arena_->Allocate(sizeof(SliceQueue), alignof(SliceQueue));
    if (memory != nullptr) body = new (memory) SliceQueue(pool_);
  }
  return body;
}

bool FilterChain::AfterHook(FilterSlot& slot, int32_t status) {
  if (status < 0) {
    owner_->OnChainFailure(*slot.entry);
    return true;
  }
  return owner_->RunPendingAction() || dead_;
}

bool FilterChain::OverLimit(Direction d, const FilterSlot& slot) {
  const FilterSlot::Half& half = slot.half[d];
  if (Paused(half.stop) || half.body == nullptr || half.body->bytes() <= buffer_limit_) return false;
  owner_->OnChainOverflow(d);
  return true;
}

uint64_t FilterChain::HeldBytes(Direction direction) const {
  uint64_t held = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    const FilterSlot::Half& half = slots_[i].half[direction];
    if (half.body != nullptr && Paused(half.stop)) held += half.body->bytes();
  }
  return held;
}

void FilterChain::Headers(Direction direction, bool end_stream) {
  bodiless_[direction] = end_stream;
  if (!dead_) PassHeaders(direction, First(direction), end_stream);
}

void FilterChain::Data(Direction direction, SliceQueue* data, bool end_stream) {
  if (!dead_) PassData(direction, First(direction), data, end_stream);
}

void FilterChain::Trailers(Direction direction) {
  if (!dead_) PassTrailers(direction, First(direction));
}

void FilterChain::PassHeaders(Direction d, int i, bool end) {
  for (; In(i); i = Next(d, i)) {
    FilterSlot& slot = slots_[i];
    const auto hook = d == kRequest ? slot.entry->api->request_headers : slot.entry->api->response_headers;
    if (hook == nullptr) continue;
    const int32_t status = hook(slot.self, Handle(slot), end ? 1 : 0);
    if (AfterHook(slot, status)) return;
    FilterSlot::Half& half = slot.half[d];
    if (status != WEIR_CONTINUE) {
      half.stop = FromStatus(status, true);
      half.end = end;
      return;
    }
    if (half.body != nullptr && !half.body->empty()) {
      // A body that the filter gave to a message without one: the headers go first, without their end.
      SliceQueue added(pool_);
      half.body->MoveTo(&added);
      PassHeaders(d, Next(d, i), false);
      if (!dead_) PassData(d, Next(d, i), &added, end);
      return;
    }
  }
  owner_->OnChainHeaders(d, end);
}

void FilterChain::PassData(Direction d, int i, SliceQueue* data, bool end) {
  for (; In(i); i = Next(d, i)) {
    FilterSlot& slot = slots_[i];
    FilterSlot::Half& half = slot.half[d];
    const auto hook = d == kRequest ? slot.entry->api->request_data : slot.entry->api->response_data;
    if (hook == nullptr && half.stop == Stop::kNone) continue;
    SliceQueue* body = Body(&slot, d);
    if (body == nullptr) return owner_->OnChainOverflow(d);
    data->MoveTo(body);
    half.end = half.end || end;
    if (hook == nullptr || HoldsAll(half.stop)) {
      OverLimit(d, slot);
      return;
    }
    const int32_t status = hook(slot.self, Handle(slot), half.end ? 1 : 0);
    if (AfterHook(slot, status)) return;
    if (status != WEIR_CONTINUE) {
      // Headers that are held stay held.
      if (half.stop != Stop::kHeaders) half.stop = FromStatus(status, false);
      OverLimit(d, slot);
      return;
    }
    const bool headers_next = HoldsHeaders(half.stop);
    half.stop = Stop::kNone;
    body->MoveTo(data);
    if (headers_next) {
      const bool all = end && data->empty();
      PassHeaders(d, Next(d, i), all);
      if (dead_ || all) return;
    }
  }
  owner_->OnChainData(d, data, end);
}

void FilterChain::PassTrailers(Direction d, int i) {
  for (; In(i); i = Next(d, i)) {
    FilterSlot& slot = slots_[i];
    FilterSlot::Half& half = slot.half[d];
    const auto hook = d == kRequest ? slot.entry->api->request_trailers : slot.entry->api->response_trailers;
    if (hook == nullptr && half.stop == Stop::kNone) continue;
    if (hook == nullptr || HoldsAll(half.stop)) {
      half.trailers = true;
      return;
    }
    const int32_t status = hook(slot.self, Handle(slot));
    if (AfterHook(slot, status)) return;
    if (status != WEIR_CONTINUE) {
      half.trailers = true;
      if (half.stop == Stop::kNone) half.stop = Stop::kTrailers;
      return;
    }
    // What the filter held goes before the trailers.
    const Stop stop = half.stop;
    half.stop = Stop::kNone;
    Release(d, i, stop);
    if (dead_) return;
  }
  owner_->OnChainTrailers(d);
}

// Passes on what a filter held, from the filter after it.
void FilterChain::Release(Direction d, int i, Stop stop) {
  FilterSlot::Half& half = slots_[i].half[d];
  SliceQueue held(pool_);
  if (half.body != nullptr) half.body->MoveTo(&held);
  const bool end = half.end;
  if (HoldsHeaders(stop)) {
    const bool all = end && held.empty();
    PassHeaders(d, Next(d, i), all);
    if (dead_ || all) return;
  }
  if (!held.empty() || (end && stop != Stop::kNone)) PassData(d, Next(d, i), &held, end);
}

bool FilterChain::AskResume(FilterSlot* slot, Direction direction) {
  if (dead_) return false;
  slot->half[direction].resume = true;
  owner_->RequestResume();
  return true;
}

void FilterChain::RunResumes() {
  for (int d = 0; d < 2; ++d) {
    for (uint32_t i = 0; i < count_ && !dead_; ++i) {
      if (!slots_[i].half[d].resume) continue;
      slots_[i].half[d].resume = false;
      Resume(static_cast<Direction>(d), static_cast<int>(i));
    }
  }
}

void FilterChain::Resume(Direction d, int i) {
  FilterSlot::Half& half = slots_[i].half[d];
  const Stop stop = half.stop;
  if (stop == Stop::kNone) return;  // nothing is stopped: nothing to resume
  half.stop = Stop::kNone;
  const bool trailers = half.trailers;
  half.trailers = false;
  if (HoldsAll(stop)) {
    // Iteration starts again at this filter, so that it sees the body that came meanwhile.
    SliceQueue held(pool_);
    if (half.body != nullptr) half.body->MoveTo(&held);
    const bool end = half.end;
    const bool all = end && held.empty();
    PassHeaders(d, Next(d, i), all);
    if (!dead_ && !all && (!held.empty() || end)) PassData(d, i, &held, end);
    if (!dead_ && trailers) PassTrailers(d, i);
    return;
  }
  Release(d, i, stop);
  if (!dead_ && trailers) PassTrailers(d, stop == Stop::kTrailers ? Next(d, i) : i);
}

bool FilterChain::Interim() {
  for (int i = static_cast<int>(count_) - 1; i >= 0 && !dead_; --i) {
    FilterSlot& slot = slots_[i];
    if (slot.entry->api->response_interim == nullptr) continue;
    const int32_t status = slot.entry->api->response_interim(slot.self, Handle(slot));
    if (AfterHook(slot, status)) return false;
    if (status != WEIR_CONTINUE) return false;  // withheld
  }
  return !dead_;
}

void FilterChain::Complete() {
  if (completed_) return;
  completed_ = true;
  for (uint32_t i = 0; i < count_; ++i) {
    FilterSlot& slot = slots_[i];
    if (slot.entry->api->complete != nullptr) slot.entry->api->complete(slot.self, Handle(slot));
  }
}

void FilterChain::Destroy() {
  dead_ = true;
  DropTicket();
  for (uint32_t i = 0; i < count_; ++i) {
    FilterSlot& slot = slots_[i];
    if (slot.entry->api->destroy != nullptr && slot.entry->api->state_size > 0) slot.entry->api->destroy(slot.self);
    for (FilterSlot::Half& half : slot.half) {
      if (half.body != nullptr) half.body->~SliceQueue();
      half.body = nullptr;
    }
  }
  count_ = 0;
}

}  // namespace weir::http
