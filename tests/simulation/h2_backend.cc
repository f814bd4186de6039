#include "tests/simulation/h2_backend.h"

#include <algorithm>
#include <cstdlib>

#include "codecs/h2/frames/error_code.h"
#include "tests/simulation/verdict.h"

namespace weir::sim {
namespace {

constexpr auto kNoError = static_cast<uint32_t>(h2::ErrorCode::kNoError);
constexpr auto kInternal = static_cast<uint32_t>(h2::ErrorCode::kInternalError);
constexpr auto kRefused = static_cast<uint32_t>(h2::ErrorCode::kRefusedStream);

}  // namespace

H2Backend::H2Backend(World* world, uint32_t host, test::SimLink* link)
    : H2End(world, Side::kServer), host_(host) {
  Restart(link);
  preface_at_ = world->now() + (world->OneIn(2) ? 0 : 1 + world->Below(300));
  if (world->variation().backend_idle_closes && world->OneIn(2)) {
    idle_close_at_ = preface_at_ + 1 + world->Below(1500);
  }
}

void H2Backend::Wrong(const std::string& what) {
  world_->Fail("backend " + std::to_string(host_) + " link " + std::to_string(link_->id()) + ": " +
               what);
}

Request* H2Backend::RequestOf(const Fields& fields) const {
  Request* const r =
      world_->Find(static_cast<uint32_t>(std::atoi(std::string(Get(fields, "x-sim-id")).c_str())));
  return r != nullptr && Get(fields, ":path") == r->Path() ? r : nullptr;
}

void H2Backend::OnHead(H2Stream* s, const Fields& fields, bool end) {
  Request* const r = RequestOf(fields);
  if (r == nullptr || Get(fields, ":method") != r->method || r->cluster != ClusterOf(host_))
    return Wrong("a request that nobody sent: " + std::string(Get(fields, ":path")));
  s->request = r;
  if (s->id > last_) {  // the worker knows, or will, that nobody looks at it
    s->over = true;
    return;
  }
  const std::string wrong = AttemptRight(*world_, *r);
  if (!wrong.empty()) return Wrong(wrong);
  const std::string_view length = Get(fields, "content-length");
  if (!length.empty() && length != std::to_string(r->body_size))
    return Wrong("content-length " + std::string(length));
  for (const auto& [name, value] : fields) {
    if (name == "connection" || name == "transfer-encoding" || name == "host")
      return Wrong("request " + std::to_string(r->id) +
                   ": a field that has no place here: " + name);
  }
  s->attempt = r->attempts.size();
  r->attempts.emplace_back();
  r->attempts.back().backend = host_;
  served_.emplace_back(r, s->attempt);
  world_->Trace("backend " + std::to_string(host_) + " link " + std::to_string(link_->id()) +
                " has the head of " + std::to_string(r->id) + " on stream " +
                std::to_string(s->id));
  r->attempts.back().cut = broke_;
  Exchange& e = exchanges_[s->id];
  e.answer = ChooseAnswer(world_, *r);
  if (e.answer.when == Answer::When::kAtHead) e.answer_at = world_->now() + e.answer.delay_ms;
  if (e.answer.continues) SendHead(s, {{":status", "100"}}, false);
  if (end) OnRequestEnd(s, false);
}

void H2Backend::OnData(H2Stream* s, std::string_view bytes, bool end) {
  Attempt& a = AttemptOf(*s);
  if (CompareBody(BodyKey(s->request->id, 0, false), a.received, bytes) >= 0) {
    return Wrong("request " + std::to_string(s->request->id) +
                 ": its body's bytes are not its own");
  }
  a.received += bytes.size();
  if (end) OnRequestEnd(s, false);
}

void H2Backend::OnTrailers(H2Stream* s, const Fields& fields) {
  if (Get(fields, "x-sim-trailer") != std::to_string(s->request->id))
    return Wrong("trailers of another request than " + std::to_string(s->request->id));
  OnRequestEnd(s, true);
}

void H2Backend::OnRequestEnd(H2Stream* s, bool trailers) {
  const Request& r = *s->request;
  Attempt& a = AttemptOf(*s);
  a.complete_request = true;
  if (a.received != r.body_size) {
    return Wrong("request " + std::to_string(r.id) + " ends after " + std::to_string(a.received) +
                 " of " + std::to_string(r.body_size) + " bytes");
  }
  if (!r.sent_all) return Wrong("request " + std::to_string(r.id) + " ends before its client's");
  if (trailers != r.trailers) return Wrong("trailers of " + std::to_string(r.id));
  Exchange& e = exchanges_[s->id];
  if (e.answer_at == 0) e.answer_at = world_->now() + e.answer.delay_ms;
}

void H2Backend::OnReset(H2Stream* s, uint32_t) {
  s->over = true;
  exchanges_[s->id].done = true;
}

void H2Backend::StartAnswer(H2Stream* s, Exchange* e) {
  Attempt& a = AttemptOf(*s);
  const Answer& answer = e->answer;
  e->answering = true;
  a.status = answer.status;
  a.body_size = answer.size;
  const bool whole = answer.end == Answer::End::kWhole;
  if (answer.garbage) return SendGarbage(s);
  if (answer.excess || (!whole && answer.cut_at == UINT64_MAX)) return CutStream(s, e);
  for (uint32_t i = 0; i < answer.interims; ++i) {
    SendHead(s, {{":status", "103"}, {"link", "</x>"}}, false);
  }
  Fields fields = {{":status", std::to_string(answer.status)},
                   {"x-sim-id", std::to_string(s->request->id)},
                   {"x-sim-attempt", std::to_string(s->attempt)}};
  if (world_->OneIn(3)) fields.emplace_back("x-padding", std::string(world_->Below(1500), 'q'));
  if (answer.body == BodyKind::kLength)
    fields.emplace_back("content-length", std::to_string(answer.size));
  const uint32_t status = answer.status;
  const bool bodiless = s->request->method == "HEAD" || status == 204 || status == 304;
  a.head_sent = true;
  a.trailers = answer.trailers && !bodiless;
  const bool length = answer.body == BodyKind::kLength && answer.cut_at >= answer.size;
  // A whole body of an announced length is the whole answer, whatever follows.
  a.answered = bodiless || (length && (!whole || answer.size == 0));
  s->has_length = answer.body == BodyKind::kLength;
  s->key = BodyKey(s->request->id, static_cast<uint32_t>(s->attempt), true);
  s->cut = !whole && !bodiless;
  s->body_size = s->cut ? std::min(answer.cut_at, answer.size) : answer.size;
  s->trailers = answer.trailers;
  s->sending = !bodiless;
  SendHead(s, fields, bodiless);
  if (bodiless) EndStream(s);
}

// The answer was sent to its end.
void H2Backend::EndStream(H2Stream* s) {
  exchanges_[s->id].done = true;
  AttemptOf(*s).answered = true;
  if (s->received_all) {
    s->over = true;
  } else if (world_->OneIn(3)) {
    SendReset(s, kNoError);  // it does not want the rest of the request
    s->over = true;
  }
}

// What breaks the rules for this stream, or for the whole connection.
void H2Backend::SendGarbage(H2Stream* s) {
  Attempt& a = AttemptOf(*s);
  a.garbage = true;
  exchanges_[s->id].done = true;
  s->over = true;
  s->ended = true;
  switch (world_->Below(6)) {
    case 0:
      return SendRaw(0, 1, s->id, "no head");
    case 1:
      return SendHead(s, {{"x-status", "200"}}, true);
    case 2:
      return SendHead(s, {{":status", "200"}, {"connection", "close"}}, true);
    case 3:
      if (s->request->method == "HEAD") break;
      return SendHead(s, {{":status", "200"}, {"content-length", "5"}}, true);
    default:
      break;
  }
  broke_ = mute_ = true;
  for (auto& [id, stream] : streams_) {
    if (!stream.over) AttemptOf(stream).garbage = true;
  }
  for (const auto& [request, attempt] : served_) request->attempts[attempt].garbage = true;
  switch (world_->Below(4)) {
    case 0:
      return SendRaw(6, 0, 0, "short");
    case 1:
      return SendRaw(0, 0, 0, "data on the connection");
    case 2:
      return SendRaw(8, 0, 0, std::string_view("\0\0\0\0", 4));
    default:
      return SendRaw(1, 4, s->id, "\xff\xff\xff\xff\xff\xff");
  }
}

void H2Backend::OnCut(H2Stream* s) {
  CutStream(s, &exchanges_[s->id]);
}

// The answer ends here, in one of the bad ways.
void H2Backend::CutStream(H2Stream* s, Exchange* e) {
  Attempt& a = AttemptOf(*s);
  e->done = true;
  if (e->answer.end == Answer::End::kStall) {
    a.stalled = true;
    return;
  }
  if (e->answer.end == Answer::End::kCutRst && world_->OneIn(2)) return Close(world_->OneIn(2));
  s->over = true;
  const bool unprocessed = !a.head_sent && world_->OneIn(2);
  (unprocessed ? a.refused : a.cut) = true;
  SendReset(s, unprocessed ? kRefused : world_->OneIn(4) ? kNoError : kInternal);
}

void H2Backend::Advance(H2Stream* s, Exchange* e) {
  if (!e->done && !e->answering && e->answer_at != 0 && world_->now() >= e->answer_at)
    StartAnswer(s, e);
  if (e->done || !e->answering || !open_) return;
  if (s->ended && !s->over) EndStream(s);
}

bool H2Backend::Idle() const {
  return std::all_of(streams_.begin(), streams_.end(),
                     [](const auto& s) { return s.second.over || s.second.Closed(); });
}

// Streams that are still to come are not served, and the newest of those there may be among them.
void H2Backend::LeaveSlowly() {
  leaving_ = true;
  if (last_word_at_ == 0 && world_->OneIn(2)) {
    SendGoaway(h2::kMaxStream, kNoError);
    last_word_at_ = world_->now() + world_->Below(100);
    return;
  }
  last_word_at_ = 0;
  last_ = streams_.empty() ? 0 : streams_.rbegin()->first;
  for (auto it = streams_.rbegin(); it != streams_.rend() && world_->OneIn(2); ++it) {
    H2Stream& s = it->second;
    if (s.over || exchanges_[s.id].answering) break;
    last_ = s.id - 1;
    AttemptOf(s).refused = true;
    s.over = true;
    exchanges_[s.id].done = true;
  }
  SendGoaway(last_, kNoError);
}

uint64_t H2Backend::Tick(uint64_t now_ms) {
  if (!open_) return UINT64_MAX;
  if (preface_at_ != 0) {
    if (now_ms < preface_at_) return preface_at_;
    preface_at_ = 0;
    if (!preface_sent_) SendPreface();
  }
  for (auto& [id, s] : streams_) {
    if (s.request == nullptr || exchanges_.count(id) == 0) continue;
    Advance(&s, &exchanges_[id]);
    if (!open_) return UINT64_MAX;
  }
  uint64_t wake = Play();
  if (!open_) return UINT64_MAX;
  if (idle_close_at_ != 0 && now_ms >= idle_close_at_) {
    idle_close_at_ = 0;
    if (world_->OneIn(3)) {
      Close(link_->unsent() == 0 && world_->OneIn(2));
      return UINT64_MAX;
    }
    LeaveSlowly();
  }
  if (last_word_at_ != 0 && now_ms >= last_word_at_) LeaveSlowly();
  if (leaving_ && last_word_at_ == 0 && Idle()) {
    Close(false);
    return UINT64_MAX;
  }
  if (idle_close_at_ != 0) wake = std::min(wake, idle_close_at_);
  if (last_word_at_ != 0) wake = std::min(wake, last_word_at_);
  for (const auto& [id, e] : exchanges_) {
    if (!e.done && !e.answering && e.answer_at > now_ms) wake = std::min(wake, e.answer_at);
    const H2Stream& s = streams_.at(id);
    if (e.answering && !e.done && s.ended) wake = std::min(wake, now_ms + 1);
  }
  return wake;
}

void H2Backend::Close(bool abort) {
  for (auto& [id, s] : streams_) {
    if (!s.over && s.request != nullptr) AttemptOf(s).cut = true;
  }
  // What is still on its way may be lost to a reset, that of earlier answers too.
  if (link_->unsent() > 0 || link_->unread_by_peer() > 0) {
    for (const auto& [request, attempt] : served_) request->attempts[attempt].cut = true;
  }
  open_ = false;
  if (abort) {
    link_->Abort();
  } else {
    link_->Close();
  }
}

void H2Backend::OnFin() {
  if (open_) Close(false);
}

void H2Backend::OnBroken() {
  open_ = false;
}

void H2Backend::OnLostHead(uint32_t id, const Fields& fields) {
  Request* const r = RequestOf(fields);
  if (r == nullptr || id > last_) return;
  ++r->lost;
}

}  // namespace weir::sim
