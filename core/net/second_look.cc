#include "core/net/second_look.h"

namespace weir::net {
namespace {

// A visit to all of ten thousand connections that went quiet together would hold the others up.
constexpr int kVisitsPerTick = 256;
constexpr uint64_t kTickMs = 16;

}  // namespace

void SecondLook::Add(SocketIo* io) {
  if (deadline() == 0) reactor_->SetDeadline(this, reactor_->now_ms() + rest_ms_);
  waiting_.PushBack(io);
}

void SecondLook::OnDeadline() {
  if (round_.empty()) round_.Splice(&waiting_);
  for (int visits = 0; visits < kVisitsPerTick && !round_.empty(); ++visits) {
    SocketIo* io = round_.PopFront();
    if (io->read_since_look_) {
      io->read_since_look_ = false;
      waiting_.PushBack(io);
    } else {
      io->LookForReset();
    }
  }
  if (round_.empty() && waiting_.empty()) return;
  reactor_->SetDeadline(this, reactor_->now_ms() + (round_.empty() ? rest_ms_ : kTickMs));
}

}  // namespace weir::net
