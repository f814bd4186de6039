#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "codecs/h2/options.h"
#include "core/base/random.h"
#include "core/base/slab.h"
#include "core/config/config.h"
#include "core/net/network_filter.h"
#include "core/net/tls/tls_worker.h"
#include "core/net/worker_context.h"
#include "core/observe/date_cache.h"
#include "core/observe/stats.h"
#include "core/server/wiring.h"
#include "core/upstream/members.h"
#include "filters/http/mux/mux.h"
#include "filters/network/http_connection_manager/hcm.h"
#include "tests/simulation/variation.h"
#include "tests/support/sim_net.h"

namespace weir::sim {

// The worker under test, wired as the program wires it, without its loop, its sockets and its log.
class Worker {
 public:
  Worker(const Variation& variation, test::SimNet* net, base::Random* random, uint64_t now_ms);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  net::Reactor* reactor() { return &reactor_; }
  base::SlabPool* pool() { return &pool_; }
  void Accept(std::unique_ptr<net::Io> io);
  // What core/server's worker does when it drains.
  void Drain();
  // What core/server's worker and main_services do with another configuration. A worker that drains
  // stays with what it has.
  void Adopt(const Setting& next);
  // These are the endpoints of a present cluster: as the program's resolver says it, from another
  // thread. It holds from the next RunPosted on.
  void Publish(uint32_t cluster, upstream::MemberList members);
  // What was posted to the worker's loop. Before a turn.
  void RunPosted();
  // Frees what a sleeping worker frees.
  void Sleep() { receive_.Drop(); }
  uint32_t downstream_open() const;
  uint32_t upstream_open() const;
  // What new connections begin with: the number of the setting that last changed the listener.
  const Setting& serving() const { return served_->setting; }
  // It has a reason to connect there: a present cluster's endpoint, or one of a replaced cluster
  // that somebody still uses.
  bool MayDial(uint16_t port) const;
  // A present cluster's endpoint.
  bool Has(uint16_t port) const;
  // Listeners and clusters that were replaced and are not free yet.
  size_t earlier() const { return leaving_.size() + retired_.size(); }
  // What is left that should not be, one after the other; empty: nothing.
  std::string Leftovers() const;
  uint64_t Stat(const std::string& name) const;

 private:
  // What one configuration says of the listener, and the connections that began with it.
  struct Served final : public net::ConnectionHome {
    explicit Served(Worker* its_worker) : worker(its_worker) {}
    ~Served() override;
    void OnPlaceFreed() override;

    Worker* worker;
    Setting setting;
    std::shared_ptr<const config::Bootstrap> bootstrap;
    std::unique_ptr<net::TerminalFactory> factory;
    std::unique_ptr<net::TerminalFilter> terminal;
  };
  struct Cluster {
    bool present = false;
    uint32_t version = 0;
    std::shared_ptr<const config::Bootstrap> bootstrap;
    std::shared_ptr<const server::ClusterTls> tls;
    std::shared_ptr<upstream::Members> members;
    std::unique_ptr<upstream::Pool> pool;  // of a retired one
  };
  class Maker;

  std::unique_ptr<Served> MakeServed(const server::ServerContext& server, const Setting& setting);
  std::unique_ptr<upstream::Pool> MakePool(const server::ServerContext& server, size_t index,
                                           Cluster* cluster);
  void Take(const Setting& setting);
  void AdoptClusters(const server::ServerContext& server, const Setting& setting);
  void Retire(uint32_t slot);
  void Sweep();
  static bool Shows(const Cluster& cluster, uint16_t port);
  std::string OldThings() const;

  const Variation variation_;
  test::SimNet* net_;
  base::SlabPool pool_;  // before the reactor: what dies with it may hold slabs
  net::Reactor reactor_;
  net::ReceiveBuffer receive_{&pool_};
  observe::StatRegistry registry_;
  observe::DateCache dates_;
  h2::Options h2_options_;                    // connections look at it to their end
  std::unique_ptr<net::tls::TlsWorker> tls_;  // null: a run without TLS
  mux::Pools pools_;                          // by slot
  std::vector<Cluster> clusters_;             // the same
  std::vector<Cluster> retired_;
  net::WorkerContext context_;
  std::vector<std::function<void()>> posted_;
  bool sweeping_ = false;
  std::vector<std::weak_ptr<const config::Bootstrap>> bootstraps_;
  std::vector<std::weak_ptr<const hcm::HcmConfig>> managers_;
  std::unique_ptr<Served> served_;
  std::vector<std::unique_ptr<Served>> leaving_;
};

}  // namespace weir::sim
