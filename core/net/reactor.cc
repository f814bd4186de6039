#include "core/net/reactor.h"

namespace weir::net {

Reactor::~Reactor() {
  Reap();
}

void Reactor::Retire(Actor* actor) {
  if (Retired(actor)) return;
  actor->deferred_link_.Unlink();
  actor->read_link_.Unlink();
  actor->dirty_link_.Unlink();
  actor->wheel_link_.Unlink();
  actor->armed_ = Actor::kRetired;
  retired_.PushBack(actor);
}

void Reactor::FlushDirty() {
  dispatched_ = 0;
  // What becomes dirty again while it flushes waits for the next round: a flush never loops on one
  // connection.
  base::List<Actor, &Actor::dirty_link_> batch;
  batch.Splice(&dirty_);
  while (Actor* actor = batch.PopFront()) actor->OnFlush();
}

void Reactor::RunDeferred() {
  base::List<Actor, &Actor::deferred_link_> batch;
  batch.Splice(&deferred_);
  while (Actor* actor = batch.PopFront()) actor->OnDeferred();
}

void Reactor::RunReads() {
  base::List<Actor, &Actor::read_link_> batch;
  batch.Splice(&reading_);
  while (Actor* actor = batch.PopFront()) actor->OnRead();
}

void Reactor::Reap() {
  while (Actor* actor = retired_.PopFront()) delete actor;
}

bool Reactor::RunTurn() {
  wheel_.Advance(now_ms_);
  RunReads();
  for (int round = 0; round < kRounds; ++round) {
    if (deferred_.empty() && dirty_.empty()) break;
    RunDeferred();
    FlushDirty();
  }
  Reap();
  return !deferred_.empty() || !dirty_.empty() || !reading_.empty();
}

}  // namespace weir::net
