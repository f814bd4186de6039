#include "core/http/filter_chain.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace weir::http {
namespace {

weir_stream* Handle(FilterSlot& slot) {
  return reinterpret_cast<weir_stream*>(&slot);
}

// What a failure's line calls the hooks.
constexpr const char* kHeaders[] = {"request_headers", "response_headers"};
constexpr const char* kData[] = {"request_data", "response_data"};
constexpr const char* kTrailers[] = {"request_trailers", "response_trailers"};
constexpr const char* kInterim[] = {nullptr, "response_interim"};
constexpr size_t kSmallState = 16;
// What a hook that threw is taken to have answered.
constexpr int32_t kThrew = INT32_MIN;

}  // namespace

uint8_t FilterEntry::HooksOf(const weir_http_filter_api& api) {
  uint8_t hooks = 0;
  const auto add = [&hooks](uint8_t bit, bool there) {
    if (there) hooks = static_cast<uint8_t>(hooks | bit);
  };
  add(HooksOfHalf(kRequest), api.request_headers != nullptr || api.request_data != nullptr ||
                                 api.request_trailers != nullptr ||
                                 (api.flags & WEIR_FILTER_CHANGES_REQUEST_LENGTH) != 0);
  add(HooksOfHalf(kResponse), api.response_headers != nullptr || api.response_data != nullptr ||
                                  api.response_trailers != nullptr ||
                                  (api.flags & WEIR_FILTER_CHANGES_RESPONSE_LENGTH) != 0);
  add(kHooksInterim, api.response_interim != nullptr);
  add(kHooksComplete, api.complete != nullptr);
  add(kHooksDestroy, api.destroy != nullptr && api.state_size > 0);
  add(kHooksLater, api.request_data != nullptr || api.request_trailers != nullptr ||
                       api.response_headers != nullptr || api.response_data != nullptr ||
                       api.response_trailers != nullptr || api.response_interim != nullptr ||
                       api.complete != nullptr);
  add(ChangesLength(kRequest), (api.flags & WEIR_FILTER_CHANGES_REQUEST_LENGTH) != 0);
  add(ChangesLength(kResponse), (api.flags & WEIR_FILTER_CHANGES_RESPONSE_LENGTH) != 0);
  return hooks;
}

// Calls a hook of one half of a filter. No exception may leave a plugin; one that does all the same
// is a failure like any other, as far as the two sides share their runtime library.
template <class Hook, class... Args>
[[gnu::always_inline]] inline int32_t FilterChain::Call(Hook hook, FilterSlot& slot, Direction d,
                                                        Args... args) {
  slot.half[d].in_hook = true;
  int32_t status = kThrew;
  const uint64_t start = HookClock::Now();
  try {
    status = hook(slot.self, Handle(slot), args...);
  } catch (...) {
  }
  SlotHookTimes::Note(slot.entry->time, start, &slot.quick);
  slot.half[d].in_hook = false;
  return status;
}

// Counts a failure, and writes the line that says whose it was.
void FilterChain::Blame(const FilterEntry& entry, const char* hook, int32_t status) {
  owner_->CountFailure(entry);
  if (entry.throttle == nullptr) return;
  if (status == kThrew) {
    base::LogThrottled(base::LogLevel::kWarn, entry.throttle.get(),
                       "http filter %s of plugin %s failed: an exception left %s",
                       entry.name.c_str(), entry.plugin.c_str(), hook);
  } else {
    base::LogThrottled(base::LogLevel::kWarn, entry.throttle.get(),
                       "http filter %s of plugin %s failed: %s answered %d", entry.name.c_str(),
                       entry.plugin.c_str(), hook, status);
  }
}

bool FilterChain::Build(const std::vector<FilterEntry>& entries, const Route* route,
                        uint32_t buffer_limit) {
  entries_ = entries.data();
  const bool overrides = route != nullptr && route->has_filter_overrides();
  for (const FilterEntry& entry : entries) {
    if (entry.idle) continue;
    const void* route_config = nullptr;
    if (overrides) {
      const FilterOverride& over = route->filter(static_cast<size_t>(&entry - entries_));
      if (!over.Runs(entry.disabled)) continue;
      route_config = over.config;
    } else if (entry.disabled) {
      continue;
    }
    if (slots_ == nullptr && !MakeSlots(entries.data() + entries.size() - &entry)) return false;
    if (!Add(entry, const_cast<void*>(route_config), buffer_limit)) return false;
  }
  return true;
}

