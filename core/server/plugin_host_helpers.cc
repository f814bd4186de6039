#include "core/server/plugin_host_helpers.h"

#include <string>
#include <system_error>
#include <utility>

#include <pthread.h>

#include "core/base/log.h"
#include "core/server/plugin_barrier.h"

namespace weir::server {

HelperThreads::~HelperThreads() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  more_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool HelperThreads::StartThreads() {
  while (threads_.size() < kThreads) {
    try {
      threads_.emplace_back([this] { Work(); });
    } catch (const std::system_error& error) {
      WEIR_LOG_EVERY_SECOND(kError, "a helper thread for plugins cannot be made: %s", error.what());
      break;
    }
    const std::string name = "weir-helper-" + std::to_string(threads_.size() - 1);
    pthread_setname_np(threads_.back().native_handle(), name.c_str());
  }
  return !threads_.empty();
}

int32_t HelperThreads::Run(weir_hook work, std::shared_ptr<Mailbox> box, const Letter& done) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMaxWaiting) return WEIR_NO_ROOM;
    if (!StartThreads()) return WEIR_ERROR;
    if (!box->Expect()) return WEIR_REFUSED;
    waiting_.push_back({work, std::move(box), done});
  }
  more_.notify_one();
  return WEIR_OK;
}

void HelperThreads::Cancel(const Mailbox* box) {
  std::vector<Job> left;
  {
    const std::lock_guard lock(mutex_);
    std::deque<Job> others;
    for (Job& job : waiting_) {
      if (job.box.get() == box) {
        left.push_back(std::move(job));
      } else {
        others.push_back(std::move(job));
      }
    }
    waiting_.swap(others);
  }
  for (const Job& job : left) job.box->Deliver(job.done);
}

void HelperThreads::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    more_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    // What waits for the work is told in any case: only it can free what it made.
    LatePluginBarrier(job.work, "offloaded work", [&job] { job.work(job.done.user); });
    job.box->Deliver(job.done);
    lock.lock();
  }
}

}  // namespace weir::server
