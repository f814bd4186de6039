#include "tests/simulation/h1_backend.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "tests/simulation/verdict.h"

namespace weir::sim {

H1Backend::H1Backend(World* world, uint32_t host, test::SimLink* link)
    : world_(world), host_(host), link_(link) {
  if (world->variation().backend_idle_closes && world->OneIn(4)) {
    idle_close_at_ = world->now() + 1 + world->Below(500);
  }
}

Framing H1Backend::OnHead(const Head& head, uint64_t* length) {
  const size_t method_end = head.start.find(' ');
  const size_t path = method_end + 1;
  if (method_end == std::string::npos || head.start.size() < path + 4) {
    OnFault("not a request of ours: " + head.start);
    return Framing::kNone;
  }
  Request* const request =
      world_->Find(static_cast<uint32_t>(std::atoi(head.start.c_str() + path + 3)));
  if (request == nullptr || request->cluster != ClusterOf(host_) ||
      head.start.compare(path, request->Path().size() + 1, request->Path() + " ") != 0 ||
      head.start.substr(0, method_end) != request->method ||
      head.Get("x-sim-id") != std::to_string(request->id)) {
    OnFault("a request that nobody sent: " + head.start);
    return Framing::kNone;
  }
  if (request_ != nullptr && !(request_done_ && answered_)) {
    OnFault("request " + std::to_string(request->id) + " on a connection that is not free");
    return Framing::kNone;
  }
  if (answered_ && answer_.close) OnFault("a request behind an answer that closes");
  const std::string wrong = AttemptRight(*world_, *request);
  if (!wrong.empty()) OnFault(wrong);
  idle_close_at_ = 0;
  request_ = request;
  attempt_ = request->attempts.size();
  request->attempts.emplace_back();
  attempt().backend = host_;
  request_done_ = trailer_seen_ = answering_ = answered_ = false;
  answer_ = ChooseAnswer(world_, *request);
  world_->Trace("backend " + std::to_string(host_) + " link " + std::to_string(link_->id()) +
                " has the head of " + std::to_string(request->id));
  if (world_->OneIn(6)) read_pause_until_ = world_->now() + world_->Below(300);
  answer_at_ = answer_.when == Answer::When::kAtHead ? world_->now() + answer_.delay_ms : 0;
  if (answer_.continues && head.Get("expect") == "100-continue") {
    link_->Send("HTTP/1.1 100 Continue\r\n\r\n");
  }
  const std::string_view announced = head.Get("content-length");
  if (head.Count("content-length") + head.Count("transfer-encoding") > 1) OnFault("two framings");
  if (!announced.empty()) {
    std::from_chars(announced.data(), announced.data() + announced.size(), *length);
    if (*length != request->body_size) OnFault("content-length " + std::string(announced));
    return Framing::kLength;
  }
  if (head.Get("transfer-encoding") == "chunked") return Framing::kChunked;
  return Framing::kNone;
}

void H1Backend::OnBody(std::string_view bytes) {
  Attempt& a = attempt();
  const int64_t wrong = CompareBody(BodyKey(request_->id, 0, false), a.received, bytes);
  if (wrong >= 0) {
    return OnFault("request " + std::to_string(request_->id) + ": byte " +
                   std::to_string(a.received + static_cast<uint64_t>(wrong)) +
                   " of its body is not its own");
  }
  a.received += bytes.size();
}

void H1Backend::OnTrailer(std::string_view line) {
  if (Lower(line) == "x-sim-trailer: " + std::to_string(request_->id)) trailer_seen_ = true;
}

void H1Backend::OnMessageEnd() {
  request_done_ = true;
  Attempt& a = attempt();
  a.complete_request = true;
  if (a.received != request_->body_size) {
    return OnFault("request " + std::to_string(request_->id) + " ends after " +
                   std::to_string(a.received) + " of " + std::to_string(request_->body_size) +
                   " bytes");
  }
  if (!request_->sent_all)
    OnFault("request " + std::to_string(request_->id) + " ends before its client's");
  if (trailer_seen_ != request_->trailers) OnFault("trailers of " + std::to_string(request_->id));
  if (answer_at_ == 0) answer_at_ = world_->now() + answer_.delay_ms;
  if (answered_) EndAnswer();
}

void H1Backend::OnFault(const std::string& what) {
  world_->Fail("backend " + std::to_string(host_) + " link " + std::to_string(link_->id()) + ": " +
               what);
  Stop();
}

void H1Backend::StartAnswer() {
  answering_ = true;
  Attempt& a = attempt();
  a.status = answer_.status;
  a.body_size = answer_.size;
  a.closes = answer_.close;
  a.until_close = answer_.until_close;
  a.trailers = answer_.trailers;
  if (answer_.garbage) {
    const char* const kinds[] = {
        "garbage\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "\0\0\0\0\0\0\0"};
    a.garbage = true;
    out_.push_back({kinds[world_->Below(6)] + std::string("x\r\n\r\n"), 0});
    return;
  }
  if (answer_.end != Answer::End::kWhole && answer_.cut_at == UINT64_MAX) return;
  AddHead();
  AddBody();
}

void H1Backend::AddHead() {
  for (uint32_t i = 0; i < answer_.interims; ++i) {
    out_.push_back({"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", world_->Below(20)});
  }
  std::string head = "HTTP/1.1 " + std::to_string(answer_.status) + " Sim\r\n";
  head += "X-Sim-Id: " + std::to_string(request_->id) + "\r\n";
  head += "X-Sim-Attempt: " + std::to_string(attempt_) + "\r\n";
  if (world_->OneIn(3)) head += "X-Padding: " + std::string(world_->Below(1500), 'q') + "\r\n";
  if (answer_.body == BodyKind::kLength)
    head += "Content-Length: " + std::to_string(answer_.size) + "\r\n";
  if (answer_.body == BodyKind::kChunked) head += "Transfer-Encoding: chunked\r\n";
  if (answer_.close) head += "Connection: close\r\n";
  out_.push_back({head + "\r\n", 0});
}

void H1Backend::AddBody() {
  if (request_->method == "HEAD") return;
  const bool chunked = answer_.body == BodyKind::kChunked;
  const uint64_t key = BodyKey(request_->id, static_cast<uint32_t>(attempt_), true);
  const bool whole = answer_.end == Answer::End::kWhole;
  const uint64_t size = whole ? answer_.size : answer_.cut_at;
  uint64_t longest = 1 + world_->Below(world_->OneIn(3) ? 100 : 30000);
  longest = std::max<uint64_t>(longest, size / 200);
  uint64_t pauses = 5;
  for (uint64_t at = 0; at < size;) {
    const uint64_t n = std::min(size - at, 1 + world_->Below(longest));
    Piece piece;
    if (chunked) {
      char text[20];
      // A cut answer ends inside a chunk as well as between two.
      const uint64_t says = !whole && at + n == size && world_->OneIn(2) ? n + 10 : n;
      piece.bytes.assign(text, std::to_chars(text, text + sizeof(text), says, 16).ptr);
      piece.bytes += "\r\n";
      AppendBody(key, at, n, &piece.bytes);
      if (says == n) piece.bytes += "\r\n";
    } else {
      AppendBody(key, at, n, &piece.bytes);
    }
    if (pauses > 0 && world_->OneIn(10)) {
      --pauses;
      piece.pause_ms = world_->Below(200);
    }
    at += n;
    out_.push_back(std::move(piece));
  }
  if (whole && chunked) {
    out_.push_back({answer_.trailers ? "0\r\nX-Sim-Trailer: a\r\n\r\n" : "0\r\n\r\n", 0});
  }
}

uint64_t H1Backend::Tick(uint64_t now_ms) {
  if (closed_) return UINT64_MAX;
  if (request_ != nullptr && !answering_ && answer_at_ != 0 && now_ms >= answer_at_) StartAnswer();
  while (answering_ && !answered_ && now_ms >= pause_until_ && link_->unsent() < 65536) {
    if (out_.empty()) {
      answered_ = true;
      EndAnswer();
      break;
    }
    attempt().head_sent = true;
    link_->Send(out_.front().bytes);
    out_.pop_front();
    if (!out_.empty()) {
      pause_until_ = now_ms + out_.front().pause_ms;
    } else if (answer_.end == Answer::End::kWhole && !answer_.garbage) {
      attempt().answered = true;
    }
  }
  if (closed_) return UINT64_MAX;
  if (idle_close_at_ != 0 && now_ms >= idle_close_at_) {
    // A reset would overtake what is still on its way.
    Close(link_->unsent() == 0 && world_->OneIn(3));
    return UINT64_MAX;
  }
  uint64_t wake = UINT64_MAX;
  const auto at = [&](uint64_t when) {
    if (when > now_ms) wake = std::min(wake, when);
  };
  at(pause_until_);
  at(idle_close_at_);
  at(read_pause_until_);
  if (!answering_) at(answer_at_);
  return wake;
}

// All of the answer that there will be was given to the network.
void H1Backend::EndAnswer() {
  Attempt& a = attempt();
  const bool bodiless =
      answer_.status == 204 || answer_.status == 304 || request_->method == "HEAD";
  const bool head = answer_.cut_at != UINT64_MAX;
  const bool length = answer_.body == BodyKind::kLength && answer_.cut_at >= answer_.size;
  if (answer_.end != Answer::End::kWhole) a.answered = head && (bodiless || length);
  switch (answer_.end) {
    case Answer::End::kStall:
      a.stalled = true;
      return;
    case Answer::End::kCutFin:
    case Answer::End::kCutRst:
      if (answer_.until_close && answer_.end == Answer::End::kCutFin && !link_->truncates() &&
          answer_.cut_at != UINT64_MAX) {
        a.body_size = answer_.cut_at;  // nobody can tell it from the whole
        a.answered = true;
        a.cut = !request_done_;  // its close is a reset then
      } else {
        a.cut = true;
      }
      return Close(answer_.end == Answer::End::kCutRst);
    case Answer::End::kWhole:
      break;
  }
  if (a.garbage) return Close(world_->OneIn(2));
  if (answer_.excess) {
    a.garbage = true;
    link_->Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
    return Close(false);
  }
  if (answer_.close) {
    // What was not read of the request turns the close into a reset, which may eat the answer.
    if (!request_done_) a.cut = true;
    a.truncated = answer_.until_close && link_->truncates();
    if (a.truncated) a.cut = true;
    return Close(false);
  }
  if (request_done_ && world_->variation().backend_idle_closes && world_->OneIn(3)) {
    idle_close_at_ = world_->now() + 1 + world_->Below(world_->OneIn(2) ? 5 : 500);
  }
}

void H1Backend::Close(bool abort) {
  closed_ = true;
  Stop();
  if (abort) {
    link_->Abort();
  } else {
    link_->Close();
  }
}

size_t H1Backend::ReadRoom() {
  if (closed_ || read_pause_until_ > world_->now()) return 0;
  return SIZE_MAX;
}

void H1Backend::OnFin() {
  // The worker sends nothing behind a FIN; an idle connection is over.
  if (!closed_) Close(false);
}

void H1Backend::OnBroken() {
  closed_ = true;
  Stop();
}

void H1Backend::OnLost(std::string_view bytes) {
  lost_.append(bytes);
  size_t at;
  while ((at = lost_.find("x-sim-id: ")) != std::string::npos ||
         (at = lost_.find("X-Sim-Id: ")) != std::string::npos) {
    const size_t end = lost_.find('\r', at);
    if (end == std::string::npos) return;
    Request* const request =
        world_->Find(static_cast<uint32_t>(std::atoi(lost_.c_str() + at + 10)));
    if (request != nullptr) ++request->lost;
    lost_.erase(0, end);
  }
}

}  // namespace weir::sim
