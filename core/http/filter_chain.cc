#include "core/http/filter_chain.h"

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
constexpr FilterSlot kFreshSlot{};
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
  return hooks;
}

// Calls a hook of one half of a filter. No exception may leave a plugin; one that does all the same
// is a failure like any other, as far as the two sides share their runtime library.
template <class Hook, class... Args>
[[gnu::always_inline]] inline int32_t FilterChain::Call(Hook hook, FilterSlot& slot, Direction d,
                                                        Args... args) {
  slot.half[d].in_hook = true;
  int32_t status = kThrew;
  try {
    const HookTimer timer(slot.entry->time);
    status = hook(slot.self, Handle(slot), args...);
  } catch (...) {
  }
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
  for (size_t i = 0; i < entries.size(); ++i) {
    const FilterEntry& entry = entries[i];
    if (entry.idle) continue;
    const FilterOverride* over = route == nullptr ? nullptr : &route->filter(i);
    if (over == nullptr ? entry.disabled : !over->Runs(entry.disabled)) continue;
    if (slots_ == nullptr) slots_ = arena_->AllocateArray<FilterSlot>(entries.size() - i);
    if (slots_ == nullptr) return false;
    auto* slot = new (&slots_[count_]) FilterSlot(kFreshSlot);
    slot->chain = this;
    slot->entry = &entry;
    slot->route_config = over == nullptr ? nullptr : const_cast<void*>(over->config);
    slot->limit[kRequest] = slot->limit[kResponse] = buffer_limit;
    slot->self = entry.config;
    if (entry.api->state_size > 0) {
      slot->self = arena_->Allocate(entry.api->state_size, 16);
      if (slot->self == nullptr) return false;
      std::memset(slot->self, 0, entry.api->state_size);
    }
    if (!Create(slot)) return false;
    ++count_;
    hooks_ |= entry.hooks;
    if ((entry.api->flags & WEIR_FILTER_CHANGES_REQUEST_LENGTH) != 0)
      changes_length_[kRequest] = true;
    if ((entry.api->flags & WEIR_FILTER_CHANGES_RESPONSE_LENGTH) != 0)
      changes_length_[kResponse] = true;
  }
  return true;
}

bool FilterChain::Create(FilterSlot* slot) {
  const auto create = slot->entry->api->create;
  if (create == nullptr) return true;
  int32_t status = kThrew;
  try {
    const HookTimer timer(slot->entry->time);
    status = create(slot->self, slot->entry->config, Handle(*slot));
  } catch (...) {
  }
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
                                                          const char* hook, int32_t status) {
  const uint32_t run = run_[d];
  if (static_cast<uint32_t>(status) > WEIR_STOP_ALL_WATERMARK) {
    Fail(slot, hook, status);
  } else if (!owner_->RunPendingAction()) {
    return !Going(d, run);
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

void FilterChain::PassHeaders(Direction d, int i, bool end) {
  const uint32_t run = run_[d];
  for (; In(i); i = Next(d, i)) {
    FilterSlot& slot = slots_[i];
    const auto hook =
        d == kRequest ? slot.entry->api->request_headers : slot.entry->api->response_headers;
    if (hook == nullptr) {
      if (changes_length_[d]) ForgetLength(d, slot, end);
      continue;
    }
    FilterSlot::Half& half = slot.half[d];
    half.in_headers = true;
    const int32_t status = Call(hook, slot, d, uint32_t{end});
    half.in_headers = false;
    if (AfterHook(d, slot, kHeaders[d], status)) return;
    if (changes_length_[d]) ForgetLength(d, slot, end);
    if (status != WEIR_CONTINUE) {
      HeadersAt(d, i, end);
      half.headers = true;
      half.all = status == WEIR_STOP_ALL || status == WEIR_STOP_ALL_WATERMARK;
      half.paused = status == WEIR_STOP_WATERMARK || status == WEIR_STOP_ALL_WATERMARK;
      half.end = end;
      OverLimit(d, slot);
      return;
    }
    if (half.body != nullptr && !half.body->empty()) {
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
    if (AfterHook(d, slot, kData[d], status)) return;
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
  if (AfterHook(d, slot, kData[d], status)) return false;
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
      if (AfterHook(d, slot, kTrailers[d], status)) return;
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
    if (AfterHook(kResponse, slot, "response_interim", status)) return false;
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
    try {
      const HookTimer timer(slot.entry->time);
      slot.entry->api->complete(slot.self, Handle(slot));
    } catch (...) {
      Blame(*slot.entry, "complete", kThrew);
    }
  }
}

void FilterChain::Destroy() {
  dead_ = true;
  DropTicket();
  const bool any = has_queues_ || (hooks_ & FilterEntry::kHooksDestroy) != 0;
  for (uint32_t i = 0; any && i < count_; ++i) {
    FilterSlot& slot = slots_[i];
    if (slot.entry->api->destroy != nullptr && slot.entry->api->state_size > 0) {
      try {
        const HookTimer timer(slot.entry->time);
        slot.entry->api->destroy(slot.self);
      } catch (...) {
        Blame(*slot.entry, "destroy", kThrew);
      }
    }
    for (FilterSlot::Half& half : slot.half) {
      if (half.body != nullptr) half.body->~SliceQueue();
      if (half.injected != nullptr) half.injected->~SliceQueue();
      half.body = half.injected = nullptr;
    }
  }
  count_ = 0;
}

}  // namespace weir::http
