#include "core/server/cluster_dns.h"

#include <algorithm>
#include <utility>

#include "core/base/log.h"
#include "core/config/loader.h"
#include "core/net/dns/cares_resolver.h"
#include "core/server/address_of.h"

namespace weir::server {
namespace {

constexpr uint64_t kLookMs = 20;

// Only wakes the loop.
class Alarm final : public net::Actor {};

// What the lookups of a cluster depend on, and nothing else of it.
std::string KeyOf(const config::Cluster& cluster) {
  config::Cluster part;
  part.name = cluster.name;
  part.type = cluster.type;
  part.dns_refresh_rate = cluster.dns_refresh_rate;
  part.dns_failure_base = cluster.dns_failure_base;
  part.dns_failure_max = cluster.dns_failure_max;
  part.respect_dns_ttl = cluster.respect_dns_ttl;
  part.dns_min_refresh_rate = cluster.dns_min_refresh_rate;
  part.dns_jitter = cluster.dns_jitter;
  part.dns_lookup_family = cluster.dns_lookup_family;
  part.max_dns_hosts = cluster.max_dns_hosts;
  part.dns_resolver = cluster.dns_resolver;
  part.endpoints = cluster.endpoints;
  config::Bootstrap bootstrap;
  bootstrap.clusters.push_back(std::move(part));
  return config::Expand(bootstrap);
}

bool SameEndpoints(const config::Cluster& a, const config::Cluster& b) {
  return a.type == b.type &&
         std::equal(a.endpoints.begin(), a.endpoints.end(), b.endpoints.begin(), b.endpoints.end(),
                    [](const config::Endpoint& x, const config::Endpoint& y) {
                      return x.lookup == y.lookup && x.address == y.address &&
                             x.hostname == y.hostname && x.service == y.service;
                    });
}

}  // namespace

std::shared_ptr<const ClusterMembers> ClusterDns::Plan(const config::Bootstrap& bootstrap) {
  auto all = std::make_shared<ClusterMembers>();
  for (const config::Cluster& cluster : bootstrap.clusters) {
    all->push_back(cluster.type == config::ClusterType::kStatic ? nullptr : Find(cluster));
  }
  Sweep();
  return all;
}

std::shared_ptr<upstream::Members> ClusterDns::Find(const config::Cluster& cluster) {
  std::string key = KeyOf(cluster);
  for (const auto& entry : entries_) {
    if (entry->key == key) return entry->members;
  }
  auto entry = std::make_unique<Entry>();
  entry->key = std::move(key);
  entry->config = std::make_unique<const config::Cluster>(cluster);
  entry->members = std::make_shared<upstream::Members>(FirstList(cluster));
  Run(entry.get());
  entries_.push_back(std::move(entry));
  return entries_.back()->members;
}

// A cluster that is looked up in another way from now on is not empty meanwhile.
upstream::MemberList ClusterDns::FirstList(const config::Cluster& cluster) const {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    const config::Cluster& other = *(*entry)->config;
    if (other.name == cluster.name && SameEndpoints(other, cluster))
      return *(*entry)->members->list();
  }
  upstream::MemberList list = upstream::ConfiguredMembers(cluster);
  list.by_endpoint = cluster.type == config::ClusterType::kLogicalDns;
  return list;
}

void ClusterDns::Run(Entry* entry) {
  if (loop_ == nullptr) return;
  const config::Cluster& cluster = *entry->config;
  entry->running = std::make_unique<upstream::DnsCluster>(
      &cluster, entry->members,
      upstream::DnsStats::Bind(stats_, stats_->main_block(), cluster.name),
      upstream::DnsCluster::World{ResolverOf(cluster.dns_resolver.value_or(config::DnsResolver())),
                                  loop_->reactor(), &random_});
}

net::dns::Resolver* ClusterDns::ResolverOf(const config::DnsResolver& options) {
  net::dns::ResolverOptions made;
  std::string key;
  for (const config::Address& server : options.servers) {
    made.servers.push_back(AddressOf(server));
    key += server.ToString() + " ";
  }
  made.use_tcp = options.use_tcp;
  made.no_search_domain = options.no_search_domain;
  made.timeout_ms = options.query_timeout_s * 1000;
  made.tries = options.query_tries;
  key += std::to_string(made.use_tcp) + std::to_string(made.no_search_domain) + " " +
         std::to_string(made.timeout_ms) + " " + std::to_string(made.tries);
  std::unique_ptr<net::dns::Resolver>& resolver = resolvers_[key];
  if (resolver == nullptr)
    resolver = std::make_unique<net::dns::CaresResolver>(loop_, std::move(made));
  return resolver.get();
}

void ClusterDns::Start(net::EventLoop* loop) {
  loop_ = loop;
  for (const auto& entry : entries_) Run(entry.get());
}

void ClusterDns::Stop() {
  if (loop_ != nullptr) loop_->reactor()->SetDeadline(&waiter_, 0);
  when_warm_ = nullptr;
  // Names first: they wait for answers.
  for (const auto& entry : entries_) entry->running.reset();
  resolvers_.clear();
  loop_ = nullptr;
}

// Whoever follows has a part in the members.
void ClusterDns::Sweep() {
  const auto unused = [](const std::unique_ptr<Entry>& entry) {
    return entry->members.use_count() == 1;
  };
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), unused), entries_.end());
}

bool ClusterDns::warm() const {
  return std::all_of(entries_.begin(), entries_.end(), [](const std::unique_ptr<Entry>& entry) {
    return !entry->config->wait_for_warm_on_init || entry->running == nullptr ||
           entry->running->warm();
  });
}

void ClusterDns::WarmUp(std::chrono::milliseconds most, const std::function<bool()>& go_on) {
  Alarm alarm;
  const uint64_t until = net::EventLoop::MonotonicMs() + static_cast<uint64_t>(most.count());
  loop_->reactor()->SetDeadline(&alarm, until);
  while (!warm() && go_on() && net::EventLoop::MonotonicMs() < until) loop_->Turn(true);
  loop_->reactor()->SetDeadline(&alarm, 0);
  NameThoseThatAreLate();
}

void ClusterDns::WhenWarm(std::chrono::milliseconds most, std::function<void()> done) {
  when_warm_ = std::move(done);
  wait_until_ms_ = net::EventLoop::MonotonicMs() + static_cast<uint64_t>(most.count());
  Look();
}

void ClusterDns::Look() {
  if (!warm() && net::EventLoop::MonotonicMs() < wait_until_ms_) {
    loop_->reactor()->SetDeadline(&waiter_, loop_->now_ms() + kLookMs);
    return;
  }
  NameThoseThatAreLate();
  std::exchange(when_warm_, nullptr)();
}

void ClusterDns::NameThoseThatAreLate() {
  for (const auto& entry : entries_) {
    if (entry->running == nullptr || !entry->config->wait_for_warm_on_init ||
        entry->running->warm())
      continue;
    entry->running->stats().warm_timeout->Add();
    WEIR_LOG(kWarn, "cluster %s: no answer of DNS yet; listeners do not wait any longer",
             entry->config->name.c_str());
  }
}

}  // namespace weir::server
