#pragma once

#include <memory>
#include <string>

#include "codecs/h2/options.h"
#include "core/base/random.h"
#include "core/base/slab.h"
#include "core/config/config.h"
#include "core/net/network_filter.h"
#include "core/net/tls/tls_worker.h"
#include "core/net/worker_context.h"
#include "core/observe/date_cache.h"
#include "core/observe/stats.h"
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
  // Frees what a sleeping worker frees.
  void Sleep() { receive_.Drop(); }
  uint32_t downstream_open() const { return home_.open(); }
  uint32_t upstream_open() const;
  // What is left that should not be, one after the other; empty: nothing.
  std::string Leftovers() const;
  uint64_t Stat(const std::string& name) const;

 private:
  class Home final : public net::ConnectionHome {
    void OnPlaceFreed() override {}
  };
  class Maker;

  base::SlabPool pool_;  // before the reactor: what dies with it may hold slabs
  net::Reactor reactor_;
  net::ReceiveBuffer receive_{&pool_};
  observe::StatRegistry registry_;
  observe::DateCache dates_;
  h2::Options h2_options_;                    // connections look at it to their end
  std::unique_ptr<net::tls::TlsWorker> tls_;  // null: a run without TLS
  mux::Pools pools_;
  net::WorkerContext context_;
  std::shared_ptr<const config::Bootstrap> bootstrap_;
  Home home_;
  std::unique_ptr<net::TerminalFactory> factory_;
  std::unique_ptr<net::TerminalFilter> terminal_;
};

}  // namespace weir::sim
