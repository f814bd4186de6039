#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/server/plugin_host_mailbox.h"

namespace weir::server {

// The threads that run what plugins keep off the workers (weir_host.offload). They start with the
// first job. Any thread.
class HelperThreads {
 public:
  static constexpr uint32_t kThreads = 2;
  static constexpr uint32_t kMaxWaiting = 1024;

  HelperThreads() = default;
  // All boxes are closed by now: nothing waits.
  ~HelperThreads();
  HelperThreads(const HelperThreads&) = delete;
  HelperThreads& operator=(const HelperThreads&) = delete;

  // Runs `work` and brings `done`, whose user is that of both. WEIR_OK, WEIR_REFUSED (a closed
  // box), WEIR_NO_ROOM or WEIR_ERROR (no thread can be made).
  int32_t Run(weir_hook work, std::shared_ptr<Mailbox> box, const Letter& done);
  // Work for this box that has not begun is left; its letters are brought.
  void Cancel(const Mailbox* box);

 private:
  struct Job {
    weir_hook work;
    std::shared_ptr<Mailbox> box;
    Letter done;
  };

  bool StartThreads();
  void Work();

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Job> waiting_;
  std::vector<std::thread> threads_;
  bool ending_ = false;
};

}  // namespace weir::server
