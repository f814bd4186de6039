#include "core/server/worker.h"

#include <string>
#include <utility>

#include <pthread.h>

#include "core/server/worker_listener.h"

namespace weir::server {

Worker::Worker(uint32_t id, const ServerContext* context, const Wiring* wiring,
               ListenerSet* listeners, WorkerObserver* observer)
    : server_(context), wiring_(wiring), listeners_set_(listeners), observer_(observer) {
  worker_context_.worker_id = id;
  worker_context_.reactor = loop_.reactor();
  worker_context_.pool = &pool_;
  worker_context_.receive = &receive_;
  worker_context_.dialer = &dialer_;
  tls_ = std::make_unique<net::tls::TlsWorker>(loop_.reactor(), &pool_);
  worker_context_.tls = tls_.get();
  worker_context_.stats = context->stats->NewBlock();
  stats_ = observe::BindServerStats(context->stats, worker_context_.stats);
  std::vector<const weir_plugin_descriptor*> plugins;
  if (context->plugins != nullptr) {
    for (const plugins::Plugin* plugin : context->plugins->plugins())
      plugins.push_back(plugin->descriptor);
  }
  plugins_ = std::make_unique<PluginWorker>(id, &loop_, worker_context_.stats, std::move(plugins));
}

Worker::~Worker() {
  Stop();
}

void Worker::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Worker::Stop() {
  if (!thread_.joinable()) return;
  loop_.Stop();
  thread_.join();
}

void Worker::Drain() {
  loop_.Post([this] { DrainHere(); });
}

void Worker::SetOverload(OverloadLevel level) {
  loop_.Post([this, level] { SetOverloadHere(level); });
}

void Worker::ResumeListeners() {
  loop_.Post([this] {
    for (const auto& listener : listeners_) listener->Resume();
  });
}

void Worker::Run() {
  pthread_setname_np(pthread_self(), ("weir-" + std::to_string(worker_context_.worker_id)).c_str());
  plugins_->Enter();
  Open();
  while (!loop_.stopped()) {
    loop_.Turn(true);
    stats_.memory_pinned->Set(pool_.pinned_bytes());
  }
  drain_announced_ = false;
  // Connections first: they may point at the services, and plugins at them.
  listeners_.clear();
  if (services_ != nullptr) services_->Stop();
  loop_.reactor()->RunTurn();
  plugins_->Leave();
  services_.reset();
  loop_.reactor()->RunTurn();
  receive_.Drop();
}

void Worker::Open() {
  if (wiring_->services != nullptr) services_ = wiring_->services(*server_, &worker_context_);
  worker_context_.services = services_.get();
  plugins_->StartPlugins();
  const auto& specs = listeners_set_->specs();
  for (size_t i = 0; i < specs.size(); ++i) {
    const int fd = listeners_set_->TakeSocket(i, worker_context_.worker_id);
    if (fd < 0) continue;
    const auto stats =
        observe::BindListenerStats(server_->stats, worker_context_.stats, specs[i]->config->name);
    net::ConnectionLimit* global =
        specs[i]->administrative ? nullptr : listeners_set_->global_limit();
    listeners_.push_back(std::make_unique<WorkerListener>(this, specs[i].get(), global, fd, stats));
  }
  for (const auto& listener : listeners_) listener->Resume();
}

void Worker::DrainHere() {
  if (worker_context_.draining) return;
  worker_context_.draining = true;
  for (const auto& listener : listeners_) {
    if (!listener->administrative()) listener->DrainAll();
  }
  for (const auto& listener : listeners_) {
    if (!listener->administrative()) listener->Close();
  }
  if (services_ != nullptr) services_->Drain();
  drain_announced_ = true;
  CheckDrained();
}

void Worker::OnConnectionGone() {
  CheckDrained();
}

void Worker::CheckDrained() {
  if (drain_announced_ && OpenConnections() == 0) observer_->OnDrained(worker_context_.worker_id);
}

uint32_t Worker::OpenConnections() const {
  uint32_t open = 0;
  for (const auto& listener : listeners_) {
    if (!listener->administrative()) open += listener->open();
  }
  return open;
}

void Worker::SetOverloadHere(OverloadLevel level) {
  if (level != OverloadLevel::kNone) {
    if (overload_ == OverloadLevel::kNone) stats_.overload_stop_accept->Add();
    pool_.Trim();
  }
  overload_ = level;
  worker_context_.overloaded = level == OverloadLevel::kRefuse;
  for (const auto& listener : listeners_) {
    if (level != OverloadLevel::kNone && !listener->administrative()) listener->Pause();
    listener->Resume();
  }
}

}  // namespace weir::server
