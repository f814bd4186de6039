#include "codecs/h2/scheduler.h"

#include "codecs/h2/object_pool.h"

namespace weir::h2 {

bool Scheduler::Join(Stream* stream, uint32_t number) {
  if (number == 0) number = 1;
  Group* group = groups_.Find(number);
  if (group == nullptr) {
    group = ObjectPool<Group>::New(host_);
    if (group == nullptr) return false;
    group->number = number;
    if (!groups_.Insert(group)) {
      ObjectPool<Group>::Delete(host_, group);
      return false;
    }
  }
  ++group->members;
  stream->group = group;
  return true;
}

void Scheduler::Leave(Stream* stream) {
  Group* group = stream->group;
  if (group == nullptr) return;
  Remove(stream);
  stream->group = nullptr;
  if (--group->members > 0) return;
  groups_.Erase(group->number);
  ObjectPool<Group>::Delete(host_, group);
}

void Scheduler::Enlist(Stream* stream) {
  if (stream->ready || stream->parked || stream->group == nullptr) return;
  stream->starved = false;
  stream->ready = true;
  Group* group = stream->group;
  ListOf(stream).PushBack(stream);
  if (group->levels == 0) turns_.PushBack(group);
  group->levels |= static_cast<uint8_t>(1u << stream->urgency);
}

void Scheduler::Unlist(Stream* stream) {
  stream->ready_link.Unlink();
  stream->ready = false;
  Group* group = stream->group;
  const uint8_t u = stream->urgency;
  if (!group->whole[u].empty() || !group->shared[u].empty()) return;
  group->levels &= static_cast<uint8_t>(~(1u << u));
  if (group->levels == 0) group->turn_link.Unlink();
}

void Scheduler::Remove(Stream* stream) {
  if (stream->parked) {
    stream->ready_link.Unlink();
    stream->parked = false;
  } else if (stream->ready) {
    Unlist(stream);
  }
}

void Scheduler::Rotate(Stream* stream) {
  if (!stream->ready) return;
  Group* group = stream->group;
  if (stream->incremental) {
    stream->ready_link.Unlink();
    ListOf(stream).PushBack(stream);
  }
  group->whole_turn = stream->incremental;
  group->turn_link.Unlink();
  turns_.PushBack(group);
}

void Scheduler::Park(Stream* stream) {
  Remove(stream);
  stream->parked = true;
  parked_.PushBack(stream);
}

void Scheduler::UnparkAll() {
  while (Stream* stream = parked_.front()) {
    stream->ready_link.Unlink();
    stream->parked = false;
    Enlist(stream);
  }
}

void Scheduler::SetPriority(Stream* stream, uint8_t urgency, bool incremental) {
  const bool was_ready = stream->ready;
  if (was_ready) Unlist(stream);
  stream->urgency = urgency & 7;
  stream->incremental = incremental;
  if (was_ready) Enlist(stream);
}

Stream* Scheduler::Next() {
  Group* group = turns_.front();
  if (group == nullptr) return nullptr;
  const int urgency = __builtin_ctz(group->levels);
  Stream* whole = group->whole[urgency].front();
  Stream* shared = group->shared[urgency].front();
  if (whole == nullptr) return shared;
  if (shared == nullptr) return whole;
  return group->whole_turn ? whole : shared;
}

}  // namespace weir::h2
