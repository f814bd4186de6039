#include "tests/support/sim_net.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weir::test {

// ---- The peer's end

void SimLink::Send(std::string_view bytes) {
  if (peer_gone_ || broken_ || fin_to_worker_) return;
  if (door_ != nullptr) return door_->Send(bytes);
  Carry(bytes);
}

void SimLink::Carry(std::string_view bytes) {
  if (peer_gone_ || broken_ || fin_to_worker_) return;
  to_worker_.append(bytes);
}

void SimLink::Fin() {
  if (peer_gone_ || broken_) return;
  if (door_ != nullptr && !door_->OnEnding()) return;
  fin_to_worker_ = true;
}

void SimLink::Abort() {
  if (broken_) return;
  net_->Trace(this, "peer aborts");
  broken_ = peer_gone_ = true;
  rst_to_worker_ = true;
  SimNet::Lose(this);
  if (door_ != nullptr) door_->OnGone();
}

void SimLink::Close() {
  if (peer_gone_ || broken_) return;
  net_->Trace(this, "peer closes");
  bool unread = !to_peer_.empty();
  if (door_ != nullptr) {
    unread = door_->OnClosing(to_peer_);
    to_peer_.clear();
  }
  fin_to_worker_ = true;
  peer_gone_ = true;
  if (door_ != nullptr) door_->OnGone();
  if (unread) {
    // Unread bytes at a close: the kernel answers with a reset, behind what it sent already.
    broken_ = true;
    rst_to_worker_ = true;
    SimNet::Lose(this);
  }
}

// ---- The worker's end

SimIo::SimIo(SimNet* net, SimLink* link) : net_(net), link_(link) {
  link->io_ = this;
  link->opened_ = true;
  ++net->open_ios_;
  writable_ = link->connected_;
}

SimIo::~SimIo() {
  --net_->open_ios_;
  link_->io_ = nullptr;
  link_->closed_at_ = net_->now_ms_;
  link_->closed_blocked_ = !writable_ && !shut_;
  link_->edge_read_ = link_->edge_write_ = false;
  if (link_->broken_) return;
  const bool unread = !link_->inbox_.empty() || !link_->to_worker_.empty();
  if (abort_ || !link_->inbox_.empty() || !link_->connected_) {
    net_->Trace(link_, "worker resets", link_->inbox_.size());
    net_->BreakAtPeer(link_);
    return;
  }
  net_->Trace(link_, unread ? "worker closes early" : "worker closes");
  link_->fin_to_peer_ = true;
}

ssize_t SimIo::Read(uint8_t* room, size_t size) {
  SimLink& l = *link_;
  if (read_failed_) return net::kFailed;
  if (!l.connected_) return error_ != 0 ? net::kFailed : net::kAgain;
  const size_t n = std::min(size, l.inbox_.size());
  if (n > 0) {
    std::memcpy(room, l.inbox_.data(), n);
    l.inbox_.erase(0, n);
    if (shut_) l.read_after_fin_ += n;
    ++net_->moved_;
    net_->Trace(link_, "worker reads", n);
    if (n < size) readable_ = fin_seen_ || l.rst_at_worker_;
    return static_cast<ssize_t>(n);
  }
  if (l.rst_at_worker_) {
    read_failed_ = write_failed_ = true;
    error_ = ECONNRESET;
    return net::kFailed;
  }
  if (l.fin_in_inbox_) {
    net_->Trace(link_, "worker reads FIN");
    readable_ = true;
    return 0;
  }
  readable_ = false;
  return net::kAgain;
}

ssize_t SimIo::Write(const iovec* pieces, int count) {
  SimLink& l = *link_;
  if (!l.connected_) return error_ != 0 ? net::kFailed : net::kAgain;
  if (write_failed_ || l.rst_at_worker_ || shut_) {
    write_failed_ = true;
    error_ = EPIPE;
    return net::kFailed;
  }
  size_t all = 0;
  for (int i = 0; i < count; ++i) all += pieces[i].iov_len;
  size_t room = l.outbox_limit_ - std::min(l.outbox_limit_, l.to_peer_.size());
  room = std::min(room, all);
  // A kernel takes less than it has room for, now and then.
  if (room > 1 && net_->random_->Below(8) == 0) room = 1 + net_->random_->Below(room);
  size_t left = room;
  for (int i = 0; i < count && left > 0; ++i) {
    const size_t n = std::min(left, pieces[i].iov_len);
    l.to_peer_.append(static_cast<const char*>(pieces[i].iov_base), n);
    left -= n;
  }
  if (l.broken_) SimNet::Lose(&l);
  net_->Trace(link_, room < all ? "worker writes in part" : "worker writes", room);
  l.written_ += room;
  net_->moved_ += room > 0 ? 1 : 0;
  if (room < all) {
    writable_ = false;
    l.write_blocked_ = true;
  }
  return room == 0 && all > 0 ? net::kAgain : static_cast<ssize_t>(room);
}

