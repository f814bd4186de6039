#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/net/actor.h"
#include "core/net/dns/resolver.h"
#include "core/net/reactor.h"
#include "core/upstream/dns_refresh.h"
#include "core/upstream/members.h"

namespace weir::upstream {

// One name of a cluster, looked up again and again for as long as this lives. What it was found to
// stand for last is kept through every failure and every empty answer: a name without any address
// is far more often a fault of DNS than a wish to send all requests away.
class DnsTarget final : private net::Actor {
 public:
  // All must outlive it. endpoint: its index in the cluster. `done` is called after each lookup, on
  // this thread, and may not end the target.
  struct World {
    const config::Cluster* cluster;
    net::dns::Resolver* resolver;
    net::Reactor* reactor;
    base::Random* random;
  };
  struct Result {
    net::dns::Status status;
    std::string error;
  };
  DnsTarget(const World& world, uint32_t endpoint, std::function<void(const Result&)> done);
  ~DnsTarget() override;

  void Start() { LookUp(); }
  // Whether a lookup has come to its end, whatever that was.
  bool tried() const { return tried_; }
  // What was found last: of STRICT_DNS a member for each address, of LOGICAL_DNS one with all.
  const std::vector<Member>& members() const { return members_; }
  const config::Endpoint& endpoint() const { return world_.cluster->endpoints[endpoint_]; }

 private:
  struct Round;

  void OnDeadline() override { LookUp(); }
  void LookUp();
  void LookUpService(const std::shared_ptr<Round>& round);
  void LookUpAddresses(const std::shared_ptr<Round>& round, size_t at, const std::string& name);
  void Finish(Round* round);
  void Adopt(Round* round);

  World world_;
  uint32_t endpoint_;
  std::function<void(const Result&)> done_;
  DnsRefresh refresh_;
  std::vector<Member> members_;
  std::shared_ptr<Round> round_;  // the lookup under way
  bool tried_ = false;
};

}  // namespace weir::upstream
