#pragma once

namespace weir::observe {

class StatBlock;

// The block of the calling thread: a worker's own, the main thread's main block, null elsewhere.
// For code that is called without a context (plugins' calls, the time of their hooks). Set before
// any such code runs.
inline constinit thread_local StatBlock* thread_stats = nullptr;

}  // namespace weir::observe
