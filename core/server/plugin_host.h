#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/observe/stats.h"
#include "core/server/plugin_host_helpers.h"
#include "core/server/plugin_host_stores.h"
#include "plugins/abi/weir.h"

namespace weir::server {

class PluginWorker;

struct PluginHostOptions {
  observe::StatRegistry* stats = nullptr;
  uint32_t workers = 1;
  bool validating = false;  // the configuration is only looked at
};

// What every plugin gets (weir_host), and what stands behind it. At most one at a time in a
// process. Made on the main thread, before any plugin is loaded; must outlive them and all workers,
// whose PluginWorker (plugin_host_worker.h) is what they have of it. The calling thread becomes the
// one that counts on the registry's main block.
class PluginHost {
 public:
  explicit PluginHost(const PluginHostOptions& options);
  ~PluginHost();
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // Null when there is none.
  static PluginHost* Current();

  const weir_host* table() const { return &table_; }
  // Main thread, about once a second: removes shared values that have outlived their time, and
  // writes the gauges of what plugins share.
  void Tend();

  // Any thread.
  const PluginHostOptions& options() const { return options_; }
  PluginStores* stores() { return &stores_; }
  int32_t Post(weir_ticket ticket, weir_stream_hook hook, void* user);
  int32_t PostWorker(uint32_t worker, weir_hook hook, void* user);
  int32_t Offload(weir_hook work, weir_ticket ticket, weir_stream_hook done, void* user);

  // For PluginWorker.
  void AddWorker(PluginWorker* worker);
  void RemoveWorker(PluginWorker* worker);
  void CancelWork(const Mailbox* box) { helpers_.Cancel(box); }

 private:
  std::shared_ptr<Mailbox> BoxOfThread(uint32_t thread);
  std::shared_ptr<Mailbox> BoxOfWorker(uint32_t worker);

  const PluginHostOptions options_;
  weir_host table_{};
  PluginStores stores_;
  std::mutex mutex_;
  std::vector<PluginWorker*> workers_;  // guarded by mutex_
  HelperThreads helpers_;
};

}  // namespace weir::server
