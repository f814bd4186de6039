#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/config/config.h"
#include "core/net/dns/resolver.h"
#include "core/net/event_loop.h"
#include "core/observe/stats.h"
#include "core/upstream/dns_cluster.h"
#include "core/upstream/members.h"

namespace weir::server {

// The members of the clusters of one configuration, by their index; null where they never change.
using ClusterMembers = std::vector<std::shared_ptr<upstream::Members>>;

// Looks up the names of all clusters, on the main thread. A cluster that another configuration has
// too goes on with what is known; one that nobody uses any more is let go.
class ClusterDns {
 public:
  explicit ClusterDns(observe::StatRegistry* stats) : stats_(stats) {}
  ~ClusterDns() { Stop(); }
  ClusterDns(const ClusterDns&) = delete;
  ClusterDns& operator=(const ClusterDns&) = delete;

  // For a configuration that is about to be served. After Start its names are looked up at once.
  std::shared_ptr<const ClusterMembers> Plan(const config::Bootstrap& bootstrap);
  // Looks names up on this loop, which must live until Stop.
  void Start(net::EventLoop* loop);
  void Stop();

  // Every cluster that listeners wait for has had its first answer, whatever that was.
  bool warm() const;
  // Turns the loop until that is so, for at most `most`, and as long as go_on says so. Clusters
  // that are late are counted and named in the log.
  void WarmUp(std::chrono::milliseconds most, const std::function<bool()>& go_on);
  // The same while the loop runs already: calls `done`, during this call or later, unless Stop
  // comes first. One at a time.
  void WhenWarm(std::chrono::milliseconds most, std::function<void()> done);

  // How many clusters are looked after.
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::unique_ptr<const config::Cluster> config;
    std::shared_ptr<upstream::Members> members;
    std::unique_ptr<upstream::DnsCluster> running;
  };

  // Looks now and then whether all is warm.
  class Waiter final : public net::Actor {
   public:
    explicit Waiter(ClusterDns* dns) : dns_(dns) {}
    void OnDeadline() override { dns_->Look(); }

   private:
    ClusterDns* dns_;
  };

  void Look();
  void NameThoseThatAreLate();
  std::shared_ptr<upstream::Members> Find(const config::Cluster& cluster);
  upstream::MemberList FirstList(const config::Cluster& cluster) const;
  void Run(Entry* entry);
  net::dns::Resolver* ResolverOf(const config::DnsResolver& options);
  void Sweep();

  observe::StatRegistry* stats_;
  net::EventLoop* loop_ = nullptr;
  base::Random random_ = base::Random::FromOs();
  std::map<std::string, std::unique_ptr<net::dns::Resolver>> resolvers_;  // by their options
  std::vector<std::unique_ptr<Entry>> entries_;
  Waiter waiter_{this};
  uint64_t wait_until_ms_ = 0;
  std::function<void()> when_warm_;
};

}  // namespace weir::server
