#include "core/server/plugin_host_worker.h"

#include <algorithm>
#include <utility>

#include "core/base/log.h"
#include "core/http/hook_time.h"
#include "core/net/ticket.h"
#include "core/observe/thread_stats.h"
#include "core/server/plugin_barrier.h"
#include "core/server/plugin_host.h"

void weir_timer::OnDeadline() {
  // The hook may free or arm this timer.
  weir::server::LatePluginBarrier(hook, "a timer", [this] {
    const weir::http::LateHookTimer timer(hook);
    hook(user);
  });
}

namespace weir::server {
namespace {

thread_local PluginWorker* here = nullptr;

}  // namespace

PluginWorker* PluginWorker::Here() {
  return here;
}

PluginWorker::PluginWorker(uint32_t id, net::EventLoop* loop, observe::StatBlock* stats,
                           std::vector<const weir_plugin_descriptor*> plugins)
    : id_(id), loop_(loop), stats_(stats), plugins_(std::move(plugins)) {
  // The box may be held longer than the worker lives, but wakes nobody once it is closed.
  mailbox_ =
      std::make_shared<Mailbox>([this] { loop_->Post([box = mailbox_.get()] { box->Open(); }); });
  if (PluginHost* host = PluginHost::Current()) host->AddWorker(this);
}

PluginWorker::~PluginWorker() {
  mailbox_->Refuse();
  if (PluginHost* host = PluginHost::Current()) host->RemoveWorker(this);
}

void PluginWorker::Enter() {
  here = this;
  observe::thread_stats = stats_;
  thread_.store(net::ThreadNumber(), std::memory_order_release);
}

void PluginWorker::StartPlugins() {
  for (const weir_plugin_descriptor* plugin : plugins_) Start(plugin);
}

void PluginWorker::Start(const weir_plugin_descriptor* plugin) {
  if (WEIR_HAS(plugin, worker_start) && plugin->worker_start != nullptr)
    PluginBarrier(plugin->name, "worker_start", [&] { plugin->worker_start(id_); });
}

void PluginWorker::AddPlugins(const std::vector<const weir_plugin_descriptor*>& plugins) {
  for (const weir_plugin_descriptor* plugin : plugins) {
    if (std::find(plugins_.begin(), plugins_.end(), plugin) != plugins_.end()) continue;
    plugins_.push_back(plugin);
    Start(plugin);
  }
}

void PluginWorker::Leave() {
  if (here != this) return;
  mailbox_->Refuse();
  if (PluginHost* host = PluginHost::Current()) host->CancelWork(mailbox_.get());
  mailbox_->Close();
  for (const weir_plugin_descriptor* plugin : plugins_) {
    if (WEIR_HAS(plugin, worker_stop) && plugin->worker_stop != nullptr)
      PluginBarrier(plugin->name, "worker_stop", [&] { plugin->worker_stop(id_); });
  }
  if (timer_count_ > 0) {
    WEIR_LOG(kWarn, "worker %u: plugins left %u timers behind; they are freed", id_, timer_count_);
    while (weir_timer* timer = timers_.front()) FreeTimer(timer);
  }
  thread_.store(0, std::memory_order_release);
  here = nullptr;
  observe::thread_stats = nullptr;
}

weir_timer* PluginWorker::NewTimer(weir_hook hook, void* user) {
  if (timer_count_ >= kMaxTimers) return nullptr;
  auto* timer = new weir_timer;
  timer->worker = this;
  timer->hook = hook;
  timer->user = user;
  timers_.PushBack(timer);
  ++timer_count_;
  return timer;
}

void PluginWorker::SetTimer(weir_timer* timer, uint64_t after_ms) {
  // 0 is the wheel's word for never, and so is what lies beyond its clock.
  uint64_t at = 0;
  if (after_ms < WEIR_TIMER_OFF - now_ms()) at = std::max<uint64_t>(now_ms() + after_ms, 1);
  loop_->reactor()->SetDeadline(timer, at);
}

void PluginWorker::FreeTimer(weir_timer* timer) {
  timer->live_link.Unlink();
  --timer_count_;
  // Inside its own hook too: it is deleted when the turn ends.
  loop_->reactor()->Retire(timer);
}

}  // namespace weir::server
