#include "core/server/server.h"

#include <algorithm>
#include <atomic>
#include <cstdio>

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/server/cluster_dns.h"
#include "core/server/loop_door.h"
#include "core/server/plugin_host.h"

namespace weir::server {
namespace {

constexpr uint64_t kWatchMs = 1000;
// With a limit memory must be looked at more often than it can be filled.
constexpr uint64_t kWatchMemoryMs = 100;

const char* Name(OverloadLevel level) {
  switch (level) {
    case OverloadLevel::kNone:
      return "accepting again";
    case OverloadLevel::kStopAccepting:
      return "new connections wait";
    case OverloadLevel::kRefuse:
      return "new connections wait, new requests are refused";
  }
  return "";
}

}  // namespace

observe::ServerState PresentState() {
  return observe::server_state.load(std::memory_order_relaxed);
}

Server::Server(const Options& options, const ServerContext* context, const Wiring* wiring,
               ListenerSet* listeners)
    : options_(options),
      context_(context),
      wiring_(wiring),
      listeners_(listeners),
      signals_(&loop_, [this](int number) { OnSignal(number); }),
      stats_(observe::BindServerStats(context->stats, context->stats->main_block())),
      dashboard_(context->stats),
      started_ms_(loop_.now_ms()) {}

Server::~Server() = default;

int Server::Bind() {
  std::string error;
  if (!listeners_->BindAll(context_->workers, &error)) {
    std::fprintf(stderr, "%s", error.c_str());
    return kExitBind;
  }
  for (const auto& spec : listeners_->specs()) {
    WEIR_LOG(kInfo, "listener %s is bound to %s", spec->config->name.c_str(),
             spec->bound.ToString().c_str());
  }
  if (!options_.address_file.empty() &&
      !listeners_->WriteAddressFile(options_.address_file, &error)) {
    std::fprintf(stderr, "weir: --address-file: %s\n", error.c_str());
    return kExitUsage;
  }
  return kExitOk;
}

int Server::Run() {
  if (const int code = Bind(); code != kExitOk) return code;
  memory_limit_ = MemoryLimit();
  if (!WarmUp()) return kExitOk;
  drained_.assign(context_->workers, false);
  for (uint32_t i = 0; i < context_->workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, context_, wiring_, listeners_, this));
  }
  const MainDoor door(&loop_);
  // Who finds the server ready finds its dashboard.
  dashboard_.Tend(loop_.now_ms(), context_->bootstrap, *listeners_);
  for (const auto& worker : workers_) worker->Start();
  observe::server_state = observe::ServerState::kLive;
  stats_.live->Set(1);
  stats_.concurrency->Set(context_->workers);
  StartReloader();
  OnWatch();
  while (phase_ != Phase::kDone) loop_.Turn(true);
  for (const auto& worker : workers_) worker->Stop();
  workers_.clear();
  if (reloader_ != nullptr) reloader_->Stop();
  if (context_->dns != nullptr) context_->dns->Stop();
  listeners_->RemoveSocketFiles();
  WEIR_LOG(kInfo, "done");
  return kExitOk;
}

void Server::StartReloader() {
  if (reloader_ == nullptr) return;
  Reloader::Server server;
  server.loop = &loop_;
  server.workers = &workers_;
  server.refuses = [this]() -> std::string {
    return phase_ == Phase::kRunning ? "" : "the server drains: it reads no configuration any more";
  };
  server.adopted = [this](Generation* generation) {
    context_ = &generation->context;
    listeners_ = &generation->listeners;
    memory_limit_ = MemoryLimit();
  };
  reloader_->Start(std::move(server));
}

// Connections wait at the listeners until the clusters have endpoints. False: a signal ended it.
bool Server::WarmUp() {
  if (context_->dns == nullptr) return true;
  context_->dns->Start(&loop_);
  context_->dns->WarmUp(context_->bootstrap->limits.dns_warm_timeout,
                        [this] { return phase_ == Phase::kRunning; });
  if (phase_ == Phase::kRunning) return true;
  context_->dns->Stop();
  listeners_->RemoveSocketFiles();
  return false;
}

