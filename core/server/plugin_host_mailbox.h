#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "plugins/abi/weir.h"

namespace weir::server {

// A hook that waits to be run on a worker: of a stream or connection, or of the worker itself.
struct Letter {
  weir_ticket ticket{};
  weir_stream_hook stream_hook = nullptr;  // or else
  weir_hook hook = nullptr;
  void* user = nullptr;
};

// What other threads want to have run on one worker. Each letter that was taken is opened exactly
// once, on the worker, never inside of the call that brought it. Open, Refuse, Close and the
// letters' hooks belong to the worker; the rest is any thread's.
class Mailbox {
 public:
  static constexpr uint32_t kMaxLetters = 65'536;

  // `wake` is called under a lock, by any thread, when the first letter came to an empty box: it
  // makes the worker call Open soon.
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // WEIR_OK, WEIR_REFUSED once it is closed, or WEIR_NO_ROOM.
  int32_t Post(const Letter& letter);
  // For a letter that comes for certain, later, and then has its place: false once it is closed.
  bool Expect();
  // Brings an expected one.
  void Deliver(const Letter& letter);

  // Opens what is there; what comes meanwhile waits for the next call.
  void Open();
  // Takes no more from now on.
  void Refuse();
  // After Refuse: waits for what is expected and opens the rest.
  void Close();

 private:
  void Push(const Letter& letter);
  static void Open(const Letter& letter);
  static void OpenAll(const std::vector<Letter>& letters);

  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable delivered_;
  std::vector<Letter> letters_;
  uint32_t expected_ = 0;
  bool closed_ = false;
};

}  // namespace weir::server
