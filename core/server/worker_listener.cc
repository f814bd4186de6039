#include "core/server/worker_listener.h"

#include <utility>

#include "core/server/worker.h"

namespace weir::server {

WorkerListener::WorkerListener(Worker* worker, std::unique_ptr<ServedListener> served, int fd)
    : worker_(worker),
      served_(std::move(served)),
      socket_(worker->loop(), fd, served_->spec().bound, this) {}

void WorkerListener::Resume() {
  if (worker_->overload() == OverloadLevel::kNone || administrative()) socket_.Resume();
}

std::unique_ptr<ServedListener> WorkerListener::Replace(std::unique_ptr<ServedListener> next) {
  const uint32_t backlog = next->spec().config->tcp_backlog_size;
  if (backlog != served_->spec().config->tcp_backlog_size)
    socket_.SetBacklog(static_cast<int>(backlog));
  std::swap(served_, next);
  return next;
}

bool WorkerListener::TakePlace(bool closing) {
  if (served_->TakePlace(closing)) return true;
  socket_.Pause();
  return false;
}

void WorkerListener::OnAccept(int fd, const net::Address& peer) {
  served_->Serve(fd, peer, LocalOf(fd));
}

void WorkerListener::OnAcceptFailed(bool no_descriptor) {
  served_->stats().downstream_accept_failed->Add();
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
