#pragma once

#include <cstdint>

#include "core/base/intrusive_list.h"

namespace weir::net {

class Reactor;

// Something that a worker's turn calls: a connection, a stream, a pool. Lives on one worker. An
// actor is not deleted by others while the turn may still touch it; it retires itself and dies in
// the turn's last phase.
class Actor {
 public:
  Actor() = default;
  virtual ~Actor() = default;
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  // The deadline in milliseconds of the reactor's clock when OnDeadline wants to be called; 0:
  // never. Setting it to a later time costs a store: the wheel looks again when it gets there.
  uint64_t deadline() const { return deadline_; }

 protected:
  friend class Reactor;
  friend class DeadlineWheel;

  virtual void OnDeferred() {}  // phase 2: resumed filters, pool assignments, failures
  virtual void OnRead() {}      // phase 2: input can be taken again without an event
  virtual void OnFlush() {}     // phase 3
  virtual void OnDeadline() {}  // the deadline has passed; deadline() was set to 0 before

 public:
  // Links for the reactor's lists; nobody else touches them.
  base::ListNode deferred_link_;
  base::ListNode read_link_;
  base::ListNode dirty_link_;
  base::ListNode wheel_link_;  // in the wheel, or among those that retired

 private:
  uint64_t deadline_ = 0;
  // The wheel looks at this actor at that tick or before. 0: it is not in the wheel; kRetired: it
  // waits for its end.
  uint64_t armed_ = 0;
  static constexpr uint64_t kRetired = UINT64_MAX;
};

}  // namespace weir::net