bool FilterChain::MakeSlots(ptrdiff_t most) {
  request_ = owner_->ChainMessage(WEIR_REQUEST);
  slots_ = arena_->AllocateArray<FilterSlot>(static_cast<size_t>(most));
  return slots_ != nullptr;
}

[[gnu::always_inline]] inline bool FilterChain::Add(const FilterEntry& entry, void* route_config,
                                                    uint32_t buffer_limit) {
  auto* slot =
      new (&slots_[count_]) FilterSlot(this, &entry, entry.config, route_config, buffer_limit);
  if (const size_t size = entry.api->state_size; size > 0) {
    // Most are small: what every one has is set without a call.
    auto* state = static_cast<uint8_t*>(arena_->Allocate(std::max(size, kSmallState), 16));
    if (state == nullptr) return false;
    std::memset(state, 0, kSmallState);
    if (size > kSmallState) std::memset(state + kSmallState, 0, size - kSmallState);
    slot->self = state;
  }
  if (!Create(slot)) return false;
  ++count_;
  hooks_ |= entry.hooks;
  return true;
}

bool FilterChain::Create(FilterSlot* slot) {
  const auto create = slot->entry->api->create;
  if (create == nullptr) return true;
  int32_t status = kThrew;
  const uint64_t start = HookClock::Now();
  try {
    status = create(slot->self, slot->entry->config, Handle(*slot));
  } catch (...) {
  }
  SlotHookTimes::Note(slot->entry->time, start, &slot->quick);
  if (status == WEIR_OK) return true;
  Blame(*slot->entry, "create", status);
  owner_->OnChainFailure(*slot->entry);
  return false;
}

SliceQueue* FilterChain::Body(FilterSlot* slot, Direction direction) {
  SliceQueue*& body = slot->half[direction].body;
  if (body == nullptr) {
    void* memory = arena_->Allocate(sizeof(SliceQueue), alignof(SliceQueue));
    if (memory != nullptr) body = new (memory) SliceQueue(pool_);
    has_queues_ = true;
  }
  return body;
}

void FilterChain::Fail(const FilterSlot& slot, const char* hook, int32_t status) {
  Blame(*slot.entry, hook, status);
  owner_->OnChainFailure(*slot.entry);
}

[[gnu::always_inline]] inline bool FilterChain::AfterHook(Direction d, const FilterSlot& slot,
                                                          const char* const* hooks,
                                                          int32_t status) {
  const bool failed = static_cast<uint32_t>(status) > WEIR_STOP_ALL_WATERMARK;
  if (!failed && !action_asked_) return dead_ || closed_[d];
  const uint32_t run = run_[d];
  if (failed) {
    Fail(slot, hooks[d], status);
  } else {
    action_asked_ = false;
    if (!owner_->RunPendingAction()) return !Going(d, run);
  }
  if (run_[d] == run) Close(d);
  return true;
}

void FilterChain::Close(Direction direction) {
  closed_[direction] = true;
  if (Quiet(direction)) return;
  for (uint32_t i = 0; i < count_; ++i) {
    FilterSlot::Half& half = slots_[i].half[direction];
    half.resume = false;
    if (half.body != nullptr) half.body->Clear();
    if (half.injected != nullptr) half.injected->Clear();
  }
}

bool FilterChain::OverLimit(Direction d, const FilterSlot& slot) {
  const FilterSlot::Half& half = slot.half[d];
  if (half.paused || half.body == nullptr || half.body->bytes() <= slot.limit[d]) return false;
  Overflow(d);
  return true;
}

void FilterChain::Overflow(Direction d) {
  const uint32_t run = run_[d];
  owner_->OnChainOverflow(d);
  if (run_[d] == run) Close(d);
}

uint64_t FilterChain::HeldBytes(Direction direction) const {
  uint64_t held = 0;
  if (Quiet(direction)) return 0;
  for (uint32_t i = 0; i < count_; ++i) {
    const FilterSlot::Half& half = slots_[i].half[direction];
    const uint64_t limit = slots_[i].limit[direction];
    // Up to the limit the sender goes on, for the filter may wait for more than a window.
    if (half.body != nullptr && half.paused && half.body->bytes() > limit)
      held += half.body->bytes() - limit;
  }
  return held;
}