void SimIo::ShutdownWrite() {
  if (shut_) return;
  shut_ = true;
  link_->shut_at_ = net_->now_ms_;
  net_->Trace(link_, "worker shuts down");
  if (!link_->broken_) link_->fin_to_peer_ = true;
}

// ---- The network

std::unique_ptr<net::Io> SimNet::Dial(const net::Address& address) {
  SimLink* link = NewLink(address.port());
  const SimDial dial = backend_(link);
  link->peer_ = dial.peer;
  link->connect_at_ =
      dial.outcome == SimDial::Outcome::kNever ? UINT64_MAX : now_ms_ + dial.delay_ms;
  link->refuse_error_ = dial.outcome == SimDial::Outcome::kRefuse ? ECONNREFUSED : 0;
  Trace(link, "worker dials");
  return std::make_unique<SimIo>(this, link);
}

SimLink* SimNet::Connect(SimPeer* peer, std::unique_ptr<net::Io>* io) {
  SimLink* link = NewLink(0);
  link->peer_ = peer;
  link->connected_ = true;
  *io = std::make_unique<SimIo>(this, link);
  Trace(link, "client connects");
  return link;
}

SimLink* SimNet::NewLink(uint16_t port) {
  const auto id = static_cast<uint32_t>(links_.size());
  links_.push_back(std::make_unique<SimLink>(this, id, port));
  SimLink* link = links_.back().get();
  link->inbox_limit_ = inbox_limit_;
  link->outbox_limit_ = outbox_limit_;
  live_.push_back(link);
  return link;
}

void SimNet::Edge(SimLink* link, bool read, bool write) {
  if (link->io_ == nullptr) return;
  link->edge_read_ = link->edge_read_ || read;
  link->edge_write_ = link->edge_write_ || write;
}

size_t SimNet::Piece(size_t most) {
  const size_t bound = std::min(most, most_per_segment_);
  // Mostly all of it, so that runs are short; sometimes one byte, sometimes a part.
  switch (random_->Below(6)) {
    case 0:
      return 1;
    case 1:
    case 2:
      return 1 + random_->Below(bound);
    default:
      return bound;
  }
}

bool SimNet::CanMove(const SimLink& l) const {
  if (l.io_ != nullptr && !l.connected_) return l.connect_at_ <= now_ms_;
  if (l.rst_to_worker_ && !l.rst_at_worker_) return true;
  if (!l.rst_at_worker_ && !l.to_worker_.empty() &&
      (l.io_ == nullptr || l.inbox_.size() < l.inbox_limit_)) {
    return true;
  }
  if (l.fin_to_worker_ && !l.fin_in_inbox_ && l.to_worker_.empty() && !l.rst_at_worker_)
    return true;
  if (l.peer_ == nullptr || l.broken_) return false;
  if (!l.to_peer_.empty()) return l.peer_gone_ || l.peer_->ReadRoom() > 0;
  return l.fin_to_peer_ && !l.fin_at_peer_;
}

bool SimNet::Step() {
  if (live_.empty()) return false;
  const size_t start = random_->Below(live_.size());
  for (size_t i = 0; i < live_.size(); ++i) {
    const size_t at = (start + i) % live_.size();
    SimLink* link = live_[at];
    if (!CanMove(*link)) {
      // Nothing will ever happen on it again.
      const bool over = link->fin_at_peer_ || link->broken_;
      if (link->io_ == nullptr && over && link->to_worker_.empty()) {
        live_[at] = live_.back();
        live_.pop_back();
        if (live_.empty()) return false;
        --i;
      }
      continue;
    }
    if (Move(link)) return true;
  }
  return false;
}

bool SimNet::Move(SimLink* link) {
  if (link->io_ != nullptr && !link->connected_) return FinishConnect(link);
  const bool first = random_->Below(2) == 0;
  return first ? MoveToWorker(link) || MoveToPeer(link) : MoveToPeer(link) || MoveToWorker(link);
}

bool SimNet::FinishConnect(SimLink* link) {
  if (link->refuse_error_ != 0) {
    link->io_->error_ = link->refuse_error_;
    link->connect_at_ = UINT64_MAX;
    Trace(link, "connect refused");
  } else {
    link->connected_ = true;
    Trace(link, "connected");
  }
  Edge(link, link->refuse_error_ != 0, true);
  return true;
}

