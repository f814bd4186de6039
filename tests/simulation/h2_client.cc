#include "tests/simulation/h2_client.h"

#include <algorithm>
#include <cstdlib>

#include "codecs/h2/frames/error_code.h"
#include "tests/simulation/verdict.h"

namespace weir::sim {
namespace {

constexpr auto kCancel = static_cast<uint32_t>(h2::ErrorCode::kCancel);
constexpr auto kNoError = static_cast<uint32_t>(h2::ErrorCode::kNoError);
constexpr auto kRefused = static_cast<uint32_t>(h2::ErrorCode::kRefusedStream);

}  // namespace

H2Client::H2Client(World* world, uint32_t index) : H2End(world, Side::kClient), index_(index) {
  const Variation& v = world->variation();
  for (uint32_t i = 0; i < v.requests; ++i) {
    Request* r = world->NewRequest(index);
    const char* const methods[] = {"GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE"};
    r->method = methods[world->Below(8)];
    if (r->method == "POST" || r->method == "PUT") {
      r->body = world->OneIn(2) ? BodyKind::kLength : BodyKind::kChunked;
      r->body_size = world->OneIn(4) ? world->Below(20) : world->Below(uint64_t{v.most_body} + 1);
      r->trailers = world->OneIn(4) && r->body == BodyKind::kChunked;
    }
    r->checks_trailers = true;
    to_do_.push_back(r);
  }
  start_at_ = world->now() + world->Below(50);
}

void H2Client::Connect() {
  const Variation& v = world_->variation();
  test::SimLink* const link = world_->ConnectClient(this, Speaks::kH2);
  if (link == nullptr) {
    for (Request* request : to_do_) request->resolved = true;
    to_do_.clear();
    return;
  }
  Restart(link);
  SendPreface();
  next_id_ = 1 + 2 * static_cast<uint32_t>(world_->OneIn(4) ? world_->Below(1000) : 0);
  window_ = 1 + static_cast<uint32_t>(world_->Below(8));
  goaway_ = flooded_ = false;
  read_ = leave_at_ = begin_at_ = 0;
  stubborn_ = v.floods && world_->OneIn(2);
  resets_ = v.client_aborts && world_->OneIn(3);
  half_closes_ = v.most_body <= 200 && world_->OneIn(6);
  misbehave_at_ = UINT64_MAX;
  if ((v.client_aborts || v.stalls) && world_->OneIn(2)) {
    misbehave_at_ = world_->Below(world_->OneIn(2) ? 400 : 400 + 2 * uint64_t{v.most_body});
  }
}

void H2Client::Begin(Request* r) {
  if (open_streams() >= worker_max_streams() || !worker_settings_known()) flooded_ = true;
  world_->OnBegin(r, link_);
  H2Stream* const s = NewStream(next_id_);
  next_id_ += 2 + 2 * static_cast<uint32_t>(world_->OneIn(8) ? world_->Below(3) : 0);
  s->request = r;
  Fields fields = {{":method", r->method},
                   {":scheme", "http"},
                   {":authority", "sim.example"},
                   {":path", r->Path()},
                   {"x-sim-id", std::to_string(r->id)}};
  if (world_->OneIn(3)) fields.emplace_back("x-padding", std::string(world_->Below(600), 'p'));
  if (world_->OneIn(4)) fields.emplace_back("cookie", "a=1");
  if (world_->OneIn(4)) fields.emplace_back("cookie", "b=2");
  if (world_->OneIn(4)) fields.emplace_back("te", "trailers");
  if (world_->OneIn(3))
    fields.emplace_back("priority",
                        "u=" + std::to_string(world_->Below(8)) + (world_->OneIn(2) ? ", i" : ""));
  if (r->body == BodyKind::kLength)
    fields.emplace_back("content-length", std::to_string(r->body_size));
  const bool end = r->body == BodyKind::kNone;
  s->key = BodyKey(r->id, 0, false);
  s->body_size = r->body_size;
  s->trailers = r->trailers;
  s->sending = !end;
  s->has_length = r->body == BodyKind::kLength;
  r->sent_all = end || (s->has_length && r->body_size == 0);
  world_->Trace("client " + std::to_string(index_) + " link " + std::to_string(link_->id()) +
                " begins " + std::to_string(r->id) + " (" + r->method + ") on stream " +
                std::to_string(s->id));
  SendHead(s, fields, end);
}

uint32_t H2Client::Waiting() const {
  uint32_t waiting = 0;
  for (const auto& [id, s] : streams_) waiting += s.over ? 0 : 1;
  return waiting;
}

bool H2Client::AllSent() const {
  return std::none_of(streams_.begin(), streams_.end(),
                      [](const auto& s) { return s.second.sending; });
}

uint64_t H2Client::Tick(uint64_t now_ms) {
  if (!open_) {
    if (to_do_.empty()) return UINT64_MAX;
    if (now_ms < start_at_) return start_at_;
    Connect();
    if (!open_) return UINT64_MAX;
  }
  if (leave_at_ != 0) {
    if (now_ms < leave_at_) return leave_at_;
    Leave(false);
    return to_do_.empty() ? UINT64_MAX : start_at_;
  }
  // Most clients keep to what they are allowed.
  const auto may_begin = [this] {
    const bool room = open_streams() < worker_max_streams() || world_->variation().floods;
    return !to_do_.empty() && !goaway_ && Waiting() < window_ && room;
  };
  MaybeReset();
  while (may_begin() && now_ms >= begin_at_) {
    Request* const request = to_do_.front();
    to_do_.pop_front();
    Begin(request);
    begin_at_ = world_->OneIn(4) ? now_ms + world_->Below(100) : 0;
  }
  uint64_t wake = Play();
  if (open_ && Waiting() == 0 && (goaway_ || to_do_.empty())) {
    Leave(false);
    return to_do_.empty() ? UINT64_MAX : start_at_;
  }
  if (open_ && half_closes_ && to_do_.empty() && leave_at_ == 0 && AllSent() &&
      WindowsSuffice(1000)) {
    half_closes_ = false;
    link_->Fin();
    mute_ = true;
  }
  if (may_begin() && begin_at_ > now_ms) wake = std::min(wake, begin_at_);
  return wake;
}

// At any time: in front of an answer, in the middle of either body.
void H2Client::MaybeReset() {
  if (!resets_ || !world_->OneIn(30)) return;
  for (auto& [id, s] : streams_) {
    if (s.over || world_->OneIn(3)) continue;
    s.over = s.request->given_up = s.request->resolved = flooded_ = true;
    return SendReset(&s, world_->OneIn(2) ? kCancel : kNoError);
  }
}

void H2Client::MaybeMisbehave() {
  if (open_ && leave_at_ == 0 && read_ >= misbehave_at_) Misbehave();
}

void H2Client::Misbehave() {
  misbehave_at_ = UINT64_MAX;
  const Variation& v = world_->variation();
  if (v.stalls && (!v.client_aborts || world_->OneIn(2))) {
    // It reads nothing more, or reads and gives no more credit.
    world_->Trace("client " + std::to_string(index_) + " stops");
    deaf_ = world_->OneIn(2);
    mute_ = true;
    leave_at_ = world_->now() + 100'000;
    for (auto& [id, s] : streams_) {
      if (!s.over) s.request->stalled = true;
    }
    return;
  }
  if (world_->OneIn(2)) return Leave(world_->OneIn(2));
  // Some streams of the connection only.
  for (auto& [id, s] : streams_) {
    if (s.over || world_->OneIn(2)) continue;
    s.over = s.request->given_up = s.request->resolved = flooded_ = true;
    SendReset(&s, world_->OneIn(2) ? kCancel : kNoError);
  }
  if (world_->OneIn(2)) misbehave_at_ = read_ + world_->Below(2000);
}

void H2Client::Leave(bool abort) {
  for (auto& [id, s] : streams_) {
    if (s.over) continue;
    s.over = s.request->given_up = s.request->resolved = true;
  }
  if (!abort && world_->OneIn(2)) SendGoaway(0, kNoError);
  open_ = false;
  start_at_ = world_->now() + world_->Below(100);
  if (abort) {
    link_->Abort();
  } else {
    link_->Close();
  }
}

void H2Client::OnFin() {
  if (!open_) return;
  Over("FIN");
  link_->Close();
}

void H2Client::OnBroken() {
  if (open_) Over("RST");
}

void H2Client::Over(const char* how) {
  open_ = false;
  start_at_ = world_->now() + world_->Below(100);
  // A worker that closes waits a bounded time, for a bounded number of bytes, for its client.
  const bool outlasted = link_->lingered_ms() >= 1000 || link_->read_after_fin() > 200'000;
  for (auto& [id, s] : streams_) {
    if (s.over) continue;
    s.over = s.request->resolved = true;
    const std::string why =
        DroppedRightly(*world_, *s.request, {true, false, false, s.received > 0, outlasted});
    if (!why.empty()) Wrong(std::string(how) + ": " + why);
  }
}

void H2Client::Wrong(const std::string& what) {
  world_->Fail("client " + std::to_string(index_) + " link " + std::to_string(link_->id()) + ": " +
               what);
}

void H2Client::OnHead(H2Stream* s, const Fields& fields, bool end) {
  const uint32_t status = Status(fields);
  read_ += 100;
  if (status < 200) return MaybeMisbehave();
  Request* const r = s->request;
  r->status = status;
  r->head_received = true;
  const std::string_view id = Get(fields, "x-sim-id");
  if (!id.empty() && id != std::to_string(r->id)) {
    return Wrong("request " + std::to_string(r->id) + " got the answer of " + std::string(id));
  }
  const std::string_view attempt = Get(fields, "x-sim-attempt");
  if (!attempt.empty()) r->attempt = std::atoi(std::string(attempt).c_str());
  for (const auto& [name, value] : fields) {
    if (name == "connection" || name == "transfer-encoding" || name == "keep-alive")
      return Wrong("request " + std::to_string(r->id) +
                   ": a field that has no place here: " + name);
  }
  const std::string wrong = HeadRight(*world_, *r);
  if (!wrong.empty()) return Wrong(wrong);
  if (end) OnAnswerEnd(s);
  MaybeMisbehave();
}

void H2Client::OnTrailers(H2Stream* s, const Fields& fields) {
  if (Get(fields, "x-sim-trailer").empty()) return Wrong("trailers that nobody sent");
  s->request->trailers_received = true;
  OnAnswerEnd(s);
}

void H2Client::OnData(H2Stream* s, std::string_view bytes, bool end) {
  Request* const r = s->request;
  if (r->attempt >= 0) {
    const uint64_t key = BodyKey(r->id, static_cast<uint32_t>(r->attempt), true);
    const int64_t wrong = CompareBody(key, r->received, bytes);
    if (wrong >= 0) {
      return Wrong("request " + std::to_string(r->id) + ": byte " +
                   std::to_string(r->received + static_cast<uint64_t>(wrong)) +
                   " of the answer is not its own");
    }
  }
  r->received += bytes.size();
  read_ += bytes.size();
  if (end) OnAnswerEnd(s);
  MaybeMisbehave();
}

void H2Client::OnAnswerEnd(H2Stream* s) {
  Request* const r = s->request;
  const std::string wrong = CompleteRight(*world_, *r);
  if (!wrong.empty()) return Wrong(wrong);
  world_->Trace("client " + std::to_string(index_) + " has the answer to " + std::to_string(r->id) +
                ": " + std::to_string(r->status));
  r->resolved = r->complete = true;
  if (s->ended) {
    s->over = true;
  } else if (world_->OneIn(2)) {
    // It does not send what nobody wants; or goes on until it is told.
    SendReset(s, world_->OneIn(2) ? kCancel : kNoError);
    s->over = true;
  }
}

void H2Client::OnReset(H2Stream* s, uint32_t code) {
  Request* const r = s->request;
  s->over = true;
  if (r->complete) {
    if (code != kNoError) Wrong("an answered stream is reset with " + std::to_string(code));
    return;
  }
  r->resolved = true;
  if (code == kRefused) {
    if (!r->attempts.empty()) return Wrong("refused, and sent to a backend all the same");
    if (flooded_) return;
  }
  const std::string why = DroppedRightly(*world_, *r, {true, false, false, s->received > 0, false});
  if (!why.empty()) Wrong("reset with " + std::to_string(code) + ": " + why);
}

// Streams above the last one were not served, and are asked for again elsewhere.
void H2Client::OnGoaway(uint32_t last, uint32_t) {
  // Some go on until a last stream is named.
  goaway_ = !stubborn_ || last != h2::kMaxStream;
  for (auto& [id, s] : streams_) {
    if (id <= last || s.over || s.reset_received) continue;
    if (!s.request->attempts.empty() || s.request->lost > 0)
      return Wrong("request " + std::to_string(s.request->id) + " was served above GOAWAY");
    s.over = true;
    s.sending = false;
    s.request->sent_all = false;
    to_do_.push_back(s.request);
  }
}

}  // namespace weir::sim
