#include "core/server/reloader.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "core/base/log.h"
#include "core/http/hook_time.h"
#include "core/server/cluster_dns.h"

namespace weir::server {
namespace {

std::mutex shared_mutex;  // guards these
Reloader* running = nullptr;
ReloadResult last;
net::EventLoop* running_loop = nullptr;
std::vector<Reloader::Done> asked_elsewhere;  // and not taken by the main thread
std::shared_ptr<const config::Bootstrap> present_config;

int64_t UnixMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// One line of the log for each line of the text.
void LogLines(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) WEIR_LOG(kError, "reload: %s", text.substr(at, end - at).c_str());
    at = end + 1;
  }
}

}  // namespace

Reloader::Reloader(Parts parts) : parts_(std::move(parts)), present_(std::move(parts_.first)) {
  const auto cell = [&](const char* name, observe::StatKind kind) {
    return parts_.stats->main_block()->Get(parts_.stats->Define(name, kind));
  };
  total_ = cell("server.reload_total", observe::StatKind::kCounter);
  failed_ = cell("server.reload_failed", observe::StatKind::kCounter);
  generation_ = cell("server.reload_generation", observe::StatKind::kGauge);
}

Reloader::~Reloader() {
  Stop();
}

void Reloader::Start(Server server) {
  server_ = std::move(server);
  parts_.releases->set_waker([loop = server_.loop, releases = parts_.releases] {
    loop->Post([releases] { releases->Clear(); });
  });
  StartWatch();
  const std::lock_guard lock(shared_mutex);
  running = this;
  running_loop = server_.loop;
  last = {};
  present_config = present_->context.bootstrap;
}

void Reloader::StartWatch() {
  if (parts_.watched_file.empty()) return;
  watch_ = std::make_unique<ConfigWatch>(server_.loop, parts_.watched_file, parts_.watched_seen,
                                         [this] { Reload(); });
  std::string error;
  if (!watch_->Start(&error)) WEIR_LOG(kError, "--watch: %s", error.c_str());
}

void Reloader::Stop() {
  watch_.reset();
  std::vector<Done> elsewhere;
  {
    const std::lock_guard lock(shared_mutex);
    if (running != this) return;
    running = nullptr;
    running_loop = nullptr;
    present_config = nullptr;
    elsewhere = std::exchange(asked_elsewhere, {});
  }
  // Who asked may wait for an answer, and what waits holds up the end.
  ReloadResult ended;
  ended.error = "the server ends";
  ended.number = number_;
  again_ = false;
  for (std::vector<Done>* asked : {&asked_, &asked_again_, &elsewhere}) {
    for (const Done& done : std::exchange(*asked, {})) done(ended);
  }
  parts_.releases->set_waker(nullptr);
  parts_.releases->Clear();
}

bool Reloader::Ask(Done done) {
  const std::lock_guard lock(shared_mutex);
  if (running == nullptr) return false;
  asked_elsewhere.push_back(std::move(done));
  running_loop->Post([reloader = running] { reloader->TakeAsked(); });
  return true;
}

void Reloader::TakeAsked() {
  std::vector<Done> asked;
  {
    const std::lock_guard lock(shared_mutex);
    asked = std::exchange(asked_elsewhere, {});
  }
  for (Done& done : asked) Reload(std::move(done));
}

ReloadResult Reloader::Last() {
  const std::lock_guard lock(shared_mutex);
  return last;
}

std::shared_ptr<const config::Bootstrap> Reloader::PresentConfig() {
  const std::lock_guard lock(shared_mutex);
  return present_config;
}

void Reloader::Reload(Done done) {
  if (waiting_for_ > 0) {
    again_ = true;
    if (done) asked_again_.push_back(std::move(done));
    return;
  }
  if (done) asked_.push_back(std::move(done));
  Begin();
}

void Reloader::Begin() {
  server_.begun();
  under_way_ = {};
  under_way_.unix_ms = UnixMs();
  under_way_.number = ++number_;
  total_->Add();
  const std::string error = Make(&under_way_);
  if (!error.empty()) return Refuse(error);
  if (under_way_.changes.empty()) {
    under_way_.ok = true;
    WEIR_LOG(kInfo, "reload: the configuration is as it was");
    return Finish();
  }
  // New clusters have their endpoints before a request can ask for them.
  waiting_for_ = 1;
  const ServerContext& context = made_->context;
  if (context.dns == nullptr) return Adopt();
  context.dns->WhenWarm(context.bootstrap->limits.dns_warm_timeout, [this] { Adopt(); });
}

void Reloader::Refuse(const std::string& error) {
  failed_->Add();
  LogLines(error);
  WEIR_LOG(kError, "reload: nothing has changed, for the configuration has mistakes");
  under_way_.error = error;
  Finish();
}

void Reloader::Adopt() {
  waiting_for_ = 0;
  const std::string error = TakeOver();
  if (!error.empty()) return Refuse(error);
  under_way_.ok = true;
  for (const std::string& change : under_way_.changes)
    WEIR_LOG(kInfo, "reload: %s", change.c_str());
  const config::Limits& limits = present_->context.bootstrap->limits;
  http::SetSlowHookLimit(static_cast<uint64_t>(limits.slow_hook.count()));
  server_.adopted(present_.get());
  {
    const std::lock_guard lock(shared_mutex);
    present_config = present_->context.bootstrap;
  }
  waiting_for_ = static_cast<uint32_t>(server_.workers->size());
  for (const auto& worker : *server_.workers) {
    worker->Adopt(present_.get(), [this] { server_.loop->Post([this] { OnAdopted(); }); });
  }
}

// Empty, or the mistakes. Changes nothing that is in use; with changes, the new one is made_.
std::string Reloader::Make(ReloadResult* result) {
  std::string refuses = server_.refuses();
  if (!refuses.empty()) return refuses;
  config::LoadResult loaded = parts_.load();
  if (!loaded.ok()) return loaded.diagnostics.Print();
  made_ = parts_.maker->Make(&loaded, present_.get());
  if (made_ == nullptr) return loaded.diagnostics.Print();
  result->changes = ChangesOf(*present_, *made_);
  if (result->changes.empty()) made_.reset();
  return "";
}

// The same; made_ is the present one then.
std::string Reloader::TakeOver() {
  std::unique_ptr<Generation> made = std::move(made_);
  std::string error = server_.refuses();
  if (!error.empty()) return error;
  if (!made->listeners.BindAll(made->context.workers, &error, &present_->listeners)) return error;
  made->listeners.TakeOver(&present_->listeners);
  previous_ = std::move(present_);
  present_ = std::move(made);
  return "";
}

void Reloader::OnAdopted() {
  if (--waiting_for_ > 0) return;
  present_->listeners.RemoveUnusedSocketFiles();
  previous_.reset();
  std::string error;
  if (!parts_.address_file.empty() &&
      !present_->listeners.WriteAddressFile(parts_.address_file, &error))
    WEIR_LOG(kError, "reload: --address-file: %s", error.c_str());
  generation_->Add();  // who waits for it finds the new addresses
  Finish();
}

void Reloader::Finish() {
  // Those who asked may ask again.
  ReloadResult result = std::exchange(under_way_, {});
  if (result.ok && server_.reread) {
    for (std::string& change : server_.reread()) result.changes.push_back(std::move(change));
  }
  {
    const std::lock_guard lock(shared_mutex);
    last = result;
  }
  const std::vector<Done> asked = std::exchange(asked_, std::exchange(asked_again_, {}));
  server_.finished(result);
  for (const Done& done : asked) done(result);
  if (std::exchange(again_, false)) Begin();
}

}  // namespace weir::server
