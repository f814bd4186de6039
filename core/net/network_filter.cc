#include "core/net/network_filter.h"

namespace weir::net {

uint64_t NewConnectionId(const WorkerContext* worker) {
  thread_local uint64_t last = 0;
  return uint64_t{worker->worker_id} << 48 | ++last;
}

ConnectionPlace::ConnectionPlace(ConnectionHome* home) : home_(home) {
  ++home_->open_;
}

ConnectionPlace::~ConnectionPlace() {
  if (home_ == nullptr) return;
  --home_->open_;
  home_->OnPlaceFreed();
}

ServedConnection::ServedConnection(AcceptedConnection&& accepted, WorkerContext* worker)
    : place_(std::move(accepted.place)),
      since_ms_(worker->reactor->now_ms()),
      id_(accepted.id != 0 ? accepted.id : NewConnectionId(worker)),
      buffer_limit_(accepted.buffer_limit),
      peer_(accepted.peer),
      local_(accepted.local),
      notes_(std::move(accepted.notes)),
      worker_(worker),
      io_(std::move(accepted.io)) {
  if (place_.home() != nullptr) place_.home()->connections_.PushBack(this);
}

AcceptedConnection ServedConnection::Release() {
  home_link_.Unlink();
  AcceptedConnection accepted;
  accepted.place = std::move(place_);
  accepted.io = std::move(io_);
  accepted.io->set_client(nullptr);
  accepted.peer = peer_;
  accepted.local = local_;
  accepted.buffer_limit = buffer_limit_;
  accepted.id = id_;
  accepted.notes = std::move(notes_);
  return accepted;
}

bool ServedConnection::draining() const {
  return worker_->draining || (place_.home() != nullptr && place_.home()->draining());
}

void ConnectionHome::DrainAll() {
  if (std::exchange(draining_, true)) return;
  // Drain may make other connections unlink, but none is deleted before the turn's end: a list that
  // is emptied front to back and refilled visits each connection once.
  base::List<ServedConnection, &ServedConnection::home_link_> waiting;
  waiting.Splice(&connections_);
  while (ServedConnection* connection = waiting.PopFront()) {
    connections_.PushBack(connection);
    connection->Drain();
  }
}

void ConnectionHome::DeleteAll() {
  while (ServedConnection* connection = connections_.PopFront()) delete connection;
}

}  // namespace weir::net
