#include "tests/simulation/toy_client.h"

#include <algorithm>
#include <cstdlib>

#include "tests/simulation/verdict.h"
#include "tests/support/toy_codec/toy_codec.h"

namespace weir::sim {

using toy::kToyCodecApi;

namespace {

weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

ToyClient::ToyClient(World* world, uint32_t index) : ToyEnd(world, WEIR_CLIENT), index_(index) {
  const Variation& v = world->variation();
  for (uint32_t i = 0; i < v.requests; ++i) {
    Request* r = world->NewRequest(index);
    const char* const methods[] = {"GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE"};
    r->method = methods[world->Below(8)];
    if (r->method == "POST" || r->method == "PUT") {
      r->body = world->OneIn(2) ? BodyKind::kLength : BodyKind::kChunked;
      r->body_size = world->OneIn(4) ? world->Below(20) : world->Below(uint64_t{v.most_body} + 1);
      r->trailers = r->body == BodyKind::kChunked && world->OneIn(4);
    }
    requests_.push_back(r);
  }
  start_at_ = world->now() + world->Below(50);
}

void ToyClient::Connect() {
  const Variation& v = world_->variation();
  test::SimLink* const link = world_->ConnectClient(this, Speaks::kToy);
  if (link == nullptr) {
    for (; next_ < requests_.size(); ++next_) requests_[next_]->resolved = true;
    return;
  }
  Restart(link);
  window_ = 1 + world_->Below(8);
  lazy_ = world_->OneIn(3);
  goaway_ = false;
  read_ = leave_at_ = begin_at_ = 0;
  misbehave_at_ = UINT64_MAX;
  if ((v.client_aborts || v.stalls) && world_->OneIn(2)) {
    misbehave_at_ = world_->Below(world_->OneIn(2) ? 400 : 400 + 2 * uint64_t{v.most_body});
  }
}

bool ToyClient::Begin(Request* request) {
  if (kToyCodecApi.capacity(codec_) == 0) return false;
  ToyStream* const s = NewStream();
  s->request = request;
  s->number = kToyCodecApi.open(codec_, s->half.handle());
  world_->OnBegin(request, link_);
  const std::string path = request->Path();
  const std::string id = std::to_string(request->id);
  const std::string padding(world_->Below(500), 'p');
  weir_field fields[2] = {};
  fields[0].name = "x-sim-id";
  fields[0].name_size = 8;
  fields[0].value = id.data();
  fields[0].value_size = static_cast<uint32_t>(id.size());
  fields[1].name = "x-padding";
  fields[1].name_size = 9;
  fields[1].value = padding.data();
  fields[1].value_size = static_cast<uint32_t>(padding.size());
  weir_head head{};
  head.struct_size = sizeof head;
  head.kind = WEIR_HEAD_REQUEST;
  head.http_version = 20;
  head.method = View(request->method);
  head.scheme = View("http");
  head.authority = View("sim.example");
  head.path = View(path);
  head.fields = fields;
  head.field_count = world_->OneIn(3) ? 2 : 1;
  if (request->body == BodyKind::kLength) {
    head.flags |= WEIR_HEAD_HAS_LENGTH;
    head.content_length = request->body_size;
  }
  const bool end = request->body == BodyKind::kNone;
  if (kToyCodecApi.send_head(codec_, s->number, &head, end ? 1 : 0, out_.out()) != WEIR_OK) {
    s->over = true;
    return false;
  }
  s->sent_head = true;
  s->ended = end;
  s->body_size = request->body_size;
  request->sent_all = end;
  return true;
}

uint64_t ToyClient::Tick(uint64_t now_ms) {
  if (!open_) {
    if (next_ == requests_.size()) return UINT64_MAX;
    if (now_ms < start_at_) return start_at_;
    Connect();
    if (!open_) return UINT64_MAX;
  }
  if (leave_at_ != 0) {
    if (now_ms < leave_at_) return leave_at_;
    Leave(false);
    return next_ == requests_.size() ? UINT64_MAX : start_at_;
  }
  Forget();
  while (next_ < requests_.size() && !goaway_ && streams_.size() < window_ && now_ms >= begin_at_) {
    if (!Begin(requests_[next_])) break;
    ++next_;
    begin_at_ = world_->OneIn(4) ? now_ms + world_->Below(100) : 0;
  }
  for (const auto& s : streams_) {
    SendBody(s.get(), BodyKey(s->request->id, 0, false), s->request->trailers);
    if (s->ended) s->request->sent_all = true;
  }
  Credit(!lazy_);
  const bool over = Flush();
  Forget();
  if (over || (streams_.empty() && (goaway_ || next_ == requests_.size()))) {
    Leave(false);
    return next_ == requests_.size() ? UINT64_MAX : start_at_;
  }
  uint64_t wake = NextWake();
  const bool may_begin = next_ < requests_.size() && streams_.size() < window_ && !goaway_;
  if (may_begin && begin_at_ > now_ms) wake = std::min(wake, begin_at_);
  for (const auto& s : streams_) {
    if (s->uncredited > 0) wake = std::min(wake, now_ms + 1);
  }
  return wake;
}

void ToyClient::Misbehave() {
  misbehave_at_ = UINT64_MAX;
  const Variation& v = world_->variation();
  if (v.stalls && (!v.client_aborts || world_->OneIn(2))) {
    deaf_ = true;
    leave_at_ = world_->now() + 100'000;
    for (const auto& s : streams_) s->request->stalled = true;
    return;
  }
  if (world_->OneIn(2)) return Leave(world_->OneIn(2));
  // One stream of the connection only.
  for (const auto& s : streams_) {
    if (s->over) continue;
    s->over = s->request->given_up = s->request->resolved = true;
    kToyCodecApi.reset(codec_, s->number, WEIR_REASON_CANCEL, out_.out());
    return;
  }
}

void ToyClient::Leave(bool abort) {
  for (const auto& s : streams_) {
    if (s->over) continue;
    s->request->given_up = s->request->resolved = true;
  }
  open_ = false;
  start_at_ = world_->now() + world_->Below(100);
  if (abort) {
    link_->Abort();
  } else {
    link_->Close();
  }
}

void ToyClient::OnFin() {
  if (!open_) return;
  Over("FIN");
  link_->Close();
}

void ToyClient::OnBroken() {
  if (open_) Over("RST");
}

void ToyClient::Over(const char* how) {
  open_ = false;
  start_at_ = world_->now() + world_->Below(100);
  for (const auto& s : streams_) {
    if (s->over) continue;
    s->request->resolved = true;
    const std::string why =
        DroppedRightly(*world_, *s->request, {true, false, false, s->received > 0, false});
    if (!why.empty()) Wrong(std::string(how) + ": " + why);
  }
}

void ToyClient::Wrong(const std::string& what) {
  world_->Fail("client " + std::to_string(index_) + ": " + what);
}

void ToyClient::OnEvent(const weir_event& event) {
  ToyStream* const s = Of(event);
  if (event.type == WEIR_EVENT_GOAWAY) {
    goaway_ = true;
    return;
  }
  if (s == nullptr || s->over) {
    if (event.type == WEIR_EVENT_ERROR)
      Wrong(std::string("the worker broke the protocol: ") + event.error.detail);
    return;
  }
  switch (event.type) {
    case WEIR_EVENT_HEAD:
      OnAnswerHead(s, event);
      break;
    case WEIR_EVENT_DATA:
      OnAnswerData(s, event);
      break;
    case WEIR_EVENT_TRAILERS:
    case WEIR_EVENT_END:
      OnAnswerEnd(s);
      break;
    case WEIR_EVENT_RESET:
      OnStreamCut(s, event);
      break;
    case WEIR_EVENT_ERROR:
      Wrong(std::string("the worker broke the protocol: ") + event.error.detail);
      break;
    default:
      break;
  }
  if (open_ && leave_at_ == 0 && read_ >= misbehave_at_) Misbehave();
}

void ToyClient::OnAnswerHead(ToyStream* s, const weir_event& event) {
  const weir_head& head = *event.head;
  read_ += 100;
  if (head.kind == WEIR_HEAD_INTERIM) return;
  Request* const r = s->request;
  r->status = head.status;
  r->head_received = true;
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const weir_field& f = head.fields[i];
    const std::string_view name(f.name, f.name_size);
    const std::string value(f.value, f.value_size);
    if (name == "x-sim-id" && value != std::to_string(r->id)) {
      Wrong("request " + std::to_string(r->id) + " got the answer of " + value);
    }
    if (name == "x-sim-attempt") r->attempt = std::atoi(value.c_str());
  }
  const std::string wrong = HeadRight(*world_, *r);
  if (!wrong.empty()) Wrong(wrong);
  if (event.end_stream != 0) OnAnswerEnd(s);
}

void ToyClient::OnAnswerData(ToyStream* s, const weir_event& event) {
  Request* const r = s->request;
  const std::string_view bytes(reinterpret_cast<const char*>(event.data), event.size);
  if (r->attempt >= 0) {
    const uint64_t key = BodyKey(r->id, static_cast<uint32_t>(r->attempt), true);
    if (CompareBody(key, r->received, bytes) >= 0) {
      Wrong("request " + std::to_string(r->id) + ": the answer's bytes are not its own");
    }
  }
  r->received += bytes.size();
  s->received += bytes.size();
  s->uncredited += bytes.size();
  read_ += bytes.size();
  if (event.end_stream != 0) OnAnswerEnd(s);
}

void ToyClient::OnAnswerEnd(ToyStream* s) {
  Request* const r = s->request;
  const std::string wrong = CompleteRight(*world_, *r);
  if (!wrong.empty()) Wrong(wrong);
  world_->Trace("client " + std::to_string(index_) + " has the answer to " + std::to_string(r->id) +
                ": " + std::to_string(r->status));
  r->resolved = r->complete = true;
  if (!s->ended) kToyCodecApi.reset(codec_, s->number, WEIR_REASON_NO_ERROR, out_.out());
  // Its last frames may still be in the codec's ready list.
  if (s->ended && !s->half.sent_all && s->request->body != BodyKind::kNone) {
    kToyCodecApi.reset(codec_, s->number, WEIR_REASON_NO_ERROR, out_.out());
  }
  s->over = true;
}

void ToyClient::OnStreamCut(ToyStream* s, const weir_event& event) {
  Request* const r = s->request;
  s->over = true;
  r->resolved = true;
  // A whole answer may be followed by a word that the rest of the request is not wanted.
  if (r->complete) return;
  // Refused: the connection ends, and says that nothing was done about it.
  const bool ends = world_->variation().max_requests_down != 0 || world_->Leaving(*r);
  if (event.error.reason == WEIR_REASON_REFUSED && ends && r->attempts.empty()) return;
  const std::string why = DroppedRightly(*world_, *r, {true, false, false, s->received > 0, false});
  if (!why.empty()) Wrong("reset for reason " + std::to_string(event.error.reason) + ": " + why);
}

}  // namespace weir::sim