uint64_t Server::MemoryLimit() const {
  if (options_.max_memory != 0) return options_.max_memory;
  const uint64_t configured = context_->bootstrap->limits.max_memory_bytes;
  return configured != 0 ? configured : CgroupMemoryLimit();
}

void Server::OnWatch() {
  stats_.uptime->Set((loop_.now_ms() - started_ms_) / 1000);
  stats_.state->Set(static_cast<uint64_t>(PresentState()));
  CheckMemory();
  if (PluginHost* host = PluginHost::Current()) host->Tend();
  dashboard_.Tend(loop_.now_ms(), context_->bootstrap, *listeners_);
  const uint64_t next = loop_.now_ms() + (memory_limit_ != 0 ? kWatchMemoryMs : kWatchMs);
  loop_.reactor()->SetDeadline(&watch_, std::min(next, TendDrain()));
}

uint64_t Server::TendDrain() {
  if (phase_ == Phase::kDelaying) {
    if (loop_.now_ms() < drain_at_ms_) return drain_at_ms_;
    StartDrain();
  }
  if (phase_ != Phase::kDraining) return UINT64_MAX;
  if (loop_.now_ms() >= drain_until_ms_) {
    WEIR_LOG(kWarn, "the drain time is over; what is left is closed");
    phase_ = Phase::kDone;
  }
  return drain_until_ms_;
}

void Server::CheckMemory() {
  const uint64_t used = ResidentBytes();
  stats_.memory_resident->Set(used);
  const OverloadLevel level = NextOverloadLevel(overload_, used, memory_limit_);
  if (level != OverloadLevel::kNone) {
    WEIR_LOG_EVERY_SECOND(kWarn, "memory: %llu of %llu bytes are in use; %s",
                          static_cast<unsigned long long>(used),
                          static_cast<unsigned long long>(memory_limit_), Name(level));
    // What was freed meanwhile counts until it is given back.
    malloc_trim(0);
  }
  if (level == overload_) return;
  if (level == OverloadLevel::kNone)
    WEIR_LOG(kInfo, "memory: %llu bytes are in use; %s", static_cast<unsigned long long>(used),
             Name(level));
  overload_ = level;
  for (const auto& worker : workers_) worker->SetOverload(level);
}

void Server::OnPlaceFreed() {
  for (const auto& worker : workers_) worker->ResumeListeners();
}

void Server::OnDrained(uint32_t worker) {
  loop_.Post([this, worker] {
    drained_[worker] = true;
    const bool all = std::find(drained_.begin(), drained_.end(), false) == drained_.end();
    if (all && phase_ == Phase::kDraining) phase_ = Phase::kDone;
  });
}

void Server::OnSignal(int number) {
  if (number == SIGUSR1) {
    base::ReopenLogFile();
    if (context_->access_logs != nullptr) context_->access_logs->Reopen();
    return;
  }
  if (number == SIGHUP) {
    if (reloader_ != nullptr) reloader_->Reload();
    return;
  }
  if (phase_ != Phase::kRunning) {
    WEIR_LOG(kWarn, "a second signal: ending at once");
    _exit(128 + number);
  }
  OnEndSignal(number);
}

void Server::OnEndSignal(int number) {
  phase_ = Phase::kDelaying;
  observe::server_state = observe::ServerState::kDraining;
  drain_at_ms_ = loop_.now_ms() + static_cast<uint64_t>(options_.drain_delay.count());
  const char* name = number == SIGINT ? "SIGINT" : "SIGTERM";
  if (options_.drain_delay.count() > 0) {
    WEIR_LOG(kInfo, "%s: not ready any more; in %lld ms the listeners stop", name,
             static_cast<long long>(options_.drain_delay.count()));
  } else {
    WEIR_LOG(kInfo, "%s: not ready any more", name);
  }
  OnWatch();
}

void Server::StartDrain() {
  phase_ = Phase::kDraining;
  drain_until_ms_ = loop_.now_ms() + static_cast<uint64_t>(options_.drain_time.count());
  WEIR_LOG(kInfo, "draining, for at most %lld ms",
           static_cast<long long>(options_.drain_time.count()));
  for (const auto& worker : workers_) worker->Drain();
}

}  // namespace weir::server
