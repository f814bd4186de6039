#include "core/observe/dashboard/dashboard.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace weir::observe {
namespace {

// Plugins come with a configuration, but their stats when they are first asked for.
constexpr uint64_t kFindPluginsTicks = 5;
constexpr std::string_view kPluginPrefix = "plugin.";
constexpr std::string_view kHookTimeSuffix = ".hook_us";

std::mutex current_mutex;
std::shared_ptr<Dashboard> current;  // under current_mutex

}  // namespace

std::shared_ptr<Dashboard> Dashboard::Current() {
  const std::lock_guard lock(current_mutex);
  return current;
}

void Dashboard::SetCurrent(std::shared_ptr<Dashboard> dashboard) {
  const std::lock_guard lock(current_mutex);
  current = std::move(dashboard);
}

Dashboard::Dashboard(StatRegistry* registry) : registry_(registry) {}

Dashboard::~Dashboard() = default;

template <size_t kCount>
StatWindow Dashboard::Follow(const std::string& prefix, const FollowedStat (&stats)[kCount],
                             const char* time) {
  std::vector<StatId> ids;
  for (const FollowedStat& stat : stats)
    ids.push_back(registry_->Define(prefix + stat.name, stat.kind));
  StatId time_id;
  if (time != nullptr) time_id = registry_->Define(prefix + time, StatKind::kHistogram);
  return StatWindow(registry_, std::move(ids), time_id);
}

void Dashboard::SetConfig(std::shared_ptr<const config::Bootstrap> config,
                          std::map<std::string, std::string> bound) {
  const std::lock_guard lock(mutex_);
  config_ = std::move(config);
  bound_ = std::move(bound);
  ++generation_;
  http_.clear();
  tcp_.clear();
  listeners_.clear();
  clusters_.clear();
  next_ms_ = 0;
  ticks_ = 0;
  for (const config::Listener& listener : config_->listeners) {
    if (listeners_.size() == kMaxListeners) break;
    listeners_.push_back(
        {listener.name, Follow("listener." + listener.name + ".", kListenerFollowed, nullptr)});
    for (const config::FilterChain& chain : listener.filter_chains) {
      const config::NetworkFilter& last = chain.filters.back();
      if (last.http != nullptr) {
        const std::string& prefix = last.http->stat_prefix;
        http_.try_emplace(prefix,
                          Follow("http." + prefix + ".", kHttpFollowed, "downstream_rq_time"));
      } else if (last.tcp_proxy != nullptr) {
        const std::string& prefix = last.tcp_proxy->stat_prefix;
        tcp_.try_emplace(prefix, Follow("tcp." + prefix + ".", kTcpFollowed, nullptr));
      }
    }
  }
  for (const config::Cluster& cluster : config_->clusters) {
    if (clusters_.size() == kMaxClusters) break;
    clusters_.push_back({cluster.name, Follow("cluster." + cluster.name + ".", kClusterFollowed,
                                              "upstream_rq_time")});
  }
}

void Dashboard::FindPlugins() {
  std::set<std::string> found;
  registry_->ForEach([&found](const std::string& name, StatKind kind, uint64_t) {
    if (kind != StatKind::kHistogram || found.size() == kMaxPlugins) return;
    const std::string_view view = name;
    if (view.size() <= kPluginPrefix.size() + kHookTimeSuffix.size()) return;
    if (view.substr(0, kPluginPrefix.size()) != kPluginPrefix) return;
    if (view.substr(view.size() - kHookTimeSuffix.size()) != kHookTimeSuffix) return;
    found.insert(name.substr(kPluginPrefix.size(),
                             name.size() - kPluginPrefix.size() - kHookTimeSuffix.size()));
  });
  for (const std::string& name : found) {
    if (plugins_.find(name) == plugins_.end())
      plugins_.emplace(name,
                       Follow(std::string(kPluginPrefix) + name + ".", kPluginFollowed, "hook_us"));
  }
}

void Dashboard::Tick(uint64_t now_ms, int64_t unix_ms) {
  const std::lock_guard lock(mutex_);
  if (config_ == nullptr || now_ms < next_ms_) return;
  next_ms_ = now_ms + kSampleMs;
  if (ticks_ % kFindPluginsTicks == 0) FindPlugins();
  for (auto* windows : {&http_, &tcp_, &plugins_}) {
    for (auto& [name, window] : *windows) window.Read(now_ms);
  }
  for (auto* followed : {&listeners_, &clusters_}) {
    for (Followed& one : *followed) one.window.Read(now_ms);
  }
  // The first reading of a configuration has nothing before it.
  if (ticks_++ != 0) TakeSample(unix_ms);
}

void Dashboard::TakeSample(int64_t unix_ms) {
  Sample sample;
  sample.number = ++number_;
  sample.unix_ms = unix_ms;
  HistogramTotals time;
  for (const auto& [prefix, window] : http_) {
    sample.requests += window.LastRate(kHttpRequests);
    sample.errors_4xx += window.LastRate(kHttp4xx);
    sample.errors_5xx += window.LastRate(kHttp5xx);
    sample.received += window.LastRate(kHttpReceived);
    sample.sent += window.LastRate(kHttpSent);
    sample.active += window.Value(kHttpActive);
    const HistogramTotals last = window.Last();
    for (size_t i = 0; i < time.buckets.size(); ++i) time.buckets[i] += last.buckets[i];
  }
  for (const auto& [prefix, window] : tcp_) {
    sample.received += window.LastRate(kTcpReceived);
    sample.sent += window.LastRate(kTcpSent);
  }
  for (const Followed& listener : listeners_)
    sample.connections += listener.window.Value(kListenerConnections);
  sample.timed = time.count();
  sample.p50 = time.Percentile(0.5);
  sample.p90 = time.Percentile(0.9);
  sample.p99 = time.Percentile(0.99);
  samples_.push_back(sample);
  if (samples_.size() > kSamples) samples_.pop_front();
}

}  // namespace weir::observe
