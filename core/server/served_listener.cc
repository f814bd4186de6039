#include "core/server/served_listener.h"

#include <utility>

#include "core/base/log.h"
#include "core/net/socket_io.h"
#include "core/server/worker.h"

namespace weir::server {

ServedListener::ServedListener(Worker* worker, std::shared_ptr<ListenerSpec> spec,
                               net::ConnectionLimit* global_limit)
    : worker_(worker),
      spec_(std::move(spec)),
      global_limit_(spec_->administrative ? nullptr : global_limit),
      stats_(worker->BindListener(spec_->config->name)),
      chain_(spec_->factory->ForWorker(worker->context())) {}

ServedListener::~ServedListener() {
  DeleteAll();
  chain_.reset();
  worker_->Release(std::move(spec_));
}

bool ServedListener::Take(net::ConnectionLimit* limit, observe::Cell* overflow) {
  while (!limit->TryTake()) {
    if (!limit->Wait()) continue;
    overflow->Add();
    WEIR_LOG_EVERY_SECOND(kWarn, "listener %s: %u connections are open, new ones wait",
                          spec_->config->name.c_str(), limit->limit());
    return false;
  }
  return true;
}

void ServedListener::Release(net::ConnectionLimit* limit) {
  if (limit->Release()) worker_->OnPlaceFreed();
}

bool ServedListener::TakePlace(bool closing) {
  net::ConnectionLimit* own = spec_->limit.get();
  if (closing) {
    own->Take();
    if (global_limit_ != nullptr) global_limit_->Take();
    return true;
  }
  if (!Take(own, stats_.downstream_cx_overflow)) return false;
  if (global_limit_ == nullptr || Take(global_limit_, stats_.downstream_global_cx_overflow))
    return true;
  Release(own);
  return false;
}

void ServedListener::ReturnPlace() {
  Release(spec_->limit.get());
  if (global_limit_ != nullptr) Release(global_limit_);
}

void ServedListener::OnPlaceFreed() {
  stats_.downstream_cx_active->Sub();
  stats_.downstream_cx_destroy->Add();
  worker_->stats().total_connections->Sub();
  ReturnPlace();
  worker_->OnConnectionGone();
}

void ServedListener::Serve(int fd, const net::Address& peer, const net::Address& local) {
  stats_.downstream_cx_total->Add();
  stats_.downstream_cx_active->Add();
  worker_->stats().total_connections->Add();
  net::AcceptedConnection accepted;
  accepted.place = net::ConnectionPlace(this);
  accepted.io = net::SocketIo::Adopt(worker_->loop(), fd);
  accepted.peer = peer;
  accepted.local = local;
  accepted.buffer_limit = spec_->config->per_connection_buffer_limit_bytes;
  chain_->Serve(std::move(accepted));
}

}  // namespace weir::server
