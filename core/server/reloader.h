#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/config/loader.h"
#include "core/net/event_loop.h"
#include "core/observe/stats.h"
#include "core/server/config_watch.h"
#include "core/server/generation.h"
#include "core/server/release_queue.h"
#include "core/server/worker.h"

namespace weir::server {

// What came of a reload.
struct ReloadResult {
  bool ok = false;
  std::string error;                 // in words, with file, line and column; empty when ok
  std::vector<std::string> changes;  // empty when ok: nothing differs
  int64_t unix_ms = 0;               // when; 0: there was none yet
  uint64_t number = 0;               // of the reload, from 1
};

// Reads the configuration again while the program serves, and puts what has changed in place of
// what was there:
//
//   file --load, check, make, look names up, bind--> generation --posted to each worker-->
//   in use --all have it--> the one before is let go, except for what connections still use
//
// A mistake anywhere before the first post changes nothing. One reload at a time; what is asked for
// meanwhile is one more reload, after it. Counters server.reload_total, .reload_failed; gauge
// server.reload_generation (of configurations in use since the start, from 0).
//
// Main thread, except where it says otherwise.
class Reloader {
 public:
  using Done = std::function<void(const ReloadResult&)>;
  struct Parts {
    std::function<config::LoadResult()> load;
    GenerationMaker* maker = nullptr;
    std::unique_ptr<Generation> first;  // the workers' so far
    ReleaseQueue* releases = nullptr;
    observe::StatRegistry* stats = nullptr;
    std::string address_file;  // written anew; empty: none
    std::string watched_file;  // a change of it is a reload; empty: none
    std::string watched_seen;  // its fingerprint before it was first read
  };
  // What the server is, for as long as it serves.
  struct Server {
    net::EventLoop* loop = nullptr;
    const std::vector<std::unique_ptr<Worker>>* workers = nullptr;
    // Empty, or why there is to be no reload now.
    std::function<std::string()> refuses;
    std::function<void(Generation*)> adopted;
    // Reads files that are followed without a reload, certificates and the like, without waiting
    // for the time to look. What has changed, in words. Null: there are none.
    std::function<std::vector<std::string>()> reread;
    // Around each reload, whoever asked for it.
    std::function<void()> begun;
    std::function<void(const ReloadResult&)> finished;
  };

  explicit Reloader(Parts parts);
  ~Reloader();
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  Generation* present() { return present_.get(); }
  // The workers are there; from now on reloads are taken.
  void Start(Server server);
  // The workers are gone.
  void Stop();
  // `done`, when there is one, is called on the main thread, maybe before this returns.
  void Reload(Done done = nullptr);

  // Any thread: the same for the process's Reloader. `done` is called on the main thread, by Stop
  // at the latest. False: there is none that has started.
  static bool Ask(Done done);
  // Any thread: what came of the last one.
  static ReloadResult Last();
  // Any thread: what new connections are served with. Null where no reloader has started.
  static std::shared_ptr<const config::Bootstrap> PresentConfig();

 private:
  void TakeAsked();
  void StartWatch();
  void Begin();
  std::string Make(ReloadResult* result);
  void Adopt();
  std::string TakeOver();
  void Refuse(const std::string& error);
  void Finish();
  void OnAdopted();

  Parts parts_;
  Server server_;
  std::unique_ptr<ConfigWatch> watch_;
  std::unique_ptr<Generation> present_;
  std::unique_ptr<Generation> made_;      // until names are looked up
  std::unique_ptr<Generation> previous_;  // until all workers have the present one
  ReloadResult under_way_;
  uint32_t waiting_for_ = 0;  // workers
  uint64_t number_ = 0;
  std::vector<Done> asked_;  // of the one under way
  bool again_ = false;
  std::vector<Done> asked_again_;
  observe::Cell* total_;
  observe::Cell* failed_;
  observe::Cell* generation_;
};

}  // namespace weir::server
