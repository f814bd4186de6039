#include "core/server/plugin_host.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

#include <openssl/rand.h>
#include <openssl/sha.h>

#include "core/base/log.h"
#include "core/config/abi_node.h"
#include "core/http/callout_set.h"
#include "core/http/hook_time.h"
#include "core/http/late_calls.h"
#include "core/net/ticket.h"
#include "core/observe/thread_stats.h"
#include "core/server/plugin_barrier.h"
#include "core/server/plugin_host_worker.h"

namespace weir::server {
namespace {

constexpr uint32_t kSweepPerTend = 4096;  // of each shard
constexpr size_t kMaxStatName = 256;

PluginHost* current = nullptr;

std::string_view Text(weir_view view) {
  return view.size == 0 ? std::string_view() : std::string_view(view.data, view.size);
}

void Log(uint32_t level, weir_view plugin, weir_view message) {
  const auto known = static_cast<base::LogLevel>(std::min<uint32_t>(level, WEIR_LOG_ERROR));
  if (!base::LogEnabled(known)) return;
  std::string line(Text(plugin));
  line += ": ";
  line += Text(message);
  base::LogLine(known, line);
}

uint32_t LogEnabled(uint32_t level) {
  return base::LogEnabled(static_cast<base::LogLevel>(std::min<uint32_t>(level, WEIR_LOG_ERROR)))
             ? 1
             : 0;
}

// ---- Stats: an id says of which kind it is, so that no call can write into others' cells.

constexpr uint32_t kKindShift = 28;
constexpr uint32_t kIndexMask = (1u << kKindShift) - 1;
static_assert(observe::StatRegistry::kMaxStats <= kIndexMask);

uint32_t Define(weir_view name, observe::StatKind kind) {
  if (name.size == 0 || name.size > kMaxStatName || name.data == nullptr) return 0;
  const std::string full = "plugin." + std::string(Text(name));
  const uint32_t index = current->options().stats->Define(full, kind).index;
  return index == 0 ? 0 : index | (static_cast<uint32_t>(kind) + 1) << kKindShift;
}

// The index of an id of this kind; 0 for any other, and where there is nothing to write to.
uint32_t IndexOf(uint32_t id, observe::StatKind kind) {
  if (observe::thread_stats == nullptr) return 0;
  if (id >> kKindShift != static_cast<uint32_t>(kind) + 1) return 0;
  const uint32_t index = id & kIndexMask;
  return index < observe::StatRegistry::kMaxStats ? index : 0;
}

uint32_t Counter(weir_view name) {
  return Define(name, observe::StatKind::kCounter);
}

void Count(uint32_t id, uint64_t add) {
  const uint32_t index = IndexOf(id, observe::StatKind::kCounter);
  if (index != 0) observe::thread_stats->Get({index})->Add(add);
}

uint32_t Gauge(weir_view name) {
  return Define(name, observe::StatKind::kGauge);
}

void GaugeAdd(uint32_t id, int64_t add) {
  const uint32_t index = IndexOf(id, observe::StatKind::kGauge);
  if (index != 0) observe::thread_stats->Get({index})->Add(static_cast<uint64_t>(add));
}

uint32_t Histogram(weir_view name) {
  return Define(name, observe::StatKind::kHistogram);
}

void Record(uint32_t id, uint64_t value) {
  const uint32_t index = IndexOf(id, observe::StatKind::kHistogram);
  if (index != 0) observe::thread_stats->Record({index}, value);
}

// ---- Bytes

void Random(uint8_t* out, size_t size) {
  // A plugin asks for keys and masks: without randomness there is no safe way on.
  if (RAND_bytes(out, static_cast<int>(size)) != 1) std::abort();
}

void Sha1(const uint8_t* in, size_t size, uint8_t out[20]) {
  SHA1(in, size, out);
}

void Sha256(const uint8_t* in, size_t size, uint8_t out[32]) {
  SHA256(in, size, out);
}

// ---- Time and place

uint64_t NowMs() {
  const PluginWorker* here = PluginWorker::Here();
  return here == nullptr ? net::EventLoop::MonotonicMs() : here->now_ms();
}

int64_t UnixMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

uint32_t Workers() {
  return current->options().workers;
}

uint32_t ThisWorker() {
  const PluginWorker* here = PluginWorker::Here();
  return here == nullptr ? WEIR_NO_WORKER : here->id();
}

uint32_t Validating() {
  return current->options().validating ? 1 : 0;
}

// ---- Timers

weir_timer* TimerNew(weir_hook hook, void* user) {
  PluginWorker* here = PluginWorker::Here();
  if (here == nullptr || hook == nullptr) return nullptr;
  http::LateCalls::Note();
  weir_timer* timer = here->NewTimer(hook, user);
  if (timer == nullptr) {
    WEIR_LOG_EVERY_SECOND(kWarn, "worker %u: a plugin wants more than %u timers", here->id(),
                          PluginWorker::kMaxTimers);
  }
  return timer;
}

// The worker of a timer that may be touched here; null, with a line in the log, when it is
// another's: a plugin that mixes up its threads must not take the proxy along.
PluginWorker* WorkerOf(const weir_timer* timer) {
  if (timer == nullptr) return nullptr;
  PluginWorker* here = PluginWorker::Here();
  if (here != nullptr && timer->worker == here) return here;
  WEIR_LOG_EVERY_SECOND(kError, "a plugin used a timer on another thread than its worker's");
  return nullptr;
}

void TimerSet(weir_timer* timer, uint64_t after_ms) {
  if (PluginWorker* worker = WorkerOf(timer)) worker->SetTimer(timer, after_ms);
}

void TimerFree(weir_timer* timer) {
  if (PluginWorker* worker = WorkerOf(timer)) worker->FreeTimer(timer);
}

// ---- Other threads

int32_t Post(weir_ticket ticket, weir_stream_hook hook, void* user) {
  return hook == nullptr ? WEIR_REFUSED : current->Post(ticket, hook, user);
}

int32_t PostWorker(uint32_t worker, weir_hook hook, void* user) {
  if (hook == nullptr) return WEIR_REFUSED;
  http::LateCalls::Note();
  return current->PostWorker(worker, hook, user);
}

int32_t Offload(weir_hook work, weir_ticket ticket, weir_stream_hook done, void* user) {
  if (work == nullptr || done == nullptr || PluginWorker::Here() == nullptr) return WEIR_REFUSED;
  return current->Offload(work, ticket, done, user);
}

int64_t KvGet(weir_view store, weir_view key, char* out, size_t room) {
  return current->stores()->Get(Text(store), Text(key), out, room);
}

int32_t KvSet(weir_view store, weir_view key, weir_view value, uint64_t ttl_ms) {
  if (value.data == nullptr && value.size != 0) return WEIR_REFUSED;
  return current->stores()->Set(Text(store), Text(key), Text(value), ttl_ms);
}

int32_t KvAdd(weir_view store, weir_view key, int64_t add, uint64_t ttl_ms, int64_t* sum) {
  return current->stores()->Add(Text(store), Text(key), add, ttl_ms, sum);
}

int32_t KvRemove(weir_view store, weir_view key) {
  return current->stores()->Remove(Text(store), Text(key));
}

weir_host Table() {
  weir_host host{};
  host.struct_size = sizeof host;
  host.abi_minor = WEIR_ABI_MINOR;
  host.config = config::AbiConfigApi();
  host.log = &Log;
  host.counter = &Counter;
  host.count = &Count;
  host.random = &Random;
  host.sha1 = &Sha1;
  host.sha256 = &Sha256;
  host.log_enabled = &LogEnabled;
  host.gauge = &Gauge;
  host.gauge_add = &GaugeAdd;
  host.histogram = &Histogram;
  host.record = &Record;
  host.now_ms = &NowMs;
  host.unix_ms = &UnixMs;
  host.workers = &Workers;
  host.worker = &ThisWorker;
  host.validating = &Validating;
  host.timer_new = &TimerNew;
  host.timer_set = &TimerSet;
  host.timer_free = &TimerFree;
  host.post = &Post;
  host.post_worker = &PostWorker;
  host.offload = &Offload;
  host.kv_get = &KvGet;
  host.kv_set = &KvSet;
  host.kv_add = &KvAdd;
  host.kv_remove = &KvRemove;
  host.callout = http::CalloutHostTable();
  return host;
}

}  // namespace

PluginHost* PluginHost::Current() {
  return current;
}

PluginHost::PluginHost(const PluginHostOptions& options)
    : options_(options), table_(Table()), stores_(&net::EventLoop::MonotonicMs) {
  if (current != nullptr) std::abort();
  current = this;
  observe::thread_stats = options.stats->main_block();
  http::LateHookTimer::CountIn(
      options.stats->Define("plugin.slow_late_hooks", observe::StatKind::kCounter));
  Tend();
}

PluginHost::~PluginHost() {
  observe::thread_stats = nullptr;
  current = nullptr;
}

void PluginHost::Tend() {
  stores_.Sweep(kSweepPerTend);
  observe::StatRegistry* stats = options_.stats;
  observe::StatBlock* block = stats->main_block();
  const auto set = [&](const char* name, observe::StatKind kind, uint64_t value) {
    block->Get(stats->Define(name, kind))->Set(value);
  };
  set("kv.keys", observe::StatKind::kGauge, stores_.keys());
  set("kv.bytes", observe::StatKind::kGauge, stores_.bytes());
  set("kv.no_room", observe::StatKind::kCounter, stores_.refused());
  set("plugins.threw", observe::StatKind::kCounter, ThrownSoFar());
}

void PluginHost::AddWorker(PluginWorker* worker) {
  const std::lock_guard lock(mutex_);
  workers_.push_back(worker);
}

void PluginHost::RemoveWorker(PluginWorker* worker) {
  const std::lock_guard lock(mutex_);
  workers_.erase(std::remove(workers_.begin(), workers_.end(), worker), workers_.end());
}

std::shared_ptr<Mailbox> PluginHost::BoxOfThread(uint32_t thread) {
  if (thread == 0) return nullptr;
  const std::lock_guard lock(mutex_);
  for (const PluginWorker* worker : workers_) {
    if (worker->thread() == thread) return worker->mailbox();
  }
  return nullptr;
}

std::shared_ptr<Mailbox> PluginHost::BoxOfWorker(uint32_t id) {
  const std::lock_guard lock(mutex_);
  for (const PluginWorker* worker : workers_) {
    if (worker->id() == id) return worker->mailbox();
  }
  return nullptr;
}

int32_t PluginHost::Post(weir_ticket ticket, weir_stream_hook hook, void* user) {
  const std::shared_ptr<Mailbox> box = BoxOfThread(net::TicketThread(ticket));
  return box == nullptr ? WEIR_REFUSED : box->Post({ticket, hook, nullptr, user});
}

int32_t PluginHost::PostWorker(uint32_t worker, weir_hook hook, void* user) {
  const std::shared_ptr<Mailbox> box = BoxOfWorker(worker);
  return box == nullptr ? WEIR_REFUSED : box->Post({{}, nullptr, hook, user});
}

int32_t PluginHost::Offload(weir_hook work, weir_ticket ticket, weir_stream_hook done, void* user) {
  std::shared_ptr<Mailbox> box = BoxOfThread(net::TicketThread(ticket));
  if (box == nullptr) return WEIR_REFUSED;
  return helpers_.Run(work, std::move(box), {ticket, done, nullptr, user});
}

}  // namespace weir::server
