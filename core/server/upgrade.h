#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "core/net/event_loop.h"
#include "core/server/inherited_sockets.h"

struct event;

namespace weir::server {

// How a process is started anew: the program's file and its arguments, which are those of this
// process. To be made before the working directory changes.
struct ProgramCommand {
  std::string file;
  std::vector<std::string> arguments;  // the first is its name

  static ProgramCommand Of(int argc, const char* const* argv);
};

// The start of this process's successor: the program's file, which may be a new one by now, is run
// with the arguments of this process and its listening sockets. The successor tells through a pipe
// (WEIR_UPGRADE_FD) when it serves; until then nothing of this process has changed, and when the
// successor ends before, or says nothing for kPatienceMs, nothing will have.
class Upgrade {
 public:
  static constexpr uint64_t kPatienceMs = 60'000;

  // `done` is called from the loop, once for each Start that was true: with an empty text when the
  // successor serves, else with the reason why it does not; the successor is gone then.
  Upgrade(net::EventLoop* loop, std::function<void(const std::string& failure)> done);
  ~Upgrade();
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;

  // False, with the reason in *error, when nothing was started. `sockets` are the caller's.
  bool Start(const ProgramCommand& command, const std::vector<InheritedSocket>& sockets,
             std::string* error);
  bool running() const { return pipe_ >= 0; }
  // The successor that was started last.
  pid_t pid() const { return pid_; }
  // To be called now and then: ends the patience.
  void Tend();
  // Ends a successor that does not serve yet. `done` is not called.
  void Abort();

 private:
  static void OnReadable(int fd, short what, void* self);
  void OnText();
  void Close();
  // Ends the successor and tells how it ended.
  std::string Reap(bool kill);

  net::EventLoop* loop_;
  std::function<void(const std::string&)> done_;
  std::unique_ptr<event, void (*)(event*)> event_;
  int pipe_ = -1;
  pid_t pid_ = -1;
  uint64_t until_ms_ = 0;
  std::string text_;
};

// The successor's end of that pipe; in a process that is nobody's successor nothing happens.
class UpgradeReport {
 public:
  // Takes WEIR_UPGRADE_FD from the environment.
  static void FromEnvironment();
  // This process is to replace the one that started it, and has not said that it serves.
  static bool pending();
  // Each only once, and nothing after it.
  static void Serving();
  static void Failed(const std::string& reason);
};

}  // namespace weir::server
