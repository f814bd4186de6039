#include "core/http/callout_set.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/log.h"
#include "core/base/thrown.h"
#include "core/http/callout.h"
#include "core/http/late_calls.h"

namespace weir::http {
namespace {

thread_local CalloutSet* current = nullptr;

constexpr uint32_t kDefaultTimeoutMs = 15'000;
// A handle: the worker, how often a place was taken, the place.
constexpr uint32_t kPlaceBits = 10;
constexpr uint32_t kWorkerShift = 54;
static_assert(CalloutSet::kMaxCallouts == 1u << kPlaceBits);

std::unique_ptr<const RouteTable> TableOf(const config::Cluster& cluster, size_t index) {
  config::RouteAction action;
  action.cluster = cluster.name;
  action.cluster_index = index;
  config::Route route;
  route.match.value = "/";
  route.action = action;
  config::VirtualHost host;
  host.name = "callout";
  host.domains = {"*"};
  host.routes.push_back(std::move(route));
  config::RouteConfiguration routes;
  routes.virtual_hosts.push_back(std::move(host));
  std::vector<RouteError> errors;
  return RouteTable::Build(std::make_shared<const config::RouteConfiguration>(std::move(routes)),
                           {}, &errors);
}

// A caller may know fewer members than we do, or more.
template <class T>
T CopyOf(const T& given) {
  T copy{};
  std::memcpy(&copy, &given, std::min<size_t>(given.struct_size, sizeof copy));
  copy.struct_size = sizeof copy;
  return copy;
}

}  // namespace

CalloutSet::CalloutSet(net::WorkerContext* worker, TerminalMaker* maker,
                       observe::StatRegistry* registry,
                       const std::vector<config::Cluster>& clusters)
    : worker_(worker), maker_(maker) {
  for (size_t i = 0; i < clusters.size(); ++i) AddCluster(clusters[i], i);
  const auto cell = [&](const char* name, observe::StatKind kind) {
    return worker->stats->Get(registry->Define(name, kind));
  };
  total_ = cell("callout.total", observe::StatKind::kCounter);
  active_ = cell("callout.active", observe::StatKind::kGauge);
  timeout_ = cell("callout.timeout", observe::StatKind::kCounter);
  failed_ = cell("callout.failed", observe::StatKind::kCounter);
  refused_ = cell("callout.refused", observe::StatKind::kCounter);
  threw_ = cell("callout.threw", observe::StatKind::kCounter);
  current = this;
}

void CalloutSet::CountThrown(const void* hook) {
  threw_->Add();
  WEIR_LOG_EVERY_SECOND(kError, "plugin %s: an exception left a hook of a call-out: %s",
                        base::FileOfCode(hook).c_str(), base::ThrownText().c_str());
}

void CalloutSet::AddCluster(const config::Cluster& cluster, size_t index) {
  auto& routes = routes_[cluster.name];
  if (routes == nullptr) routes = TableOf(cluster, index);
}

CalloutSet::~CalloutSet() {
  Stop();
  if (current == this) current = nullptr;
}

CalloutSet* CalloutSet::Current() {
  return current;
}

const Route* CalloutSet::RouteTo(std::string_view cluster) const {
  const auto found = routes_.find(cluster);
  if (found == routes_.end() || found->second == nullptr) return nullptr;
  RequestView any;
  any.authority = "callout";
  any.path = "/";
  any.method = "GET";
  return found->second->Find(any);
}

weir_callout* CalloutSet::HandleOf(uint32_t slot) const {
  const uint64_t number =
      uint64_t{worker_->worker_id} << kWorkerShift | places_[slot].generation << kPlaceBits | slot;
  return reinterpret_cast<weir_callout*>(static_cast<uintptr_t>(number));
}

Callout* CalloutSet::Find(weir_callout* handle) const {
  const auto slot = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(handle) & (kMaxCallouts - 1));
  if (handle == nullptr || slot >= places_.size() || places_[slot].callout == nullptr)
    return nullptr;
  return HandleOf(slot) == handle ? places_[slot].callout : nullptr;
}

weir_callout* CalloutSet::Add(Callout* callout) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const uint32_t slot = free_.back();
  free_.pop_back();
  places_[slot].callout = callout;
  ++places_[slot].generation;
  callout->set_slot(slot);
  return HandleOf(slot);
}

weir_callout* CalloutSet::Start(const weir_callout_request* request,
                                const weir_callout_hooks* hooks, void* user) {
  if (request == nullptr) return nullptr;
  const weir_callout_request asked = CopyOf(*request);
  const weir_callout_hooks wanted = hooks == nullptr ? weir_callout_hooks{} : CopyOf(*hooks);
  if (asked.cluster.data == nullptr) return nullptr;
  const Route* route = RouteTo(View(asked.cluster));
  const bool full = free_.empty() && places_.size() >= kMaxCallouts;
  if (stopped_ || route == nullptr || full) {
    refused_->Add();
    return nullptr;
  }
  Callout* callout = Callout::Make(this, route, wanted, user);
  if (!callout->Take(asked, route->forward()->cluster)) {
    delete callout;
    refused_->Add();
    return nullptr;
  }
  LateCalls::Note();
  total_->Add();
  active_->Add();
  callout->Begin(asked.timeout_ms == 0 ? kDefaultTimeoutMs : asked.timeout_ms);
  return Add(callout);
}

int32_t CalloutSet::Send(weir_callout* handle, weir_view data, bool end) {
  Callout* callout = Find(handle);
  if (callout == nullptr || (data.data == nullptr && data.size != 0)) return WEIR_REFUSED;
  return callout->Send(View(data), end);
}

void CalloutSet::Cancel(weir_callout* handle) {
  if (Callout* callout = Find(handle)) callout->Cancel();
}

void CalloutSet::Remove(Callout* callout, uint32_t reason) {
  active_->Sub();
  if (reason == WEIR_REASON_TIMEOUT) timeout_->Add();
  if (reason != WEIR_REASON_TIMEOUT && reason != WEIR_REASON_NONE && reason != WEIR_REASON_CANCEL)
    failed_->Add();
  places_[callout->slot()].callout = nullptr;
  free_.push_back(callout->slot());
}

void CalloutSet::Stop() {
  stopped_ = true;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].callout != nullptr) places_[i].callout->End(WEIR_REASON_CANCEL);
  }
}

const weir_callout_api* CalloutHostTable() {
  static constexpr weir_callout_api kApi = {
      .struct_size = sizeof(weir_callout_api),
      .reserved = 0,
      .start = [](const weir_callout_request* request, const weir_callout_hooks* hooks,
                  void* user) -> weir_callout* {
        return current == nullptr ? nullptr : current->Start(request, hooks, user);
      },
      .send = [](weir_callout* callout, weir_view data, uint32_t end) -> int32_t {
        return current == nullptr ? WEIR_REFUSED : current->Send(callout, data, end != 0);
      },
      .cancel =
          [](weir_callout* callout) {
            if (current != nullptr) current->Cancel(callout);
          },
  };
  return &kApi;
}

}  // namespace weir::http
