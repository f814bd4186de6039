#include "tests/simulation/toy_end.h"

#include <algorithm>
#include <cstring>

#include "tests/support/toy_codec/toy_codec.h"

namespace weir::sim {

using toy::kToyCodecApi;

ToyEnd::ToyEnd(World* world, uint8_t position)
    : world_(world), position_(position), params_(test::FakeCodecParams(position)) {
  const uint32_t windows[] = {2000, 20000, 65536, 262144};
  params_.stream_window = windows[world->Below(4)];
}

ToyEnd::~ToyEnd() {
  if (codec_ != nullptr) kToyCodecApi.destroy(codec_);
}

void ToyEnd::Restart(test::SimLink* link) {
  if (codec_ != nullptr) kToyCodecApi.destroy(codec_);
  codec_ = kToyCodecApi.create(&params_);
  streams_.clear();
  input_.clear();
  out_.Take();
  link_ = link;
  open_ = true;
  deaf_ = false;
}

ToyStream* ToyEnd::NewStream() {
  streams_.push_back(std::make_unique<ToyStream>());
  return streams_.back().get();
}

ToyStream* ToyEnd::Of(const weir_event& event) {
  for (const auto& stream : streams_) {
    if (stream->half.handle() == event.user) return stream.get();
  }
  return nullptr;
}

size_t ToyEnd::ReadRoom() {
  return !open_ || deaf_ ? 0 : SIZE_MAX;
}

void ToyEnd::OnBytes(std::string_view bytes) {
  if (!open_) return;
  input_.append(bytes);
  Parse(0);
}

void ToyEnd::Parse(uint32_t flags) {
  while (open_) {
    // What is shown has readable bytes behind it.
    std::string span = input_ + std::string(64, '\0');
    weir_event event{};
    const size_t used = kToyCodecApi.receive(codec_, reinterpret_cast<uint8_t*>(span.data()),
                                             input_.size(), flags, &event);
    input_.erase(0, used);
    if (event.type == WEIR_EVENT_NONE || event.type == WEIR_EVENT_BLOCKED) {
      if (event.type == WEIR_EVENT_NONE) return;
      Flush();
      continue;
    }
    OnEvent(event);
  }
}

void ToyEnd::SendBody(ToyStream* s, uint64_t key, bool trailers) {
  if (s->over || !s->sent_head || s->ended || world_->now() < s->next_at) return;
  if (s->half.body.size() > 32768) return;
  const uint64_t left = s->body_size - s->body_sent;
  if (left == 0 && s->cut) return;
  const uint64_t most = std::max<uint64_t>(s->body_size / 50, 1 + world_->Below(20000));
  const uint64_t n = std::min(left, most);
  AppendBody(key, s->body_sent, n, &s->half.body);
  s->body_sent += n;
  if (n == left && s->cut) {
    s->next_at = world_->now();
  } else if (n == left) {
    s->ended = s->half.end = true;
    if (trailers) {
      s->trailer_value = std::to_string(s->request->id);
      s->trailer_field.name = "x-sim-trailer";
      s->trailer_field.name_size = 13;
      s->trailer_field.value = s->trailer_value.data();
      s->trailer_field.value_size = static_cast<uint32_t>(s->trailer_value.size());
      s->trailers.struct_size = sizeof(s->trailers);
      s->trailers.kind = WEIR_HEAD_TRAILERS;
      s->trailers.fields = &s->trailer_field;
      s->trailers.field_count = 1;
      s->half.trailers = &s->trailers;
    }
  } else if (world_->OneIn(20)) {
    s->next_at = world_->now() + world_->Below(40);
  }
  kToyCodecApi.ready(codec_, s->number);
}

uint64_t ToyEnd::NextWake() const {
  uint64_t wake = UINT64_MAX;
  for (const auto& s : streams_) {
    if (s->over || s->ended || !s->sent_head || s->half.body.size() > 32768) continue;
    if (s->cut && s->body_sent == s->body_size) continue;
    wake = std::min(wake, std::max(world_->now() + 1, s->next_at));
  }
  return wake;
}

void ToyEnd::Credit(bool all) {
  for (const auto& s : streams_) {
    if (s->over || s->uncredited == 0 || (!all && world_->OneIn(2))) continue;
    kToyCodecApi.consumed(codec_, s->number, static_cast<uint32_t>(s->uncredited));
    s->uncredited = 0;
  }
}

bool ToyEnd::Flush() {
  uint32_t produced = WEIR_PRODUCED_MORE;
  while (produced == WEIR_PRODUCED_MORE) produced = kToyCodecApi.produce(codec_, 16384, out_.out());
  link_->Send(out_.Take());
  return (produced & WEIR_PRODUCED_CLOSE) != 0;
}

void ToyEnd::Forget() {
  streams_.erase(
      std::remove_if(streams_.begin(), streams_.end(), [](const auto& s) { return s->over; }),
      streams_.end());
}

}  // namespace weir::sim
