#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/net/event_loop.h"

// How threads that have no loop give work to those that have one: the workers and the main thread.
// A door is open while its loop turns; what is given to a closed one is refused, and what was
// given before is dropped unrun when the loop goes.

namespace weir::server {

class Worker;

class LoopDoor {
 public:
  explicit LoopDoor(net::EventLoop* loop) : loop_(loop) {}

  // False when the door is closed. Any thread.
  bool Post(std::function<void()> work);
  void Close();

 private:
  std::mutex mutex_;
  net::EventLoop* loop_;
};

// The main thread's, open while this lives. One at a time.
class MainDoor {
 public:
  explicit MainDoor(net::EventLoop* loop);
  ~MainDoor();
  MainDoor(const MainDoor&) = delete;
  MainDoor& operator=(const MainDoor&) = delete;

  // Any thread. False when there is none.
  static bool Post(std::function<void()> work);

 private:
  std::shared_ptr<LoopDoor> door_;
};

// A worker's. Made and destroyed on its thread.
class WorkerDoor {
 public:
  explicit WorkerDoor(Worker* worker);
  ~WorkerDoor();
  WorkerDoor(const WorkerDoor&) = delete;
  WorkerDoor& operator=(const WorkerDoor&) = delete;

  // The calling thread's; null on threads that are no worker.
  static std::shared_ptr<LoopDoor> Here();
  // Gives `work` to each worker; returns how many have taken it. Any thread.
  static size_t PostToAll(const std::function<void(Worker*)>& work);

 private:
  Worker* worker_;
  std::shared_ptr<LoopDoor> door_;
};

// What threads that must not hold each other up say to one that waits for them, a bounded time.
template <class T>
class Answers {
 public:
  void Add(T answer) {
    {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(answer));
    }
    came_.notify_one();
  }
  // Until `count` are there, or the time is over.
  std::vector<T> Wait(size_t count, std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, most, [&] { return answers_.size() >= count; });
    return std::move(answers_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<T> answers_;
};

// Asks each worker, and waits for the answers. `ask` runs on the workers, all at the same time. Not
// on a worker's thread.
template <class T>
std::vector<T> AskWorkers(std::function<T(Worker*)> ask, std::chrono::milliseconds most) {
  auto answers = std::make_shared<Answers<T>>();
  const size_t asked =
      WorkerDoor::PostToAll([answers, ask](Worker* worker) { answers->Add(ask(worker)); });
  return answers->Wait(asked, most);
}

}  // namespace weir::server
