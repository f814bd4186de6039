#include "core/server/loop_door.h"

#include <algorithm>

#include "core/server/worker.h"

namespace weir::server {
namespace {

// Who has a door now.
struct Doors {
  std::mutex mutex;
  std::shared_ptr<LoopDoor> main;
  std::vector<std::pair<Worker*, std::shared_ptr<LoopDoor>>> workers;
};

Doors& AllDoors() {
  static Doors doors;
  return doors;
}

thread_local std::shared_ptr<LoopDoor> here;

}  // namespace

bool LoopDoor::Post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (loop_ == nullptr) return false;
  loop_->Post(std::move(work));
  return true;
}

void LoopDoor::Close() {
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

MainDoor::MainDoor(net::EventLoop* loop) : door_(std::make_shared<LoopDoor>(loop)) {
  const std::lock_guard lock(AllDoors().mutex);
  AllDoors().main = door_;
}

MainDoor::~MainDoor() {
  door_->Close();
  const std::lock_guard lock(AllDoors().mutex);
  AllDoors().main = nullptr;
}

bool MainDoor::Post(std::function<void()> work) {
  std::shared_ptr<LoopDoor> door;
  {
    const std::lock_guard lock(AllDoors().mutex);
    door = AllDoors().main;
  }
  return door != nullptr && door->Post(std::move(work));
}

WorkerDoor::WorkerDoor(Worker* worker)
    : worker_(worker), door_(std::make_shared<LoopDoor>(worker->loop())) {
  here = door_;
  const std::lock_guard lock(AllDoors().mutex);
  AllDoors().workers.emplace_back(worker_, door_);
}

WorkerDoor::~WorkerDoor() {
  here = nullptr;
  door_->Close();
  const std::lock_guard lock(AllDoors().mutex);
  auto& workers = AllDoors().workers;
  workers.erase(std::find(workers.begin(), workers.end(), std::make_pair(worker_, door_)));
}

std::shared_ptr<LoopDoor> WorkerDoor::Here() {
  return here;
}

size_t WorkerDoor::PostToAll(const std::function<void(Worker*)>& work) {
  decltype(Doors::workers) workers;
  {
    const std::lock_guard lock(AllDoors().mutex);
    workers = AllDoors().workers;
  }
  size_t taken = 0;
  for (const auto& [worker, door] : workers) {
    if (door->Post([work, of = worker] { work(of); })) ++taken;
  }
  return taken;
}

}  // namespace weir::server