void FilterChain::Headers(Direction direction, bool end_stream) {
  if (dead_) return;
  if (run_[direction]++ > 0) {
    Close(direction);
    for (uint32_t i = 0; !Quiet(direction) && i < count_; ++i) {
      FilterSlot::Half& half = slots_[i].half[direction];
      SliceQueue* body = half.body;
      SliceQueue* injected = half.injected;
      half = FilterSlot::Half{};
      half.body = body;
      half.injected = injected;
    }
    headers_step_[direction] = 0;
    end_step_[direction] = -1;
  }
  closed_[direction] = false;
  bodiless_[direction] = end_stream;
  PassHeaders(direction, First(direction), end_stream);
}

void FilterChain::Data(Direction direction, SliceQueue* data, bool end_stream) {
  if (dead_ || closed_[direction]) return data->Clear();
  PassData(direction, First(direction), data, end_stream);
}

void FilterChain::Trailers(Direction direction) {
  if (!dead_ && !closed_[direction]) PassTrailers(direction, First(direction));
}

// The announced length goes with the first filter that may change it, after its hook, which could
// still read it. HEAD and 304 announce the length of a body that is not there, and a message
// without a body keeps what it says of itself.
void FilterChain::ForgetLength(Direction d, const FilterSlot& slot, bool end) {
  const uint32_t flag = d == kRequest ? uint32_t{WEIR_FILTER_CHANGES_REQUEST_LENGTH}
                                      : uint32_t{WEIR_FILTER_CHANGES_RESPONSE_LENGTH};
  if ((slot.entry->api->flags & flag) == 0 || slot.length_set[d]) return;
  const SliceQueue* body = slot.half[d].body;
  if (end && (body == nullptr || body->empty())) return;
  Message* message = owner_->ChainMessage(d == kRequest ? WEIR_REQUEST : WEIR_RESPONSE);
  if (message == nullptr || message->has(WEIR_HEAD_NO_BODY)) return;
  message->head().flags &= ~uint32_t{WEIR_HEAD_HAS_LENGTH};
}

void FilterChain::HoldHeaders(Direction d, int i, bool end, int32_t status) {
  FilterSlot& slot = slots_[i];
  FilterSlot::Half& half = slot.half[d];
  HeadersAt(d, i, end);
  half.headers = true;
  half.all = status == WEIR_STOP_ALL || status == WEIR_STOP_ALL_WATERMARK;
  half.paused = status == WEIR_STOP_WATERMARK || status == WEIR_STOP_ALL_WATERMARK;
  half.end = end;
  OverLimit(d, slot);
}

void FilterChain::PassHeaders(Direction d, int i, bool end) {
  const uint32_t run = run_[d];
  for (; In(i); i = Next(d, i)) {
    FilterSlot& slot = slots_[i];
    const auto hook =
        d == kRequest ? slot.entry->api->request_headers : slot.entry->api->response_headers;
    if (hook == nullptr) {
      if (ChangesLength(d)) ForgetLength(d, slot, end);
      continue;
    }
    FilterSlot::Half& half = slot.half[d];
    half.in_headers = true;
    const int32_t status = Call(hook, slot, d, uint32_t{end});
    half.in_headers = false;
    if (AfterHook(d, slot, kHeaders, status)) return;
    if (ChangesLength(d)) ForgetLength(d, slot, end);
    if (status != WEIR_CONTINUE) return HoldHeaders(d, i, end, status);
    if (has_queues_ && half.body != nullptr && !half.body->empty()) {
      // A body that the filter gave to a message without one: the headers go first, without their
      // end.
      SliceQueue added(pool_);
      half.body->MoveTo(&added);
      PassHeaders(d, Next(d, i), false);
      if (Going(d, run)) PassData(d, Next(d, i), &added, end);
      return;
    }
  }
  HeadersAt(d, i, end);
  owner_->OnChainHeaders(d, end);
}

