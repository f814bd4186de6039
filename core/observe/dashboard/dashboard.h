#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/observe/dashboard/followed_stats.h"
#include "core/observe/dashboard/stat_window.h"
#include "core/observe/stats.h"

namespace weir::observe {

// One endpoint as the workers see it.
struct EndpointState {
  std::string cluster;
  std::string address;
  std::string hostname;
  uint32_t weight = 1;
  bool healthy = true;
  uint64_t connections = 0;  // open or connecting
  uint64_t active = 0;       // requests
};

// What stands in no stat.
struct DashboardFacts {
  std::string_view version;
  std::string_view state;  // "LIVE"
  // In the order of clusters. A cluster of which none is here is shown as it is configured.
  std::vector<EndpointState> endpoints;
};

// What the dashboard shows: the shape of the configuration, and how its parts went lately. Samples
// all of it on the main thread, every kSampleMs; nothing of it touches a worker. Bounded: so many
// objects of the configuration are followed (what is beyond is counted in `left_off`), and so many
// samples of the totals are kept.
class Dashboard {
 public:
  static constexpr uint64_t kSampleMs = 2000;
  static constexpr size_t kSamples = 300;  // ten minutes
  static constexpr size_t kMaxListeners = 200;
  static constexpr size_t kMaxRoutes = 1000;  // of all listeners together
  static constexpr size_t kMaxClusters = 500;
  static constexpr size_t kMaxEndpoints = 2000;  // of all clusters together
  static constexpr size_t kMaxPlugins = 200;

  // The registry must outlive it.
  explicit Dashboard(StatRegistry* registry);
  ~Dashboard();
  Dashboard(const Dashboard&) = delete;
  Dashboard& operator=(const Dashboard&) = delete;

  // Main thread. `bound` has the addresses that listeners are bound to, by their names, where they
  // are not those of the configuration. The samples stay; rates begin anew.
  void SetConfig(std::shared_ptr<const config::Bootstrap> config,
                 std::map<std::string, std::string> bound);
  // Main thread: takes a sample when it is time for one.
  void Tick(uint64_t now_ms, int64_t unix_ms);

  // Everything of one tick as JSON; of the samples those with a greater number than `since`. Any
  // thread.
  std::string Json(const DashboardFacts& facts, uint64_t since) const;

  // The process's one; null where there is no admin listener, or the server has not begun. Any
  // thread.
  static std::shared_ptr<Dashboard> Current();
  static void SetCurrent(std::shared_ptr<Dashboard> dashboard);

 private:
  friend struct DashboardJson;

  struct Followed {
    std::string name;
    StatWindow window;
  };
  // All connection managers together, at one moment; rates are of the time since the last sample.
  struct Sample {
    uint64_t number = 0;
    int64_t unix_ms = 0;
    double requests = 0, errors_4xx = 0, errors_5xx = 0, received = 0, sent = 0;
    uint64_t connections = 0, active = 0;
    uint64_t timed = 0;  // requests that the percentiles are of; 0: there are none
    double p50 = 0, p90 = 0, p99 = 0;
  };

  void FindPlugins();
  void TakeSample(int64_t unix_ms);
  template <size_t kCount>
  StatWindow Follow(const std::string& prefix, const FollowedStat (&stats)[kCount],
                    const char* time);

  StatRegistry* registry_;
  mutable std::mutex mutex_;  // over all that follows
  std::shared_ptr<const config::Bootstrap> config_;
  std::map<std::string, std::string> bound_;
  uint64_t generation_ = 0;
  std::map<std::string, StatWindow, std::less<>> http_;  // by stat_prefix
  std::map<std::string, StatWindow, std::less<>> tcp_;   // by stat_prefix
  std::vector<Followed> listeners_;  // in the order of the configuration, as clusters_
  std::vector<Followed> clusters_;
  std::map<std::string, StatWindow, std::less<>> plugins_;
  std::deque<Sample> samples_;
  uint64_t next_ms_ = 0;
  uint64_t ticks_ = 0;
  uint64_t number_ = 0;
};

}  // namespace weir::observe
