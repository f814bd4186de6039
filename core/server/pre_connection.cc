#include "core/server/pre_connection.h"

#include <utility>

#include "core/net/connection_report.h"
#include "core/server/prefixed_io.h"

namespace weir::server {
namespace {

// How often in a row one connection is read before others have their turn.
constexpr int kReadsPerTurn = 16;

}  // namespace

PreConnection::PreConnection(net::AcceptedConnection&& accepted, const PreConnections* shared)
    : ServedConnection(std::move(accepted), shared->worker),
      shared_(shared),
      chain_(shared->filters, shared->worker->stats, peer_, local_) {
  shared_->active->Add();
}

PreConnection::~PreConnection() {
  shared_->active->Sub();
}

void PreConnection::Describe(net::ConnectionReport* report) {
  report->waits_for = "the first bytes, for its listener filters";
}

void PreConnection::Start() {
  const ListenerChain::State state = chain_.Start();
  if (state == ListenerChain::State::kMore) {
    waited_ = true;
    io_->set_client(this);
    if (shared_->timeout_ms != 0)
      worker_->reactor->SetDeadline(this, worker_->reactor->now_ms() + shared_->timeout_ms);
    if (io_->readable()) worker_->reactor->WantRead(this);
    return;
  }
  Settle(state);
}

void PreConnection::OnIo(bool, bool) {
  worker_->reactor->Defer(this);
}

void PreConnection::Pump() {
  ListenerChain::State state = ListenerChain::State::kMore;
  for (int i = 0; state == ListenerChain::State::kMore && io_->readable(); ++i) {
    if (i == kReadsPerTurn) {
      worker_->reactor->WantRead(this);
      return;
    }
    size_t size = 0;
    uint8_t* room = chain_.Room(&size);
    const ssize_t got = io_->Read(room, size);
    if (got == net::kAgain) break;
    if (got == net::kFailed) return Settle(ListenerChain::State::kClose);
    eof_ = got == 0;
    state = eof_ ? chain_.OnEnd() : chain_.OnData(static_cast<size_t>(got));
  }
  Settle(state);
}

void PreConnection::Settle(ListenerChain::State state) {
  if (state == ListenerChain::State::kMore) return;
  if (state == ListenerChain::State::kDone) Pass();
  worker_->reactor->Retire(this);
}

void PreConnection::Pass() {
  size_t offset = 0;
  size_t size = 0;
  std::unique_ptr<uint8_t[]> rest = chain_.TakeRest(&offset, &size);
  peer_ = chain_.peer();
  local_ = chain_.local();
  notes_ = chain_.TakeNotes();
  net::AcceptedConnection accepted = Release();
  // One that nobody has touched still has its edges before it.
  if (waited_) {
    accepted.io = std::make_unique<PrefixedIo>(std::move(accepted.io), worker_->reactor,
                                               std::move(rest), offset, size, eof_);
  }
  shared_->next->Serve(std::move(accepted));
}

void PreConnection::OnDeadline() {
  shared_->timed_out->Add();
  Settle(shared_->continue_on_timeout ? ListenerChain::State::kDone : ListenerChain::State::kClose);
}

}  // namespace weir::server
