#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/net/address.h"
#include "core/net/io.h"
#include "core/net/worker_context.h"

// A network without a kernel: connections between the worker under test and the peers of the
// simulation. What a kernel would decide by chance (how bytes are cut, when an edge is seen, when a
// FIN comes) is decided by the seed, and everything that happens is one of Step's choices.

namespace weir::test {

class SimIo;
class SimNet;

// The other end's program. Calls come from SimNet::Step only.
class SimPeer {
 public:
  virtual ~SimPeer() = default;
  // Bytes of the worker that arrived. They are the peer's own once it took them.
  virtual void OnBytes(std::string_view bytes) = 0;
  // The worker's FIN, behind its last byte.
  virtual void OnFin() = 0;
  // The connection broke, or what the peer sent arrived at a closed one.
  virtual void OnBroken() = 0;
  // Bytes that the worker wrote and that no program will read.
  virtual void OnLost(std::string_view bytes) { (void)bytes; }
  // Bytes that the peer takes now; 0: it does not read.
  virtual size_t ReadRoom() = 0;
};

// What stands between a program and its connection: the far end of TLS. It is the link's peer, and
// what the program sends goes through it.
class SimDoor : public SimPeer {
 public:
  virtual void Send(std::string_view bytes) = 0;
  // What it was given and has not passed on.
  virtual size_t unsent() const = 0;
  // The program ends its direction. False: not yet, the door will end it.
  virtual bool OnEnding() = 0;
  // It closes, and had not taken `unread`. Says whether anything of that was for the program.
  virtual bool OnClosing(std::string_view unread) = 0;
  // It closed or aborted: what the worker writes from now on, or wrote, is lost.
  virtual void OnGone() = 0;
  // It ends without the word that says so.
  virtual bool truncates() const = 0;
  // What the worker's program wrote, in front of its own TLS.
  virtual void OnWritten(std::string_view bytes) = 0;
  virtual void OnWorkerGone() = 0;
};

// One connection: two streams of bytes with bounded buffers at the worker's end. Lives until the
// run is over, so that peers can look at it after its end.
class SimLink {
 public:
  SimLink(SimNet* net, uint32_t id, uint16_t port) : net_(net), id_(id), port_(port) {}

  uint32_t id() const { return id_; }
  uint16_t port() const { return port_; }

  // --- for the peer
  void set_peer(SimPeer* peer) { peer_ = peer; }
  void Send(std::string_view bytes);
  void Fin();
  void Abort();  // RST: what the peer had not read and what is on its way to it is lost
  void Close();  // as close(2): FIN behind what was sent; whatever still comes is answered with RST
  // Bytes that were sent and have not reached the worker's buffer.
  size_t unsent() const { return to_worker_.size() + (door_ == nullptr ? 0 : door_->unsent()); }
  bool truncates() const { return door_ != nullptr && door_->truncates(); }
  bool worker_closed() const { return io_ == nullptr && opened_; }
  bool aborted_by_worker() const { return worker_rst_; }
  bool broken() const { return broken_; }
  // What the worker wrote and the peer has not taken, and what the peer sent and the worker did
  // not.
  size_t unread_by_peer() const { return to_peer_.size(); }
  size_t unread_by_worker() const { return inbox_.size() + to_worker_.size(); }
  uint64_t written_by_worker() const { return written_; }
  // What the worker did once it had sent its FIN: how long it waited for the peer's before it
  // closed, and how much it read.
  uint64_t lingered_ms() const { return shut_at_ == 0 ? 0 : closed_at_ - shut_at_; }
  uint64_t read_after_fin() const { return read_after_fin_; }
  // It closed while its kernel took no more.
  bool closed_blocked() const { return closed_blocked_; }

  // --- for the door, which must live as long as the link
  void set_door(SimDoor* door) { door_ = door; }
  SimDoor* door() const { return door_; }
  void Carry(std::string_view bytes);

 private:
  friend class SimIo;
  friend class SimNet;

