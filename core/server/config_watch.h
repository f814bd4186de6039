#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/net/actor.h"
#include "core/net/event_loop.h"

struct event;

namespace weir::server {

// The directories in which a change may be one of the file at `path`: its own, and that of each
// symbolic link on the way to it. Where Kubernetes mounts a ConfigMap the file is a link to
// ..data/NAME and ..data one to a directory with a date, and what is swapped is ..data.
std::vector<std::string> DirectoriesOf(const std::string& path);

// Watches one file by inotify and says when its content is another one, whether it was written in
// place, replaced, or a link on the way to it points elsewhere. Writes that follow each other
// closely are told once; a file that is not there is not told. On the loop's thread.
class ConfigWatch final : private net::Actor {
 public:
  // `seen`: the fingerprint (FingerprintOfFile) of what is in use; a change since then is told too.
  ConfigWatch(net::EventLoop* loop, std::string path, std::string seen,
              std::function<void()> changed);
  ~ConfigWatch() override;

  // Changes are followed; else *error says why not.
  bool Start(std::string* error);

 private:
  // A change is seldom one event: what follows within this is waited for.
  static constexpr uint64_t kSettleMs = 50;
  // ... for so long at most: other files of its directory change too.
  static constexpr uint64_t kMostSettleMs = 500;
  // When the directories themselves are gone.
  static constexpr uint64_t kRetryMs = 1'000;

  static void OnReadable(int fd, short what, void* self);
  void OnDeadline() override;
  bool Open(std::string* error);
  void Close();

  net::EventLoop* loop_;
  const std::string path_;
  std::string seen_;
  std::function<void()> changed_;
  uint64_t unsettled_ms_ = 0;  // the first event that has not been looked at; 0: there is none
  int fd_ = -1;
  std::unique_ptr<event, void (*)(event*)> event_;
};

}  // namespace weir::server
