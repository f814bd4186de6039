#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace weir::admin {

// The thread that makes pages: none is made on a worker, whose requests would wait for it. Started
// by the first page; one page at a time.
class PageThread {
 public:
  // Pages asked for that are not begun. Beyond it Ask refuses.
  static constexpr size_t kMaxWaiting = 64;

  PageThread() = default;
  // Ends after the present page; what waits is dropped.
  ~PageThread();
  PageThread(const PageThread&) = delete;
  PageThread& operator=(const PageThread&) = delete;

  // Runs `work` on the thread, in the order of the calls. False, and it is dropped, when too much
  // waits. Any thread.
  bool Ask(std::function<void()> work);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace weir::admin
