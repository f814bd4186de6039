#include "tests/simulation/h1_client.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "tests/simulation/verdict.h"

namespace weir::sim {

H1Client::H1Client(World* world, uint32_t index) : world_(world), index_(index) {
  const Variation& v = world->variation();
  for (uint32_t i = 0; i < v.requests; ++i) {
    Request* r = world->NewRequest(index);
    const char* const methods[] = {"GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE"};
    r->method = methods[world->Below(8)];
    if (r->method == "POST" || r->method == "PUT") {
      r->body = world->OneIn(2) ? BodyKind::kLength : BodyKind::kChunked;
      r->body_size = world->OneIn(4) ? world->Below(20) : world->Below(uint64_t{v.most_body} + 1);
      r->trailers = r->body == BodyKind::kChunked && world->OneIn(4);
      r->expect = r->body_size > 0 && world->OneIn(5);
    }
    if (r->body != BodyKind::kChunked && !r->expect && world->OneIn(16)) r->old = true;
    r->close = r->old || world->OneIn(20);
    requests_.push_back(r);
  }
  start_at_ = world->now() + world->Below(50);
}

bool H1Client::Done() const {
  return !open_ && next_ == requests_.size();
}

void H1Client::Connect() {
  const Variation& v = world_->variation();
  window_ = world_->OneIn(2) ? 1 : 1 + static_cast<uint32_t>(world_->Below(6));
  half_close_ = world_->OneIn(6);
  out_.clear();
  sending_.clear();
  waiting_.clear();
  pause_until_ = read_pause_until_ = continue_until_ = 0;
  continued_ = interim_ = no_more_ = fin_sent_ = stopped_ = overrun_ = false;
  sent_ = read_ = 0;
  most_read_ = world_->OneIn(4) ? 200 + world_->Below(8000) : UINT64_MAX;
  slow_left_ms_ = 1500;
  misdeed_ = 0;
  misbehave_at_sent_ = misbehave_at_read_ = UINT64_MAX;
  if (v.client_aborts && world_->OneIn(2)) misdeed_ = 1 + static_cast<int>(world_->Below(2));
  if (v.stalls && misdeed_ == 0 && world_->OneIn(3)) misdeed_ = 3;
  if (misdeed_ != 0) {
    const uint64_t at = world_->Below(world_->OneIn(2) ? 400 : 400 + 2 * uint64_t{v.most_body});
    (world_->OneIn(2) ? misbehave_at_sent_ : misbehave_at_read_) = at;
  }
  Restart();
  link_ = world_->ConnectClient(this, Speaks::kH1);
  open_ = link_ != nullptr;
  if (!open_) {
    for (; next_ < requests_.size(); ++next_) requests_[next_]->resolved = true;
  }
}

void H1Client::Begin(Request* request) {
  world_->OnBegin(request, link_);
  std::string head = request->method + " " + request->Path() + " HTTP/1." +
                     (request->old ? "0" : "1") + "\r\nHost: sim.example\r\n";
  head += "X-Sim-Id: " + std::to_string(request->id) + "\r\n";
  if (world_->OneIn(3)) head += "X-Padding: " + std::string(world_->Below(600), 'p') + "\r\n";
  if (request->body == BodyKind::kLength) {
    head += "Content-Length: " + std::to_string(request->body_size) + "\r\n";
  } else if (request->body == BodyKind::kChunked) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  if (request->expect) head += "Expect: 100-continue\r\n";
  if (request->close && !request->old) head += "Connection: close\r\n";
  head += "\r\n";
  sending_.push_back(request);
  waiting_.push_back(request);
  const uint64_t think = world_->OneIn(4) ? world_->Below(300) : 0;
  out_.push_back({std::move(head), think, false, false});
  AddBody(request);
  out_.back().last = true;
}

void H1Client::AddBody(Request* request) {
  const uint64_t key = BodyKey(request->id, 0, false);
  const bool chunked = request->body == BodyKind::kChunked;
  const uint64_t longest = 1 + world_->Below(world_->OneIn(3) ? 100 : 30000);
  uint64_t pauses = 5;
  bool first = true;
  uint64_t longest_now = std::max<uint64_t>(longest, request->body_size / 200);
  for (uint64_t at = 0; at < request->body_size;) {
    const uint64_t n = std::min(request->body_size - at, 1 + world_->Below(longest_now));
    Piece piece;
    if (chunked) {
      char size[20];
      char* end = std::to_chars(size, size + sizeof(size), n, 16).ptr;
      piece.bytes.assign(size, end);
      if (world_->OneIn(8)) piece.bytes += ";ext=1";
      piece.bytes += "\r\n";
    }
    AppendBody(key, at, n, &piece.bytes);
    if (chunked) piece.bytes += "\r\n";
    if (pauses > 0 && world_->OneIn(10)) {
      --pauses;
      piece.pause_ms = world_->Below(200);
    }
    piece.after_continue = first && request->expect;
    first = false;
    at += n;
    out_.push_back(std::move(piece));
  }
  if (!chunked) return;
  Piece end;
  end.bytes = "0\r\n";
  if (request->trailers) end.bytes += "X-Sim-Trailer: " + std::to_string(request->id) + "\r\n";
  end.bytes += "\r\n";
  out_.push_back(std::move(end));
}

uint64_t H1Client::Tick(uint64_t now_ms) {
  if (!open_) {
    if (next_ == requests_.size()) return UINT64_MAX;
    if (now_ms < start_at_) return start_at_;
    Connect();
  }
  if (open_ && stopped_) {
    if (now_ms < leave_at_) return leave_at_;
    Leave(false);
  }
  if (open_) Push(now_ms);
  if (!open_) return next_ == requests_.size() ? UINT64_MAX : std::max(now_ms, start_at_);
  uint64_t wake = UINT64_MAX;
  if (pause_until_ > now_ms) wake = pause_until_;
  if (read_pause_until_ > now_ms) wake = std::min(wake, read_pause_until_);
  if (!out_.empty() && out_.front().after_continue && !continued_ && continue_until_ > now_ms) {
    wake = std::min(wake, continue_until_);
  }
  return wake;
}

void H1Client::Push(uint64_t now_ms) {
  while (open_ && !stopped_ && SendNext(now_ms)) {
  }
}

// Sends one piece. False: nothing can be sent now.
bool H1Client::SendNext(uint64_t now_ms) {
  if (pause_until_ > now_ms || link_->unsent() > 65536 || fin_sent_) return false;
  if (out_.empty()) {
    const bool more = next_ < requests_.size() && !no_more_;
    if (more && waiting_.size() < window_) {
      Request* const request = requests_[next_++];
      if (request->close) no_more_ = true;
      Begin(request);
      pause_until_ = now_ms + out_.front().pause_ms;
      return true;
    }
    if (waiting_.empty() && !more) {
      Leave(false);
    } else if (!more && half_close_) {
      fin_sent_ = true;
      link_->Fin();
    }
    return false;
  }
  Piece& piece = out_.front();
  if (piece.after_continue && !continued_) {
    if (continue_until_ == 0) continue_until_ = now_ms + 500;
    if (now_ms < continue_until_) return false;
  }
  link_->Send(piece.bytes);
  sent_ += piece.bytes.size();
  if (piece.last) {
    sending_.front()->sent_all = true;
    sending_.pop_front();
    continued_ = false;
    continue_until_ = 0;
  }
  out_.pop_front();
  if (!out_.empty()) pause_until_ = now_ms + out_.front().pause_ms;
  if (sent_ >= misbehave_at_sent_) Misbehave();
  return true;
}

void H1Client::Misbehave() {
  misbehave_at_sent_ = misbehave_at_read_ = UINT64_MAX;
  world_->Trace("client " + std::to_string(index_) + " misbehaves " + std::to_string(misdeed_));
  if (misdeed_ != 3) return Leave(misdeed_ == 2);
  stopped_ = true;
  leave_at_ = world_->now() + 100'000;
  for (Request* r : waiting_) r->stalled = true;
}

// The client goes away by itself.
void H1Client::Leave(bool abort) {
  for (Request* r : waiting_) {
    r->given_up = true;
    Resolve(r, false);
  }
  waiting_.clear();
  open_ = false;
  start_at_ = world_->now() + world_->Below(100);
  if (abort) {
    link_->Abort();
  } else {
    link_->Close();
  }
}

void H1Client::Resolve(Request* request, bool complete) {
  request->resolved = true;
  request->complete = complete;
}

size_t H1Client::ReadRoom() {
  if (!open_) return 0;
  if (stopped_ || read_pause_until_ > world_->now()) return 0;
  if (most_read_ == UINT64_MAX) return SIZE_MAX;
  return static_cast<size_t>(most_read_);
}

void H1Client::OnBytes(std::string_view bytes) {
  if (!open_) return;
  read_ += bytes.size();
  if (most_read_ != UINT64_MAX && slow_left_ms_ > 0 && world_->OneIn(3)) {
    const uint64_t pause = std::min(slow_left_ms_, 1 + world_->Below(150));
    slow_left_ms_ -= pause;
    read_pause_until_ = world_->now() + pause;
  }
  Feed(bytes);
  if (open_ && read_ >= misbehave_at_read_) Misbehave();
}

void H1Client::OnFin() {
  if (!open_) return;
  const bool clean = End();
  if (!open_) return;
  Over("FIN", clean);
  link_->Close();
}

void H1Client::OnBroken() {
  if (!open_) return;
  Over("RST", false);
}

void H1Client::Over(const char* how, bool clean) {
  open_ = false;
  start_at_ = world_->now() + world_->Below(100);
  // A worker that closes waits a bounded time, for a bounded number of bytes, for its client to see
  // it.
  const bool outlasted = link_->lingered_ms() >= 1000 || link_->read_after_fin() > 200'000;
  bool first = true;
  for (Request* r : waiting_) {
    const std::string why =
        DroppedRightly(*world_, *r, {first, no_more_, clean, in_body(), overrun_ || outlasted});
    if (!why.empty()) {
      world_->Fail("client " + std::to_string(index_) + ": " + how + " for request " +
                   std::to_string(r->id) + ": " + why);
    }
    first = false;
    Resolve(r, false);
  }
  waiting_.clear();
}

Framing H1Client::OnHead(const Head& head, uint64_t* length) {
  Request* const request = front();
  if (head.start.size() < 12 || head.start.compare(0, 7, "HTTP/1.") != 0) {
    OnFault("not a status line: " + head.start);
    return Framing::kNone;
  }
  if (request == nullptr) {
    // A connection that is closed for its idleness may say so with a 408.
    OnFault("an answer that nobody asked for: " + head.start);
    return Framing::kNone;
  }
  const uint32_t status = static_cast<uint32_t>(std::atoi(head.start.c_str() + 9));
  interim_ = status < 200;
  if (interim_) {
    if (status == 100) continued_ = true;
    if (request->old) OnFault("an interim answer to HTTP/1.0");
    return Framing::kNone;
  }
  request->status = status;
  request->head_received = true;
  if (head.Get("connection") == "close" ||
      (request->old && head.Get("connection") != "keep-alive")) {
    no_more_ = true;
  }
  return FinalHead(head, request, length);
}

Framing H1Client::FinalHead(const Head& head, Request* request, uint64_t* length) {
  const std::string_view id = head.Get("x-sim-id");
  if (!id.empty()) {
    if (id != std::to_string(request->id)) {
      OnFault("request " + std::to_string(request->id) + " got the answer of " + std::string(id));
      return Framing::kNone;
    }
    request->attempt = std::atoi(std::string(head.Get("x-sim-attempt")).c_str());
  }
  const std::string wrong = HeadRight(*world_, *request);
  if (!wrong.empty()) OnFault(wrong);
  if (request->method == "HEAD" || request->status == 204 || request->status == 304)
    return Framing::kNone;
  if (head.Count("content-length") + head.Count("transfer-encoding") > 1) OnFault("two framings");
  const std::string_view announced = head.Get("content-length");
  if (!announced.empty()) {
    std::from_chars(announced.data(), announced.data() + announced.size(), *length);
    return Framing::kLength;
  }
  if (head.Get("transfer-encoding") == "chunked") {
    if (request->old) OnFault("chunked to HTTP/1.0");
    return Framing::kChunked;
  }
  if (!no_more_) OnFault("an answer until close that does not say so");
  return Framing::kUntilClose;
}

void H1Client::OnBody(std::string_view bytes) {
  Request* const request = front();
  if (request->attempt >= 0) {
    const uint64_t key = BodyKey(request->id, static_cast<uint32_t>(request->attempt), true);
    const int64_t wrong = CompareBody(key, request->received, bytes);
    if (wrong >= 0) {
      return OnFault("request " + std::to_string(request->id) + ": the answer's byte at " +
                     std::to_string(request->received + static_cast<uint64_t>(wrong)) +
                     " is not its own");
    }
  }
  request->received += bytes.size();
}

void H1Client::OnMessageEnd() {
  if (interim_) return;
  Request* const request = front();
  if (request == nullptr) return;
  const std::string wrong = CompleteRight(*world_, *request);
  if (!wrong.empty()) OnFault(wrong);
  if (!open_) return;
  world_->Trace("client " + std::to_string(index_) + " has the answer to " +
                std::to_string(request->id) + ": " + std::to_string(request->status));
  waiting_.pop_front();
  Resolve(request, true);
  // Whole by its length and cut all the same: what follows on the connection may be dropped.
  if (request->attempt >= 0 && request->attempts[static_cast<size_t>(request->attempt)].cut)
    overrun_ = true;
  const bool unsent = !sending_.empty() && sending_.front() == request;
  if (no_more_ || (unsent && world_->OneIn(2))) {
    // Of what was sent behind it nothing will be answered.
    if (no_more_) {
      for (Request* r : waiting_) Resolve(r, false);
      waiting_.clear();
    }
    Leave(false);
    Stop();
  } else if (unsent) {
    continued_ = true;
    overrun_ = overrun_ || request->body_size > 200'000;
  }
}

void H1Client::OnFault(const std::string& what) {
  world_->Fail("client " + std::to_string(index_) + ": " + what);
  Stop();
}

}  // namespace weir::sim
