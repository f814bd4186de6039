#include "tests/simulation/toy_backend.h"

#include <algorithm>
#include <cstdlib>

#include "tests/simulation/verdict.h"
#include "tests/support/toy_codec/toy_codec.h"

namespace weir::sim {

using toy::kToyCodecApi;

ToyBackend::ToyBackend(World* world, uint32_t host, test::SimLink* link)
    : ToyEnd(world, WEIR_SERVER), host_(host) {
  Restart(link);
  if (world->variation().backend_idle_closes && world->OneIn(2)) {
    idle_close_at_ = world->now() + 1 + world->Below(1500);
  }
}

void ToyBackend::Wrong(const std::string& what) {
  world_->Fail("backend " + std::to_string(host_) + " link " + std::to_string(link_->id()) + ": " +
               what);
}

ToyBackend::Exchange* ToyBackend::ExchangeOf(const ToyStream* stream) {
  for (Exchange& e : exchanges_) {
    if (e.stream == stream) return &e;
  }
  return nullptr;
}

void ToyBackend::OnEvent(const weir_event& event) {
  ToyStream* const s = Of(event);
  if (event.type == WEIR_EVENT_HEAD && event.user == nullptr) return OnRequest(event);
  if (event.type == WEIR_EVENT_ERROR) {
    return Wrong(std::string("the worker broke the protocol: ") + event.error.detail);
  }
  if (s == nullptr || s->over) return;
  switch (event.type) {
    case WEIR_EVENT_DATA: {
      Attempt& a = AttemptOf(*s);
      const std::string_view bytes(reinterpret_cast<const char*>(event.data), event.size);
      if (CompareBody(BodyKey(s->request->id, 0, false), a.received, bytes) >= 0) {
        Wrong("request " + std::to_string(s->request->id) + ": its body's bytes are not its own");
      }
      a.received += bytes.size();
      s->uncredited += bytes.size();
      if (event.end_stream != 0) OnRequestEnd(s, false);
      return;
    }
    case WEIR_EVENT_TRAILERS:
      return OnRequestEnd(s, true);
    case WEIR_EVENT_END:
      return OnRequestEnd(s, false);
    case WEIR_EVENT_RESET:
      s->over = true;
      if (Exchange* const e = ExchangeOf(s)) e->done = true;
      return;
    default:
      return;
  }
}

void ToyBackend::OnRequest(const weir_event& event) {
  const weir_head& head = *event.head;
  const std::string path(head.path.data, head.path.size);
  Request* const r =
      path.size() > 3 ? world_->Find(static_cast<uint32_t>(std::atoi(path.c_str() + 3))) : nullptr;
  if (r == nullptr || r->Path() != path || r->cluster != ClusterOf(host_) ||
      r->method != std::string_view(head.method.data, head.method.size)) {
    return Wrong("a request that nobody sent: " + path);
  }
  const std::string wrong = AttemptRight(*world_, *r);
  if (!wrong.empty()) Wrong(wrong);
  ToyStream* const s = NewStream();
  s->request = r;
  s->number = event.stream;
  s->attempt = r->attempts.size();
  r->attempts.emplace_back();
  r->attempts.back().backend = host_;
  served_.emplace_back(r, s->attempt);
  kToyCodecApi.adopt(codec_, event.stream, s->half.handle());
  world_->Trace("backend " + std::to_string(host_) + " link " + std::to_string(link_->id()) +
                " has the head of " + std::to_string(r->id));
  Exchange e;
  e.stream = s;
  e.answer = ChooseAnswer(world_, *r);
  if (e.answer.when == Answer::When::kAtHead) e.answer_at = world_->now() + e.answer.delay_ms;
  exchanges_.push_back(e);
  if (event.end_stream != 0) OnRequestEnd(s, false);
}

void ToyBackend::OnRequestEnd(ToyStream* s, bool trailers) {
  const Request& r = *s->request;
  Attempt& a = AttemptOf(*s);
  a.complete_request = s->received_all = true;
  if (a.received != r.body_size) {
    Wrong("request " + std::to_string(r.id) + " ends after " + std::to_string(a.received) + " of " +
          std::to_string(r.body_size) + " bytes");
  }
  if (!r.sent_all) Wrong("request " + std::to_string(r.id) + " ends before its client's");
  if (trailers != r.trailers) Wrong("trailers of " + std::to_string(r.id));
  Exchange* const e = ExchangeOf(s);
  if (e != nullptr && e->answer_at == 0) e->answer_at = world_->now() + e->answer.delay_ms;
}

void ToyBackend::StartAnswer(Exchange* e) {
  ToyStream* const s = e->stream;
  Request* const r = s->request;
  Attempt& a = AttemptOf(*s);
  const Answer& answer = e->answer;
  e->answering = true;
  a.status = answer.status;
  a.body_size = answer.size;
  if (answer.garbage || answer.excess ||
      (answer.end != Answer::End::kWhole && answer.cut_at == UINT64_MAX)) {
    return CutStream(e);
  }
  weir_head head{};
  head.struct_size = sizeof head;
  head.http_version = 20;
  for (uint32_t i = 0; i < answer.interims; ++i) {
    head.kind = WEIR_HEAD_INTERIM;
    head.status = 103;
    kToyCodecApi.send_head(codec_, s->number, &head, 0, out_.out());
  }
  const std::string id = std::to_string(r->id);
  const std::string attempt = std::to_string(s->attempt);
  weir_field fields[2] = {};
  fields[0].name = "x-sim-id";
  fields[0].name_size = 8;
  fields[0].value = id.data();
  fields[0].value_size = static_cast<uint32_t>(id.size());
  fields[1].name = "x-sim-attempt";
  fields[1].name_size = 13;
  fields[1].value = attempt.data();
  fields[1].value_size = static_cast<uint32_t>(attempt.size());
  head.kind = WEIR_HEAD_RESPONSE;
  head.status = static_cast<uint16_t>(answer.status);
  head.fields = fields;
  head.field_count = 2;
  const bool bodiless = r->method == "HEAD" || answer.status == 204 || answer.status == 304;
  if (bodiless) head.flags |= WEIR_HEAD_NO_BODY;
  if (answer.body == BodyKind::kLength) {
    head.flags |= WEIR_HEAD_HAS_LENGTH;
    head.content_length = answer.size;
  }
  a.head_sent = true;
  a.trailers = answer.trailers && !bodiless;
  // A whole body of an announced length is the whole answer, whatever follows.
  const bool length = answer.body == BodyKind::kLength && answer.cut_at >= answer.size;
  a.answered = bodiless || (answer.end != Answer::End::kWhole && length);
  s->sent_head = true;
  s->cut = answer.end != Answer::End::kWhole;
  s->body_size = s->cut ? answer.cut_at : answer.size;
  s->ended = bodiless;
  kToyCodecApi.send_head(codec_, s->number, &head, bodiless ? 1 : 0, out_.out());
  if (bodiless) s->over = e->done = true;
}

// The answer ends here, in one of the bad ways.
void ToyBackend::CutStream(Exchange* e) {
  ToyStream* const s = e->stream;
  Attempt& a = AttemptOf(*s);
  e->done = true;
  if (e->answer.end == Answer::End::kStall) {
    a.stalled = true;
    return;
  }
  if (e->answer.end == Answer::End::kCutRst) return Close(world_->OneIn(2));
  s->over = true;
  const bool unprocessed = !a.head_sent && world_->OneIn(2);
  (unprocessed ? a.refused : a.cut) = true;
  kToyCodecApi.reset(codec_, s->number,
                     unprocessed ? uint32_t{WEIR_REASON_REFUSED} : uint32_t{WEIR_REASON_INTERNAL},
                     out_.out());
}

void ToyBackend::Advance(Exchange* e) {
  ToyStream* const s = e->stream;
  if (e->done) return;
  if (!e->answering && e->answer_at != 0 && world_->now() >= e->answer_at) StartAnswer(e);
  if (e->done || !e->answering) return;
  if (s->cut && s->body_sent == s->body_size && s->half.body.empty()) return CutStream(e);
  SendBody(s, BodyKey(s->request->id, static_cast<uint32_t>(s->attempt), true), e->answer.trailers);
  if (s->ended) AttemptOf(*s).answered = true;
  if (s->ended && s->half.sent_all) e->done = s->over = true;
}

uint64_t ToyBackend::Tick(uint64_t now_ms) {
  if (!open_) return UINT64_MAX;
  for (size_t i = 0; i < exchanges_.size() && open_; ++i) Advance(&exchanges_[i]);
  if (!open_) return UINT64_MAX;
  Credit(!world_->OneIn(4));
  const bool over = Flush();
  for (Exchange& e : exchanges_) {
    if (!e.done && e.answering && e.stream->ended && e.stream->half.sent_all)
      e.done = e.stream->over = true;
  }
  exchanges_.erase(std::remove_if(exchanges_.begin(), exchanges_.end(),
                                  [](const Exchange& e) { return e.done && e.stream->over; }),
                   exchanges_.end());
  Forget();
  if (over) {
    Close(false);
    return UINT64_MAX;
  }
  if (idle_close_at_ != 0 && now_ms >= idle_close_at_) {
    idle_close_at_ = 0;
    // It says so first, or just goes, whoever is on it.
    if (!leaving_ && world_->OneIn(2)) {
      leaving_ = true;
      kToyCodecApi.goaway(codec_, 1, out_.out());
      kToyCodecApi.goaway(codec_, 2, out_.out());
      Flush();
    } else {
      Close(link_->unsent() == 0 && world_->OneIn(2));
      return UINT64_MAX;
    }
  }
  uint64_t wake = NextWake();
  if (idle_close_at_ != 0) wake = std::min(wake, idle_close_at_);
  for (const Exchange& e : exchanges_) {
    if (!e.answering && e.answer_at > now_ms) wake = std::min(wake, e.answer_at);
    if (e.stream->uncredited > 0) wake = std::min(wake, now_ms + 1);
  }
  return wake;
}

void ToyBackend::Close(bool abort) {
  for (const auto& s : streams_) {
    if (!s->over) AttemptOf(*s).cut = true;
  }
  // What is still on its way may be lost to a reset, that of earlier answers too.
  if (link_->unsent() > 0) {
    for (const auto& [request, attempt] : served_) request->attempts[attempt].cut = true;
  }
  open_ = false;
  if (abort) {
    link_->Abort();
  } else {
    link_->Close();
  }
}

void ToyBackend::OnFin() {
  if (open_) Close(false);
}

void ToyBackend::OnBroken() {
  open_ = false;
}

void ToyBackend::OnLost(std::string_view bytes) {
  if (leaving_) return;  // it said that it does nothing about them
  lost_.append(bytes);
  size_t at;
  while ((at = lost_.find("x-sim-id")) != std::string::npos && lost_.size() > at + 16) {
    Request* const request =
        world_->Find(static_cast<uint32_t>(std::atoi(lost_.c_str() + at + 10)));
    if (request != nullptr) ++request->lost;
    lost_.erase(0, at + 10);
  }
}

}  // namespace weir::sim
