#include "core/server/server.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <utility>

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
      upgrade_(&loop_, [this](const std::string& failure) { OnUpgraded(failure); }),
      pid_file_(options.pid_file),
      stats_(observe::BindServerStats(context->stats, context->stats->main_block())),
      dashboard_(context->stats),
      started_ms_(loop_.now_ms()) {}

Server::~Server() = default;

int Server::Bind() {
  std::string error;
  if (!listeners_->BindAll(context_->workers, &error)) {
    std::fprintf(stderr, "%s", error.c_str());
    UpgradeReport::Failed(error);
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
  opening_ = context_->workers;
  if (const int code = Bind(); code != kExitOk) return code;
  memory_limit_ = MemoryLimit();
  certificates_.Follow(*context_, *listeners_);
  if (!WarmUp()) return kExitOk;
  drained_.assign(context_->workers, false);
  for (uint32_t i = 0; i < context_->workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, context_, wiring_, listeners_, this));
  }
  const MainDoor door(&loop_);
  // Who finds the server ready finds its dashboard.
  dashboard_.Tend(loop_.now_ms(), context_->bootstrap, *listeners_);
  for (const auto& worker : workers_) worker->Start();
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
  pid_file_.Remove();
  WEIR_LOG(kInfo, "done");
  return kExitOk;
}

void Server::StartReloader() {
  if (reloader_ == nullptr) return;
  Reloader::Server server;
  server.loop = &loop_;
  server.workers = &workers_;
  server.refuses = [this]() -> std::string {
    if (phase_ != Phase::kRunning) return "the server drains: it reads no configuration any more";
    if (!upgrade_.running()) return "";
    // What the successor has read may be the one before, and this process is about to go.
    reload_asked_ = true;
    return "an upgrade is under way: whoever serves after it reads the configuration";
  };
  server.adopted = [this](Generation* generation) {
    context_ = &generation->context;
    listeners_ = &generation->listeners;
    memory_limit_ = MemoryLimit();
    certificates_.Follow(*context_, *listeners_);
  };
  server.reread = [this] { return certificates_.Look(); };
  server.begun = [this] {
    if (phase_ == Phase::kRunning) notify_.Reloading();
  };
  server.finished = [this](const ReloadResult& result) {
    if (phase_ == Phase::kRunning) notify_.Serving(result.ok ? "" : "the last reload failed");
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
  upgrade_.Tend();
  certificates_.Tend(loop_.now_ms());
  uint64_t wait = memory_limit_ != 0 ? kWatchMemoryMs : kWatchMs;
  if (notify_.watchdog_ms() != 0) {
    notify_.Alive();
    wait = std::min(wait, notify_.watchdog_ms());
  }
  const uint64_t next = loop_.now_ms() + wait;
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
    Reload();
    return;
  }
  if (number == SIGUSR2) {
    StartUpgrade();
    return;
  }
  if (ending_) {
    WEIR_LOG(kWarn, "a second signal: ending at once");
    _exit(128 + number);
  }
  ending_ = true;
  OnEndSignal(number);
}

// While names are looked up and workers start there is nothing that could be replaced.
void Server::Reload() {
  if (opening_ != 0 || upgrade_.running()) {
    WEIR_LOG(kInfo, "SIGHUP: the reload comes when %s",
             upgrade_.running() ? "the upgrade is over" : "this process serves");
    reload_asked_ = true;
  } else if (reloader_ != nullptr) {
    reloader_->Reload();
  }
}

void Server::OnOpened() {
  loop_.Post([this] {
    if (--opening_ == 0) BeginServing();
  });
}

// Only now, when everything is there, so that nobody is asked to wait, or told by the admin pages
// that this process is not ready, whom the process before this one could have served.
void Server::BeginServing() {
  if (phase_ == Phase::kRunning) observe::server_state = observe::ServerState::kLive;
  for (const auto& worker : workers_) worker->ResumeListeners();
  std::string error;
  if (!pid_file_.Write(&error)) WEIR_LOG(kError, "--pid-file: %s", error.c_str());
  // Of a successor nobody hears but its predecessor, which tells systemd whom to hear from now on.
  const bool first = !UpgradeReport::pending();
  UpgradeReport::Serving();
  listeners_->DropInherited();
  if (first && phase_ == Phase::kRunning) notify_.Serving();
  if (std::exchange(reload_asked_, false)) Reload();
}

void Server::StartUpgrade() {
  std::string error;
  if (phase_ != Phase::kRunning || opening_ != 0) {
    error = "this process is starting or draining";
  } else if (upgrade_.running()) {
    error = "one is under way";
  } else if (getpid() == 1) {
    // With it the container would end, and the successor in it.
    error = "this is process 1 of a container; replace the container instead";
  } else {
    std::vector<InheritedSocket> listeners;
    for (const auto& spec : listeners_->specs())
      listeners.push_back({-1, spec->config->name, spec->bound, spec->activated});
    const std::vector<InheritedSocket> sockets = DuplicateListening(listeners);
    if (upgrade_.Start(options_.command_line, sockets, &error)) {
      WEIR_LOG(kInfo, "SIGUSR2: process %ld is to take over %zu listening sockets",
               static_cast<long>(upgrade_.pid()), sockets.size());
    }
    for (const InheritedSocket& socket : sockets) close(socket.fd);
  }
  if (error.empty()) return;
  WEIR_LOG(kError, "no upgrade: %s", error.c_str());
  pid_file_.WriteOutcome(0, error);
}

void Server::OnUpgraded(const std::string& failure) {
  pid_file_.WriteOutcome(upgrade_.pid(), failure);
  if (!failure.empty()) {
    WEIR_LOG(kError, "the upgrade failed, this process serves on: %s", failure.c_str());
    if (std::exchange(reload_asked_, false)) Reload();
    return;
  }
  WEIR_LOG(kInfo, "process %ld serves from now on", static_cast<long>(upgrade_.pid()));
  notify_.HandOver(upgrade_.pid());
  succeeded_ = true;
  if (reload_asked_) kill(upgrade_.pid(), SIGHUP);
  listeners_->LeaveSocketFiles();
  observe::server_state = observe::ServerState::kDraining;
  StartDrain();
  OnWatch();
}

void Server::OnEndSignal(int number) {
  upgrade_.Abort();
  if (phase_ != Phase::kRunning) {
    WEIR_LOG(kInfo, "this process drains already; a second signal ends it at once");
    return;
  }
  notify_.Stopping(options_.drain_delay + options_.drain_time);
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
  for (const auto& worker : workers_) worker->Drain(succeeded_);
}

}  // namespace weir::server
