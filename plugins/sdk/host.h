#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "plugins/abi/weir.h"
#include "plugins/sdk/barrier.h"
#include "plugins/sdk/view.h"

namespace weir::sdk {

// Numbers that the proxy shows as plugin.<name>. Made at config time with Host; cheap to copy; the
// calls are for worker threads. One that could not be made counts nothing.
class Counter {
 public:
  Counter() = default;
  Counter(const weir_host* host, std::uint32_t id) : host_(host), id_(id) {}
  void Add(std::uint64_t n = 1) const {
    if (id_ != 0) host_->count(id_, n);
  }

 private:
  const weir_host* host_ = nullptr;
  std::uint32_t id_ = 0;
};

class Gauge {
 public:
  Gauge() = default;
  Gauge(const weir_host* host, std::uint32_t id) : host_(host), id_(id) {}
  void Add(std::int64_t n) const {
    if (id_ != 0) host_->gauge_add(id_, n);
  }

 private:
  const weir_host* host_ = nullptr;
  std::uint32_t id_ = 0;
};

class Histogram {
 public:
  Histogram() = default;
  Histogram(const weir_host* host, std::uint32_t id) : host_(host), id_(id) {}
  void Record(std::uint64_t value) const {
    if (id_ != 0) host_->record(id_, value);
  }

 private:
  const weir_host* host_ = nullptr;
  std::uint32_t id_ = 0;
};

// What the host offers (weir_host), for one plugin. Cheap to copy; `name` must outlive it.
class Host {
 public:
  Host() = default;
  Host(const weir_host* host, std::string_view name) : host_(host), name_(name) {}

  const weir_host* abi() const { return host_; }
  std::string_view name() const { return name_; }

  // Any thread.
  void Log(std::uint32_t level, std::string_view message) const {
    host_->log(level, View(name_), View(message));
  }
  bool LogEnabled(std::uint32_t level) const { return host_->log_enabled(level) != 0; }
  void Random(void* out, std::size_t size) const {
    host_->random(static_cast<std::uint8_t*>(out), size);
  }
  std::int64_t UnixMs() const { return host_->unix_ms(); }
  std::uint32_t workers() const { return host_->workers(); }
  // The calling thread's worker; WEIR_NO_WORKER elsewhere.
  std::uint32_t worker() const { return host_->worker(); }
  bool validating() const { return host_->validating() != 0; }

  // Config time.
  Counter MakeCounter(std::string_view name) const { return {host_, host_->counter(View(name))}; }
  Gauge MakeGauge(std::string_view name) const { return {host_, host_->gauge(View(name))}; }
  Histogram MakeHistogram(std::string_view name) const {
    return {host_, host_->histogram(View(name))};
  }

  // Worker threads: the steady clock of this turn.
  std::uint64_t NowMs() const { return host_->now_ms(); }

  // Runs `task` on a worker; any thread. False: it does not run, the worker stops or its queue is
  // full.
  bool PostWorker(std::uint32_t worker, std::function<void()> task) const;

 private:
  struct Task;
  static void RunTask(void* user);

  const weir_host* host_ = nullptr;
  std::string_view name_;
};

struct Host::Task {
  Host host;
  std::function<void()> run;
};

inline bool Host::PostWorker(std::uint32_t worker, std::function<void()> task) const {
  auto kept = std::make_unique<Task>(Task{*this, std::move(task)});
  if (host_->post_worker(worker, RunTask, kept.get()) != WEIR_OK) return false;
  (void)kept.release();  // the host calls once, and that call frees it
  return true;
}

inline void Host::RunTask(void* user) {
  const std::unique_ptr<Task> task(static_cast<Task*>(user));
  VoidBarrier(task->host.abi(), task->host.name(), "a posted task", task->run);
}

// A timer of one worker: made, set and destroyed there, fires there. Destroyed, it does not fire.
class Timer {
 public:
  Timer() = default;
  // Not armed yet. valid() is false when the host has no more.
  Timer(const Host& host, std::function<void()> fire) : state_(std::make_shared<State>()) {
    state_->host = host;
    state_->fire = std::move(fire);
    timer_ = host.abi()->timer_new(Fire, state_.get());
  }
  Timer(Timer&& other) noexcept
      : state_(std::move(other.state_)), timer_(std::exchange(other.timer_, nullptr)) {}
  Timer& operator=(Timer&& other) noexcept {
    std::swap(state_, other.state_);
    std::swap(timer_, other.timer_);
    return *this;
  }
  ~Timer() {
    if (timer_ != nullptr) state_->host.abi()->timer_free(timer_);
  }

  bool valid() const { return timer_ != nullptr; }
  // Arms it, or arms it anew.
  void Set(std::uint64_t after_ms) {
    if (timer_ != nullptr) state_->host.abi()->timer_set(timer_, after_ms);
  }
  void Stop() { Set(WEIR_TIMER_OFF); }

 private:
  struct State : std::enable_shared_from_this<State> {
    Host host;
    std::function<void()> fire;
  };
  static void Fire(void* user) {
    // Held: the timer may be destroyed from inside of its own call.
    const std::shared_ptr<State> state = static_cast<State*>(user)->shared_from_this();
    VoidBarrier(state->host.abi(), state->host.name(), "a timer", state->fire);
  }

  std::shared_ptr<State> state_;
  weir_timer* timer_ = nullptr;
};

// Bytes that all workers share under a name. Any thread.
class Store {
 public:
  Store() = default;
  Store(const Host& host, std::string name) : host_(host.abi()), name_(std::move(name)) {}

  std::optional<std::string> Get(std::string_view key) const {
    std::string value(256, '\0');
    for (;;) {
      const std::int64_t size = host_->kv_get(View(name_), View(key), value.data(), value.size());
      if (size < 0) return std::nullopt;
      const bool whole = static_cast<std::uint64_t>(size) <= value.size();
      value.resize(static_cast<std::size_t>(size));
      if (whole) return value;
    }
  }
  // ttl_ms 0: until it is removed. False: over a limit.
  bool Set(std::string_view key, std::string_view value, std::uint64_t ttl_ms = 0) const {
    return host_->kv_set(View(name_), View(key), View(value), ttl_ms) == WEIR_OK;
  }
  // Adds to a number; the result, or nothing over a limit.
  std::optional<std::int64_t> Add(std::string_view key, std::int64_t add,
                                  std::uint64_t ttl_ms = 0) const {
    std::int64_t sum = 0;
    if (host_->kv_add(View(name_), View(key), add, ttl_ms, &sum) != WEIR_OK) return std::nullopt;
    return sum;
  }
  void Remove(std::string_view key) const { host_->kv_remove(View(name_), View(key)); }

 private:
  const weir_host* host_ = nullptr;
  std::string name_;
};

}  // namespace weir::sdk
