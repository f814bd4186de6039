#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "plugins/abi/weir.h"
#include "plugins/sdk/barrier.h"
#include "plugins/sdk/host.h"

namespace weir::sdk {

// What HTTP and network filters have for calls that come later, or from another thread. Filter has
// host(), LateTicket(), the ticket of its stream or connection, and FailLate(), which ends that
// closed.
template <typename Filter>
class LateCalls {
 public:
  // For a function that is called later (a call-out's answer, a timer): an exception that leaves it
  // ends the request with 500, or the connection, as one that leaves a hook does.
  template <typename Call>
  auto Guard(Call call) {
    return [this, call = std::move(call)](auto&&... args) mutable {
      this->Run("a late call", [&] { call(std::forward<decltype(args)>(args)...); });
    };
  }

  // Finds its filter again as long as the stream or connection lives. Copy it to any thread, and
  // keep it as long as you like.
  class Remote {
   public:
    explicit Remote(LateCalls* filter)
        : host_(filter->self().host()), filter_(filter), ticket_(filter->self().LateTicket()) {}

    // Runs `call(filter)` on the worker, unless the stream or connection has ended by then. Any
    // thread. False: it will not run.
    bool Post(std::function<void(Filter&)> call) const {
      auto job = std::make_unique<Job>(Job{host_, filter_, {}, std::move(call)});
      if (host_.abi()->post(ticket_, RunDone, job.get()) != WEIR_OK) return false;
      (void)job.release();  // RunDone frees it
      return true;
    }

   private:
    Host host_;
    LateCalls* filter_;
    weir_ticket ticket_;
  };
  Remote remote() { return Remote(this); }

  // Runs `work` on a helper thread and then `done(filter)` on this worker, unless the stream or
  // connection has ended by then. False: too much is waiting. `work` must not touch the filter.
  bool Offload(std::function<void()> work, std::function<void(Filter&)> done) {
    auto job = std::make_unique<Job>(Job{self().host(), this, std::move(work), std::move(done)});
    const std::int32_t status =
        self().host().abi()->offload(RunWork, self().LateTicket(), RunDone, job.get());
    if (status != WEIR_OK) return false;
    (void)job.release();  // RunDone frees it
    return true;
  }

 protected:
  LateCalls() = default;
  ~LateCalls() = default;

 private:
  struct Job {
    Host host;
    LateCalls* filter;
    std::function<void()> work;
    std::function<void(Filter&)> done;
  };
  static void RunWork(void* user) {
    auto* const job = static_cast<Job*>(user);
    VoidBarrier(job->host.abi(), job->host.name(), "offloaded work", job->work);
  }
  // Null: it has ended, and the filter with it.
  static void RunDone(void* user, weir_stream* alive) {
    const std::unique_ptr<Job> job(static_cast<Job*>(user));
    if (alive == nullptr) return;
    job->filter->Run("a posted call", [&] { job->done(job->filter->self()); });
  }
  template <typename Call>
  void Run(const char* what, Call&& call) {
    const bool well = Barrier(self().host().abi(), self().host().name(), what, false, [&] {
      call();
      return true;
    });
    if (!well) self().FailLate();
  }
  Filter& self() { return *static_cast<Filter*>(this); }
};

}  // namespace weir::sdk
