#include "core/server/worker_listener.h"

#include "core/base/log.h"
#include "core/net/socket_io.h"
#include "core/server/worker.h"

namespace weir::server {

WorkerListener::WorkerListener(Worker* worker, ListenerSpec* spec,
                               net::ConnectionLimit* global_limit, int fd,
                               const observe::ListenerStats& stats)
    : worker_(worker),
      spec_(spec),
      global_limit_(global_limit),
      stats_(stats),
      chain_(spec->factory->ForWorker(worker->context())),
      socket_(worker->loop(), fd, spec->bound, this) {}

WorkerListener::~WorkerListener() {
  DeleteAll();
}

void WorkerListener::Resume() {
  if (worker_->overload() == OverloadLevel::kNone || spec_->administrative) socket_.Resume();
}

bool WorkerListener::Take(net::ConnectionLimit* limit, observe::Cell* overflow) {
  while (!limit->TryTake()) {
    if (!limit->Wait()) continue;
    overflow->Add();
    WEIR_LOG_EVERY_SECOND(kWarn, "listener %s: %u connections are open, new ones wait",
                          spec_->config->name.c_str(), limit->limit());
    socket_.Pause();
    return false;
  }
  return true;
}

void WorkerListener::Release(net::ConnectionLimit* limit) {
  if (limit->Release()) worker_->OnPlaceFreed();
}

bool WorkerListener::TakePlace(bool closing) {
  if (closing) {
    spec_->limit->Take();
    if (global_limit_ != nullptr) global_limit_->Take();
    return true;
  }
  if (!Take(spec_->limit.get(), stats_.downstream_cx_overflow)) return false;
  if (global_limit_ == nullptr || Take(global_limit_, stats_.downstream_global_cx_overflow))
    return true;
  Release(spec_->limit.get());
  return false;
}

void WorkerListener::ReturnPlace() {
  Release(spec_->limit.get());
  if (global_limit_ != nullptr) Release(global_limit_);
}

void WorkerListener::OnPlaceFreed() {
  stats_.downstream_cx_active->Sub();
  stats_.downstream_cx_destroy->Add();
  worker_->stats().total_connections->Sub();
  ReturnPlace();
  worker_->OnConnectionGone();
}

void WorkerListener::OnAccept(int fd, const net::Address& peer) {
  stats_.downstream_cx_total->Add();
  stats_.downstream_cx_active->Add();
  worker_->stats().total_connections->Add();
  net::AcceptedConnection accepted;
  accepted.place = net::ConnectionPlace(this);
  accepted.io = net::SocketIo::Adopt(worker_->loop(), fd);
  accepted.peer = peer;
  accepted.local = LocalOf(fd);
  accepted.buffer_limit = spec_->config->per_connection_buffer_limit_bytes;
  chain_->Serve(std::move(accepted));
}

void WorkerListener::OnAcceptFailed(bool no_descriptor) {
  stats_.downstream_accept_failed->Add();
  if (no_descriptor) worker_->stats().out_of_descriptors->Add();
}

net::Address WorkerListener::LocalOf(int fd) const {
  if (!socket_.local().is_any()) return socket_.local();
  sockaddr_storage local;
  socklen_t size = sizeof(local);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) return socket_.local();
  return net::Address::From(reinterpret_cast<sockaddr*>(&local), size);
}

}  // namespace weir::server