  SimNet* net_;
  uint32_t id_;
  uint16_t port_;
  SimPeer* peer_ = nullptr;
  SimDoor* door_ = nullptr;
  SimIo* io_ = nullptr;
  bool opened_ = false;
  bool connected_ = false;
  bool peer_gone_ = false;  // it closed: bytes for it are answered with RST
  bool broken_ = false;     // RST, in either direction
  bool worker_rst_ = false;
  bool fin_to_worker_ = false;  // sent, behind to_worker_
  bool fin_in_inbox_ = false;   // arrived
  bool fin_to_peer_ = false;    // the worker's, behind to_peer_
  bool fin_at_peer_ = false;
  bool rst_to_worker_ = false;  // on its way
  bool rst_at_worker_ = false;
  bool write_blocked_ = false;
  bool closed_blocked_ = false;
  bool edge_read_ = false;  // due to be told to the worker
  bool edge_write_ = false;
  int refuse_error_ = 0;     // a connect that fails
  uint64_t connect_at_ = 0;  // when it is established or refused
  uint64_t written_ = 0;
  uint64_t shut_at_ = 0;
  uint64_t closed_at_ = 0;
  uint64_t read_after_fin_ = 0;
  size_t inbox_limit_ = 65536;
  size_t outbox_limit_ = 65536;
  std::string to_worker_;  // on its way
  std::string inbox_;      // in the worker's kernel
  std::string to_peer_;    // in the worker's kernel, or on its way
};

// The worker's end.
class SimIo final : public net::Io {
 public:
  SimIo(SimNet* net, SimLink* link);
  ~SimIo() override;

  ssize_t Read(uint8_t* room, size_t size) override;
  ssize_t Write(const iovec* pieces, int count) override;
  void ShutdownWrite() override;
  void AbortOnClose() override { abort_ = true; }
  int error() const override { return error_; }
  bool connected() const override { return link_->connected_ && !write_failed_; }

 private:
  friend class SimNet;

  SimNet* net_;
  SimLink* link_;
  int error_ = 0;
  bool abort_ = false;
  bool read_failed_ = false;
  bool write_failed_ = false;
  bool fin_seen_ = false;  // its edge was delivered
  bool shut_ = false;
};

// How a dialled connection comes about.
struct SimDial {
  enum class Outcome { kConnect, kRefuse, kNever };
  Outcome outcome = Outcome::kConnect;
  uint64_t delay_ms = 0;
  SimPeer* peer = nullptr;  // kConnect
};

class SimNet final : public net::Dialer {
 public:
  explicit SimNet(base::Random* random) : random_(random) {}

  // A backend is asked what becomes of a connect. The link's peer is set to the answer's.
  using Backend = std::function<SimDial(SimLink* link)>;
  void set_backend(Backend backend) { backend_ = std::move(backend); }
  void set_now(uint64_t now_ms) { now_ms_ = now_ms; }
  // Bounds of the pieces in which bytes travel and of the buffers of the worker's kernel.
  void set_most_per_segment(size_t most) { most_per_segment_ = most; }
  void set_buffers(size_t inbox, size_t outbox) {
    inbox_limit_ = inbox;
    outbox_limit_ = outbox;
  }

  std::unique_ptr<net::Io> Dial(const net::Address& address) override;
  // A connection from a client: its Io is what the worker accepts.
  SimLink* Connect(SimPeer* peer, std::unique_ptr<net::Io>* io);

  // One thing happens, when one can: bytes move, a FIN or RST arrives, a connect ends.
  bool Step();
  // Tells the worker of what it has to be told, in an order of the seed. Some edges may be left for
  // the next turn. Returns how many were told.
  int DeliverEdges(const std::function<void()>& before_each);
  bool HasEdges() const;
  // When the next connect ends; UINT64_MAX: none is under way.
  uint64_t NextConnect() const;

  const std::vector<std::unique_ptr<SimLink>>& links() const { return links_; }
  uint64_t moved() const { return moved_; }
  uint32_t open_ios() const { return open_ios_; }
  void set_trace(std::function<void(const std::string&)> trace) { trace_ = std::move(trace); }
  void Trace(const SimLink* link, const char* what, size_t size = 0) const;

 private:
  friend class SimIo;
  friend class SimLink;

  SimLink* NewLink(uint16_t port);
  bool CanMove(const SimLink& link) const;
  bool Move(SimLink* link);
  bool MoveToWorker(SimLink* link);
  bool MoveToPeer(SimLink* link);
  bool FinishConnect(SimLink* link);
  void BreakAtPeer(SimLink* link);
  static void Lose(SimLink* link);
  size_t Piece(size_t most);
  void Edge(SimLink* link, bool read, bool write);

  base::Random* random_;
  Backend backend_;
  uint64_t now_ms_ = 0;
  size_t most_per_segment_ = 65536;
  size_t inbox_limit_ = 65536;
  size_t outbox_limit_ = 65536;
  uint64_t moved_ = 0;
  uint32_t open_ios_ = 0;
  std::function<void(const std::string&)> trace_;
  std::vector<std::unique_ptr<SimLink>> links_;
  std::vector<SimLink*> live_;  // those that something may still happen on
};

}  // namespace weir::test