void FilterChain::PassData(Direction d, int i, SliceQueue* data, bool end) {
  const uint32_t run = run_[d];
  for (; In(i); i = Next(d, i)) {
    FilterSlot& slot = slots_[i];
    FilterSlot::Half& half = slot.half[d];
    const auto hook =
        d == kRequest ? slot.entry->api->request_data : slot.entry->api->response_data;
    if (half.injected != nullptr && !SendInjected(d, i)) return;
    if (hook == nullptr && !half.stopped()) continue;
    SliceQueue* body = Body(&slot, d);
    if (body == nullptr) return Overflow(d);
    data->MoveTo(body);
    if (end) EndAt(d, i);
    half.end = half.end || end;
    if (hook == nullptr || half.all) {
      OverLimit(d, slot);
      return;
    }
    const int32_t status = Call(hook, slot, d, uint32_t{half.end});
    if (AfterHook(d, slot, kData, status)) return;
    if (status != WEIR_CONTINUE) {
      half.data = true;
      half.paused = status == WEIR_STOP_WATERMARK || status == WEIR_STOP_ALL_WATERMARK;
      OverLimit(d, slot);
      return;
    }
    const bool headers_next = half.headers;
    const bool trailers = std::exchange(half.made_trailers, false);
    half.headers = half.data = half.paused = false;
    body->MoveTo(data);
    if (headers_next) {
      const bool all = end && data->empty() && !trailers;
      PassHeaders(d, Next(d, i), all);
      if (!Going(d, run) || all) return;
    }
    if (trailers) return PassWithTrailers(d, Next(d, i), data);
  }
  if (end) EndAt(d, i);
  owner_->OnChainData(d, data, end);
}

// The end of a body behind which there are trailers now.
void FilterChain::PassWithTrailers(Direction d, int i, SliceQueue* data) {
  const uint32_t run = run_[d];
  if (!data->empty()) PassData(d, i, data, false);
  if (Going(d, run)) PassTrailers(d, i);
}

// The end of the body for a filter that does not look at trailers. False: it holds the message.
bool FilterChain::LastData(Direction d, int i) {
  FilterSlot& slot = slots_[i];
  FilterSlot::Half& half = slot.half[d];
  const auto hook = d == kRequest ? slot.entry->api->request_data : slot.entry->api->response_data;
  if (hook == nullptr || half.all) return !half.stopped();
  const int32_t status = Call(hook, slot, d, 1u);
  if (AfterHook(d, slot, kData, status)) return false;
  if (status == WEIR_CONTINUE) return true;
  half.data = true;
  half.paused = status == WEIR_STOP_WATERMARK || status == WEIR_STOP_ALL_WATERMARK;
  OverLimit(d, slot);
  return false;
}

void FilterChain::PassTrailers(Direction d, int i) {
  const uint32_t run = run_[d];
  for (; In(i); i = Next(d, i)) {
    FilterSlot& slot = slots_[i];
    FilterSlot::Half& half = slot.half[d];
    const auto hook =
        d == kRequest ? slot.entry->api->request_trailers : slot.entry->api->response_trailers;
    if (half.injected != nullptr && !SendInjected(d, i)) return;
    EndAt(d, i);
    if (half.all) {
      half.trailers = true;
      return;
    }
    bool go = true;
    half.trailers_shown = true;
    if (hook == nullptr) {
      go = LastData(d, i);
    } else {
      const int32_t status = Call(hook, slot, d);
      if (AfterHook(d, slot, kTrailers, status)) return;
      go = status == WEIR_CONTINUE;
    }
    if (!Going(d, run)) return;
    if (!go) {
      half.trailers = true;
      return;
    }
    // What the filter held goes before the trailers.
    Release(d, i);
    if (!Going(d, run)) return;
  }
  EndAt(d, i);
  owner_->OnChainTrailers(d);
}

// Passes on what a filter held, from the filter after it.
void FilterChain::Release(Direction d, int i) {
  const uint32_t run = run_[d];
  FilterSlot::Half& half = slots_[i].half[d];
  SliceQueue held(pool_);
  if (half.body != nullptr) half.body->MoveTo(&held);
  const bool headers = half.headers;
  // An end that was not held has gone by.
  const bool end = half.end && half.stopped();
  const bool made = std::exchange(half.made_trailers, false) && end;
  half.headers = half.all = half.data = half.trailers = half.paused = false;
  if (headers) {
    const bool all = end && held.empty() && !made;
    PassHeaders(d, Next(d, i), all);
    if (!Going(d, run) || all) return;
  }
  if (made) return PassWithTrailers(d, Next(d, i), &held);
  if (!held.empty() || end) PassData(d, Next(d, i), &held, end);
}

