#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace weir::server {

// What a worker has done with and the main thread is to free: parts of an old configuration hold
// what plugins made, and plugins free on the main thread.
class ReleaseQueue {
 public:
  // Called after each Put, on the thread that puts. Set while no worker runs.
  void set_waker(std::function<void()> waker) { waker_ = std::move(waker); }

  // Any thread.
  void Put(std::shared_ptr<const void> thing) {
    if (thing == nullptr) return;
    {
      const std::lock_guard lock(mutex_);
      things_.push_back(std::move(thing));
    }
    if (waker_) waker_();
  }
  // Main thread.
  void Clear() {
    std::vector<std::shared_ptr<const void>> things;
    {
      const std::lock_guard lock(mutex_);
      things.swap(things_);
    }
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<const void>> things_;  // guarded by mutex_
  std::function<void()> waker_;
};

}  // namespace weir::server
