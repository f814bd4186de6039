#pragma once

namespace weir::net {

class EventLoop;

// The loop of the calling thread while it runs: a worker's own. Null elsewhere. For what a worker
// makes and another thread is to reach.
inline constinit thread_local EventLoop* thread_loop = nullptr;

}  // namespace weir::net