bool FilterChain::AskResume(FilterSlot* slot, Direction direction) {
  if (dead_) return false;
  FilterSlot::Half& half = slot->half[direction];
  // What is not stopped needs no resume, and must not be resumed when it stops later.
  if (closed_[direction] || (!half.in_hook && !half.stopped())) return true;
  half.resume = true;
  owner_->RequestResume();
  return true;
}

void FilterChain::RunResumes() {
  for (int d = 0; d < 2; ++d) {
    for (uint32_t i = 0; i < count_ && !dead_; ++i) {
      FilterSlot::Half& half = slots_[i].half[d];
      const auto direction = static_cast<Direction>(d);
      if (half.injected != nullptr) SendInjected(direction, static_cast<int>(i));
      if (dead_ || !std::exchange(half.resume, false)) continue;
      Resume(direction, static_cast<int>(i));
    }
  }
}

void FilterChain::Resume(Direction d, int i) {
  const uint32_t run = run_[d];
  FilterSlot::Half& half = slots_[i].half[d];
  if (closed_[d] || !half.stopped()) return;
  const bool trailers = half.trailers;
  if (!half.all) {
    const bool shown = half.trailers_shown;
    Release(d, i);
    if (trailers && Going(d, run)) PassTrailers(d, shown ? Next(d, i) : i);
    return;
  }
  // Iteration starts again at this filter, so that it sees the body that came meanwhile.
  half.headers = half.all = half.data = half.trailers = half.paused = false;
  SliceQueue held(pool_);
  if (half.body != nullptr) half.body->MoveTo(&held);
  const bool made = std::exchange(half.made_trailers, false);
  if (made) half.end = false;
  const bool end = half.end;
  const bool all = end && held.empty();
  PassHeaders(d, Next(d, i), all);
  if (!Going(d, run) || all) return;
  if (!held.empty() || end) PassData(d, i, &held, end);
  if ((trailers || made) && Going(d, run)) PassTrailers(d, i);
}

bool FilterChain::Interim() {
  if ((hooks_ & FilterEntry::kHooksInterim) == 0) return !dead_;
  for (int i = static_cast<int>(count_) - 1; i >= 0 && !dead_; --i) {
    FilterSlot& slot = slots_[i];
    if (slot.entry->api->response_interim == nullptr) continue;
    const int32_t status = Call(slot.entry->api->response_interim, slot, kResponse);
    if (AfterHook(kResponse, slot, kInterim, status)) return false;
    if (status != WEIR_CONTINUE) return false;  // withheld
  }
  return !dead_;
}

void FilterChain::Complete() {
  if (completed_) return;
  completed_ = true;
  if ((hooks_ & FilterEntry::kHooksComplete) == 0) return;
  for (uint32_t i = 0; i < count_; ++i) {
    FilterSlot& slot = slots_[i];
    if (slot.entry->api->complete == nullptr) continue;
    const uint64_t start = HookClock::Now();
    try {
      slot.entry->api->complete(slot.self, Handle(slot));
    } catch (...) {
      Blame(*slot.entry, "complete", kThrew);
    }
    SlotHookTimes::Note(slot.entry->time, start, &slot.quick);
  }
}

void FilterChain::Destroy() {
  dead_ = true;
  DropTicket();
  for (uint32_t i = 0; i < count_; ++i) {
    FilterSlot& slot = slots_[i];
    if ((slot.entry->hooks & FilterEntry::kHooksDestroy) != 0) {
      const uint64_t start = HookClock::Now();
      try {
        slot.entry->api->destroy(slot.self);
      } catch (...) {
        Blame(*slot.entry, "destroy", kThrew);
      }
      SlotHookTimes::Note(slot.entry->time, start, &slot.quick);
    }
    SlotHookTimes::Count(slot.entry->time, slot.quick);
    if (has_queues_) DropQueues(&slot);
  }
  count_ = 0;
}

void FilterChain::DropQueues(FilterSlot* slot) {
  for (FilterSlot::Half& half : slot->half) {
    if (half.body != nullptr) half.body->~SliceQueue();
    if (half.injected != nullptr) half.injected->~SliceQueue();
    half.body = half.injected = nullptr;
  }
}

}  // namespace weir::http
