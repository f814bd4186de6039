#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/slab.h"
#include "core/net/connection_report.h"
#include "core/net/event_loop.h"
#include "core/net/socket_io.h"
#include "core/net/tls/tls_worker.h"
#include "core/net/worker_context.h"
#include "core/observe/stat_names.h"
#include "core/server/listener_set.h"
#include "core/server/overload.h"
#include "core/server/plugin_host_worker.h"
#include "core/server/wiring.h"

namespace weir::server {

class ServedListener;
class WorkerListener;
struct Generation;

// What a worker tells the rest of the server. Called on the worker's thread; the implementation
// posts.
class WorkerObserver {
 public:
  // A place within a limit was freed that some worker waits for.
  virtual void OnPlaceFreed() = 0;
  // The worker has made all that it needs. It takes connections when ResumeListeners is called.
  virtual void OnOpened() = 0;
  // The worker drains and its last connection is gone.
  virtual void OnDrained(uint32_t worker) = 0;

 protected:
  ~WorkerObserver() = default;
};

// One thread with its own loop, memory, counters and listening sockets. Start, Join and the posting
// functions are the main thread's; everything else happens on the worker's own.
class Worker {
 public:
  // All must outlive it.
  Worker(uint32_t id, const ServerContext* context, const Wiring* wiring, ListenerSet* listeners,
         WorkerObserver* observer);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void Start();
  // Tells the connections to finish, takes what waits at the listeners, and closes them; that of
  // the admin pages only when they are another process's.
  void Drain(bool with_admin);
  void SetOverload(OverloadLevel level);
  void ResumeListeners();
  // Another configuration holds from now on. What has not changed stays as it is; listeners that
  // have keep their sockets, and their connections are told to finish. `done` is called on the
  // worker's thread when it is so. `next` must outlive the worker's use of it, which ends with the
  // following call's `done`; the present one too, until `done`.
  void Adopt(Generation* next, std::function<void()> done);
  // What the connections say of themselves, at most `most` of them and as many streams. busy: only
  // those with streams; then the first kMaxLooked are looked at. On the worker's own thread.
  static constexpr size_t kMaxLooked = 2000;
  std::vector<net::ConnectionReport> DescribeConnections(size_t most, bool busy);
  // The listeners that it serves. On the worker's own thread.
  void ForEachListener(const std::function<void(const ListenerSpec&)>& visit) const;
  // Ends the loop, closing what is left, and waits for the thread.
  void Stop();

  // For what runs on the worker.
  net::EventLoop* loop() { return &loop_; }
  net::WorkerContext* context() { return &worker_context_; }
  OverloadLevel overload() const { return overload_; }
  const observe::ServerStats& stats() const { return stats_; }
  void OnPlaceFreed() { observer_->OnPlaceFreed(); }
  void OnConnectionGone();
  observe::ListenerStats BindListener(const std::string& name);
  // The main thread frees it.
  void Release(std::shared_ptr<const void> thing);

 private:
  void Run();
  void Open();
  void DrainHere(bool with_admin);
  void SetOverloadHere(OverloadLevel level);
  uint32_t OpenConnections() const;
  void AdoptHere(Generation* next);
  void AddListener(ListenerSet* set, size_t index);
  void LeaveBehind(std::unique_ptr<ServedListener> served);
  void SweepLeaving();
  void CheckDrained();

  const ServerContext* server_;
  const Wiring* wiring_;
  ListenerSet* listeners_set_;
  WorkerObserver* observer_;
  base::SlabPool pool_;  // before the loop: what dies with the reactor may hold slabs
  std::unique_ptr<net::tls::TlsWorker> tls_;  // ... and be a TLS session
  net::EventLoop loop_;
  net::ReceiveBuffer receive_{&pool_};
  net::SocketDialer dialer_{&loop_};
  net::WorkerContext worker_context_;
  std::unique_ptr<PluginWorker> plugins_;
  observe::ServerStats stats_;
  OverloadLevel overload_ = OverloadLevel::kNone;
  bool drain_announced_ = false;  // the listeners are closed: with the last connection it is over
  std::unique_ptr<WorkerServices> services_;
  std::vector<std::unique_ptr<WorkerListener>> listeners_;
  // Of earlier configurations, until their last connection.
  std::vector<std::unique_ptr<ServedListener>> leaving_;
  bool sweeping_ = false;  // it is posted
  std::thread thread_;
};

}  // namespace weir::server
