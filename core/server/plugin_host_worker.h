#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/intrusive_list.h"
#include "core/net/actor.h"
#include "core/net/event_loop.h"
#include "core/observe/stats.h"
#include "core/server/plugin_host_mailbox.h"
#include "plugins/abi/weir.h"

namespace weir::server {
class PluginWorker;
}

// A timer of a plugin.
struct weir_timer final : weir::net::Actor {
  weir::server::PluginWorker* worker = nullptr;
  weir_hook hook = nullptr;
  void* user = nullptr;
  weir::base::ListNode live_link;

 private:
  void OnDeadline() override;
};

namespace weir::server {

// What plugins have of one worker: their timers and what was posted to it. Made on the main thread;
// all but mailbox() and thread() belongs to the worker's thread. Must die before the loop.
class PluginWorker {
 public:
  static constexpr uint32_t kMaxTimers = 65'536;

  PluginWorker(uint32_t id, net::EventLoop* loop, observe::StatBlock* stats,
               std::vector<const weir_plugin_descriptor*> plugins);
  ~PluginWorker();
  PluginWorker(const PluginWorker&) = delete;
  PluginWorker& operator=(const PluginWorker&) = delete;

  // On the worker's thread, before anything that may call a plugin.
  void Enter();
  // Tells the plugins that the worker starts: before its first connection.
  void StartPlugins();
  // The same for those of a later configuration that are new.
  void AddPlugins(const std::vector<const weir_plugin_descriptor*>& plugins);
  // After the last connection: takes no more posts and runs those that came, tells the plugins, and
  // frees the timers that they left.
  void Leave();

  // The calling thread's; null on threads that are no worker.
  static PluginWorker* Here();

  uint32_t id() const { return id_; }
  uint64_t now_ms() const { return loop_->now_ms(); }
  // The number of its thread, as in tickets; 0 before Enter and after Leave. Any thread.
  uint32_t thread() const { return thread_.load(std::memory_order_acquire); }
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

  // Null beyond kMaxTimers.
  weir_timer* NewTimer(weir_hook hook, void* user);
  void SetTimer(weir_timer* timer, uint64_t after_ms);
  void FreeTimer(weir_timer* timer);

 private:
  void Start(const weir_plugin_descriptor* plugin);

  const uint32_t id_;
  net::EventLoop* loop_;
  observe::StatBlock* stats_;
  std::vector<const weir_plugin_descriptor*> plugins_;
  std::shared_ptr<Mailbox> mailbox_;
  std::atomic<uint32_t> thread_{0};
  base::List<weir_timer, &weir_timer::live_link> timers_;
  uint32_t timer_count_ = 0;
};

}  // namespace weir::server
