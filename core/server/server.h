#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/net/event_loop.h"
#include "core/observe/log_writer.h"
#include "core/observe/server_state.h"
#include "core/observe/stat_names.h"
#include "core/observe/stats.h"
#include "core/server/certificate_watch.h"
#include "core/server/dashboard_feed.h"
#include "core/server/listener_set.h"
#include "core/server/notify.h"
#include "core/server/options.h"
#include "core/server/overload.h"
#include "core/server/pid_file.h"
#include "core/server/reloader.h"
#include "core/server/signals.h"
#include "core/server/upgrade.h"
#include "core/server/wiring.h"
#include "core/server/worker.h"

namespace weir::server {

// The life of a serving process: bind, start the workers, watch memory and signals, drain.
//
//   kRunning --SIGTERM, SIGINT--> kDelaying --drain delay--> kDraining --> kDone
//       '--SIGUSR2, and the successor serves------------------'
//
// While it delays it serves as ever, but says that it is not ready, so that whoever sends it work
// can stop. It has drained with its last connection, or when the drain time is over. A second
// signal ends the process at once.
class Server final : public WorkerObserver {
 public:
  // `context` is complete, `listeners` are built; all must outlive it.
  Server(const Options& options, const ServerContext* context, const Wiring* wiring,
         ListenerSet* listeners);
  ~Server();

  // Reloads with it, as long as it serves. Before Run; `reloader` outlives the server, and context
  // and listeners are those of its first generation.
  void set_reloader(Reloader* reloader) { reloader_ = reloader; }

  // Serves until it has drained. Returns the process's exit code.
  int Run();

 private:
  enum class Phase : uint8_t { kRunning, kDelaying, kDraining, kDone };
  // The main thread's clock: looks at the memory, and ends the drain.
  class Watch final : public net::Actor {
   public:
    explicit Watch(Server* server) : server_(server) {}
    void OnDeadline() override { server_->OnWatch(); }

   private:
    Server* server_;
  };

  void OnPlaceFreed() override;
  void OnOpened() override;
  void OnDrained(uint32_t worker) override;
  void OnSignal(int number);
  void OnWatch();
  void OnEndSignal(int number);
  void Reload();
  void StartUpgrade();
  void OnUpgraded(const std::string& failure);
  // All workers are ready: connections are taken from now on.
  void BeginServing();
  void StartDrain();
  // What is due of the drain; when it wants to be called again at the latest.
  uint64_t TendDrain();
  void CheckMemory();
  uint64_t MemoryLimit() const;
  int Bind();
  void StartReloader();
  bool WarmUp();

  const Options& options_;
  const ServerContext* context_;
  const Wiring* wiring_;
  ListenerSet* listeners_;
  Reloader* reloader_ = nullptr;  // null: there is only one configuration
  net::EventLoop loop_;
  Signals signals_;
  Upgrade upgrade_;
  Notify notify_;
  PidFile pid_file_;
  observe::ServerStats stats_;
  DashboardFeed dashboard_;
  CertificateWatch certificates_;
  Watch watch_{this};
  Phase phase_ = Phase::kRunning;
  bool ending_ = false;        // by a signal: the next one ends it at once
  bool succeeded_ = false;     // another process serves in this one's place
  uint32_t opening_ = 0;       // workers that are not ready yet
  bool reload_asked_ = false;  // before they were, or during an upgrade
  OverloadLevel overload_ = OverloadLevel::kNone;
  uint64_t memory_limit_ = 0;
  uint64_t started_ms_;
  uint64_t drain_at_ms_ = 0;     // kDelaying: when the drain begins
  uint64_t drain_until_ms_ = 0;  // kDraining
  std::vector<bool> drained_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

// The state that the admin pages show. Any thread.
observe::ServerState PresentState();

}  // namespace weir::server
