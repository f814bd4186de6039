#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "core/base/intrusive_list.h"
#include "core/net/actor.h"
#include "core/net/address.h"
#include "core/net/connection_notes.h"
#include "core/net/io.h"
#include "core/net/worker_context.h"

// How an accepted connection gets to the last network filter of its chain (the connection manager,
// the TCP proxy, a plugin):
//
//   main thread   TerminalFactory    one per filter of the configuration, shared by the workers,
//                                    immutable
//   worker        TerminalFilter     made by it once for each worker
//   worker        ServedConnection   made by TerminalFilter::Serve for each connection; it owns
//                                    itself and dies through Reactor::Retire

namespace weir::net {

class ConnectionHome;
class ServedConnection;
struct ConnectionReport;

// A connection's place within the limits of its listener and of the process; gives it back when it
// dies, which must be after the socket is closed.
class ConnectionPlace {
 public:
  ConnectionPlace() = default;
  explicit ConnectionPlace(ConnectionHome* home);
  ConnectionPlace(ConnectionPlace&& other) noexcept : home_(std::exchange(other.home_, nullptr)) {}
  ConnectionPlace& operator=(ConnectionPlace&& other) noexcept {
    std::swap(home_, other.home_);
    return *this;
  }
  ~ConnectionPlace();

  ConnectionHome* home() const { return home_; }

 private:
  ConnectionHome* home_ = nullptr;
};

// A connection on its way from the listener to its terminal filter. Whoever drops it closes it.
struct AcceptedConnection {
  ConnectionPlace place;  // before io, so that it goes after it
  std::unique_ptr<Io> io;
  Address peer;
  Address local;
  uint32_t buffer_limit = 262144;          // per_connection_buffer_limit_bytes, each way
  std::unique_ptr<ConnectionNotes> notes;  // null: nothing was noted
  uint64_t id = 0;                         // WEIR_NUMBER_CONNECTION_ID; 0: none was asked for yet
};

// A number for a connection that no other of this process has or had. On a worker.
uint64_t NewConnectionId(const WorkerContext* worker);

// The base of what serves one accepted connection. It is the client of its Io, and ends with
// worker->reactor->Retire(this) whenever it likes; its listener's list and the limits follow from
// the destructor.
class ServedConnection : public Actor, public IoClient {
 public:
  ServedConnection(AcceptedConnection&& accepted, WorkerContext* worker);

  // The worker drains, or the listener was replaced: finish what was begun and go, as soon as the
  // peer can know. Called once, from the event loop, never from inside the connection's own calls.
  // A connection that is made while draining() is already true gets no call: it looks itself.
  virtual void Drain() = 0;

  // Adds what it knows beyond what all connections have. For whoever looks, now and then.
  virtual void Describe(ConnectionReport*) {}

  // Gives the connection away, its place with it; what is left of this object has only to retire.
  AcceptedConnection Release();

  bool draining() const;
  // When it came to its present filter, on the reactor's clock.
  uint64_t since_ms() const { return since_ms_; }

  Io* io() const { return io_.get(); }
  const Address& peer() const { return peer_; }
  const Address& local() const { return local_; }
  // The socket's peer; peer() may be whom it speaks for.
  const Address& direct() const {
    return notes_ != nullptr && notes_->direct.family() != 0 ? notes_->direct : peer_;
  }
  // What listener filters noted; null: nothing.
  const ConnectionNotes* notes() const { return notes_.get(); }
  uint32_t buffer_limit() const { return buffer_limit_; }
  // What came with the connection, else a new one.
  uint64_t id() const { return id_; }

 private:
  friend class ConnectionHome;

  ConnectionPlace place_;
  base::ListNode home_link_;
  uint64_t since_ms_;
  uint64_t id_;
  uint32_t buffer_limit_;

 protected:
  Address peer_;
  Address local_;
  std::unique_ptr<ConnectionNotes> notes_;
  WorkerContext* worker_;
  std::unique_ptr<Io> io_;  // may be reset early to close the socket before the object dies
};

// One listener's connections on one worker: who is told to drain, and whom a closed connection is
// counted down from. Lives on the worker, longer than its connections.
class ConnectionHome {
 public:
  ConnectionHome() = default;
  virtual ~ConnectionHome() = default;
  ConnectionHome(const ConnectionHome&) = delete;
  ConnectionHome& operator=(const ConnectionHome&) = delete;

  // Tells each connection to drain, and those to come (ServedConnection::draining). The second call
  // does nothing.
  void DrainAll();
  bool draining() const { return draining_; }
  // Deletes the connections that are left, where the worker has stopped for good.
  void DeleteAll();
  // Calls `visit` with each of them, until it says false.
  template <class Visit>
  bool ForEach(Visit visit) {
    for (ServedConnection* at = connections_.front(); at != nullptr; at = connections_.next(at)) {
      if (!visit(at)) return false;
    }
    return true;
  }
  // Connections that hold a place.
  uint32_t open() const { return open_; }

 protected:
  // A connection of this home is gone, its socket closed.
  virtual void OnPlaceFreed() = 0;

 private:
  friend class ConnectionPlace;
  friend class ServedConnection;

  uint32_t open_ = 0;
  bool draining_ = false;
  base::List<ServedConnection, &ServedConnection::home_link_> connections_;
};

// A terminal network filter on one worker. Outlives its connections.
class TerminalFilter {
 public:
  virtual ~TerminalFilter() = default;
  // Takes a connection, from the event loop. The Io has no client yet and may be ready already: the
  // first OnIo comes in a later dispatch. Must not fail; to refuse, drop `accepted`.
  virtual void Serve(AcceptedConnection&& accepted) = 0;
};

class TerminalFactory {
 public:
  virtual ~TerminalFactory() = default;
  // Called on the worker's own thread, before its first connection. `worker` outlives the result,
  // and so does the factory.
  virtual std::unique_ptr<TerminalFilter> ForWorker(WorkerContext* worker) const = 0;
};

}  // namespace weir::net