bool SimNet::MoveToWorker(SimLink* l) {
  if (l->rst_at_worker_) return false;
  if (!l->to_worker_.empty()) {
    if (l->io_ == nullptr) {
      // Arrives at a closed socket: a reset comes back, and takes with it what was on its way.
      l->to_worker_.clear();
      ++moved_;
      if (!l->broken_) BreakAtPeer(l);
      return true;
    }
    // A reset may overtake what was sent before it.
    const bool overtaken = l->rst_to_worker_ && random_->Below(4) == 0;
    if (!overtaken && l->inbox_.size() < l->inbox_limit_) {
      const size_t n = Piece(std::min(l->to_worker_.size(), l->inbox_limit_ - l->inbox_.size()));
      l->inbox_.append(l->to_worker_, 0, n);
      l->to_worker_.erase(0, n);
      ++moved_;
      Trace(l, "arrives at worker", n);
      Edge(l, true, false);
      return true;
    }
    if (!l->rst_to_worker_) return false;
  }
  if (l->rst_to_worker_) {
    // What the reset overtook is lost.
    l->to_worker_.clear();
    l->rst_at_worker_ = true;
    ++moved_;
    Trace(l, "RST arrives at worker");
    Edge(l, true, true);
    return true;
  }
  if (l->fin_to_worker_ && !l->fin_in_inbox_) {
    l->fin_in_inbox_ = true;
    ++moved_;
    Trace(l, "FIN arrives at worker");
    Edge(l, true, false);
    return true;
  }
  return false;
}

bool SimNet::MoveToPeer(SimLink* l) {
  if (l->peer_ == nullptr || l->broken_) return false;
  if (!l->to_peer_.empty()) {
    if (l->peer_gone_) {
      // It closed: its kernel answers with a reset.
      Trace(l, "bytes for a closed peer", l->to_peer_.size());
      Lose(l);
      l->broken_ = true;
      l->rst_to_worker_ = true;
      ++moved_;
      return true;
    }
    const size_t room = l->peer_->ReadRoom();
    if (room == 0) return false;
    const size_t n = Piece(std::min(room, l->to_peer_.size()));
    const std::string bytes = l->to_peer_.substr(0, n);
    l->to_peer_.erase(0, n);
    ++moved_;
    Trace(l, "arrives at peer", n);
    if (l->write_blocked_ && l->to_peer_.size() < l->outbox_limit_ / 2 + 1) {
      l->write_blocked_ = false;
      Edge(l, false, true);
    }
    l->peer_->OnBytes(bytes);
    return true;
  }
  if (l->fin_to_peer_ && !l->fin_at_peer_) {
    l->fin_at_peer_ = true;
    ++moved_;
    Trace(l, "FIN arrives at peer");
    if (!l->peer_gone_) l->peer_->OnFin();
    return true;
  }
  return false;
}

void SimNet::BreakAtPeer(SimLink* l) {
  l->broken_ = true;
  l->worker_rst_ = true;
  l->to_peer_.clear();
  l->to_worker_.clear();
  l->fin_at_peer_ = true;
  if (l->peer_ != nullptr && !l->peer_gone_) l->peer_->OnBroken();
}

void SimNet::Lose(SimLink* l) {
  if (l->peer_ != nullptr && !l->to_peer_.empty()) l->peer_->OnLost(l->to_peer_);
  l->to_peer_.clear();
}

bool SimNet::HasEdges() const {
  return std::any_of(live_.begin(), live_.end(), [](const SimLink* l) {
    return l->io_ != nullptr && (l->edge_read_ || l->edge_write_);
  });
}

int SimNet::DeliverEdges(const std::function<void()>& before_each) {
  std::vector<SimLink*> due;
  for (SimLink* link : live_) {
    if (link->io_ != nullptr && (link->edge_read_ || link->edge_write_)) due.push_back(link);
  }
  for (size_t i = due.size(); i > 1; --i) std::swap(due[i - 1], due[random_->Below(i)]);
  size_t count = due.size();
  if (count > 1 && random_->Below(4) == 0) count = 1 + random_->Below(count);
  int told = 0;
  for (size_t i = 0; i < count; ++i) {
    SimLink* l = due[i];
    SimIo* io = l->io_;
    // An earlier event of the batch may have closed it.
    if (io == nullptr || !(l->edge_read_ || l->edge_write_)) continue;
    bool read = l->edge_read_;
    bool write = l->edge_write_;
    // epoll reports all that is true when it reports anything.
    if (l->connected_ && random_->Below(2) == 0) {
      write = write || (!l->write_blocked_);
      read = read || !l->inbox_.empty() || l->fin_in_inbox_;
    }
    if (l->fin_in_inbox_ && read) io->fin_seen_ = true;
    l->edge_read_ = l->edge_write_ = false;
    before_each();
    io->readable_ = io->readable_ || read;
    io->writable_ = io->writable_ || write;
    Trace(l, read ? (write ? "edge: both" : "edge: readable") : "edge: writable");
    if (io->client_ != nullptr) io->client_->OnIo(read, write);
    ++told;
  }
  return told;
}

uint64_t SimNet::NextConnect() const {
  uint64_t next = UINT64_MAX;
  for (const SimLink* l : live_) {
    if (l->io_ != nullptr && !l->connected_) next = std::min(next, l->connect_at_);
  }
  return next;
}

void SimNet::Trace(const SimLink* link, const char* what, size_t size) const {
  if (!trace_) return;
  trace_("link " + std::to_string(link->id()) + (link->port() == 0 ? " (down) " : " (up) ") + what +
         (size == 0 ? "" : " " + std::to_string(size)));
}

}  // namespace weir::test
