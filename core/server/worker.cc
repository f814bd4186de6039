#include "core/server/worker.h"

#include <algorithm>
#include <string>
#include <utility>

#include <pthread.h>

#include "core/net/thread_loop.h"
#include "core/server/generation.h"
#include "core/server/loop_door.h"
#include "core/server/release_queue.h"
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

void Worker::Drain(bool with_admin) {
  loop_.Post([this, with_admin] { DrainHere(with_admin); });
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
  net::thread_loop = &loop_;
  plugins_->Enter();
  const WorkerDoor door(this);
  Open();
  while (!loop_.stopped()) {
    loop_.Turn(true);
    stats_.memory_pinned->Set(pool_.pinned_bytes());
  }
  drain_announced_ = false;
  sweeping_ = true;
  // Connections first: they may point at the services, and plugins at them.
  listeners_.clear();
  leaving_.clear();
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
  for (size_t i = 0; i < specs.size(); ++i) AddListener(listeners_set_, i);
  observer_->OnOpened();
}

void Worker::AddListener(ListenerSet* set, size_t index) {
  for (;;) {
    const int fd = set->TakeSocket(index, worker_context_.worker_id);
    if (fd < 0) return;
    auto served = std::make_unique<ServedListener>(this, set->specs()[index], set->global_limit());
    listeners_.push_back(std::make_unique<WorkerListener>(this, std::move(served), fd));
  }
}

void Worker::DrainHere(bool with_admin) {
  if (worker_context_.draining) return;
  worker_context_.draining = true;
  for (const auto& listener : listeners_) {
    if (!listener->administrative()) listener->served()->DrainAll();
  }
  for (const auto& listener : listeners_) {
    if (with_admin || !listener->administrative()) listener->Close();
  }
  if (services_ != nullptr) services_->Drain();
  drain_announced_ = true;
  CheckDrained();
}

void Worker::OnConnectionGone() {
  // Not here: this is a call of one of theirs.
  if (!leaving_.empty() && !std::exchange(sweeping_, true)) loop_.Post([this] { SweepLeaving(); });
  CheckDrained();
}

void Worker::CheckDrained() {
  if (drain_announced_ && OpenConnections() == 0) observer_->OnDrained(worker_context_.worker_id);
}

void Worker::ForEachListener(const std::function<void(const ListenerSpec&)>& visit) const {
  for (const auto& listener : listeners_) visit(listener->served()->spec());
}

std::vector<net::ConnectionReport> Worker::DescribeConnections(size_t most, bool busy) {
  std::vector<net::ConnectionReport> reports;
  size_t looked = 0;
  size_t streams = most;
  const auto describe = [&](ServedListener* served) {
    if (served == nullptr) return;
    served->ForEach([&](net::ServedConnection* connection) {
      if (reports.size() >= most || ++looked > kMaxLooked) return false;
      net::ConnectionReport& report = reports.emplace_back();
      const uint64_t now = loop_.now_ms();
      report.id = connection->id();
      report.listener = served->spec().config->name;
      report.age_ms = now - std::min(connection->since_ms(), now);
      report.draining = connection->draining();
      report.max_streams = streams;
      connection->Describe(&report);
      if (busy && report.streams.empty()) {
        reports.pop_back();
        return true;
      }
      report.peer = connection->peer().ToString();
      report.local = connection->local().ToString();
      streams -= report.streams.size();
      return true;
    });
  };
  for (const auto& listener : listeners_) describe(listener->served());
  for (const auto& served : leaving_) describe(served.get());
  return reports;
}

uint32_t Worker::OpenConnections() const {
  uint32_t open = 0;
  for (const auto& listener : listeners_) {
    if (!listener->administrative()) open += listener->served()->open();
  }
  for (const auto& served : leaving_) {
    if (!served->administrative()) open += served->open();
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

observe::ListenerStats Worker::BindListener(const std::string& name) {
  return observe::BindListenerStats(server_->stats, worker_context_.stats, name);
}

void Worker::Release(std::shared_ptr<const void> thing) {
  if (server_->releases != nullptr) server_->releases->Put(std::move(thing));
}

// ---- Another configuration ----------------------------------------------------------------------

void Worker::Adopt(Generation* next, std::function<void()> done) {
  loop_.Post([this, next, done = std::move(done)] {
    AdoptHere(next);
    done();
  });
}

void Worker::AdoptHere(Generation* next) {
  server_ = &next->context;  // the one before goes
  // What drains goes on with what it has.
  if (worker_context_.draining) return;
  plugins_->AddPlugins(next->plugins);
  if (services_ != nullptr) services_->Adopt(next->context);
  std::vector<std::unique_ptr<WorkerListener>> before = std::move(listeners_);
  listeners_.clear();
  const auto& specs = next->listeners.specs();
  for (size_t i = 0; i < specs.size(); ++i) {
    const auto holds = [&](const std::unique_ptr<WorkerListener>& listener) {
      const ListenerSpec* present = listener == nullptr ? nullptr : &listener->served()->spec();
      return present != nullptr && (present == specs[i].get() || present == specs[i]->predecessor);
    };
    bool found = false;
    for (std::unique_ptr<WorkerListener>& listener : before) {
      if (!holds(listener)) continue;
      found = true;
      if (&listener->served()->spec() != specs[i].get()) {
        auto served =
            std::make_unique<ServedListener>(this, specs[i], next->listeners.global_limit());
        LeaveBehind(listener->Replace(std::move(served)));
      }
      listeners_.push_back(std::move(listener));
    }
    if (!found) AddListener(&next->listeners, i);
  }
  for (const auto& listener : before) {
    if (listener == nullptr) continue;
    listener->Close();
    LeaveBehind(listener->Leave());
  }
  for (const auto& listener : listeners_) listener->Resume();
  SweepLeaving();
}

void Worker::LeaveBehind(std::unique_ptr<ServedListener> served) {
  served->DrainAll();
  leaving_.push_back(std::move(served));
}

void Worker::SweepLeaving() {
  sweeping_ = false;
  const auto over = [](const std::unique_ptr<ServedListener>& served) {
    return served->open() == 0;
  };
  leaving_.erase(std::remove_if(leaving_.begin(), leaving_.end(), over), leaving_.end());
  if (leaving_.empty() && services_ != nullptr) services_->ForgetEarlier();
}

}  // namespace weir::server
