#pragma once

#include <memory>

#include "core/http/callout_set.h"
#include "core/observe/access_log.h"
#include "core/observe/date_cache.h"
#include "core/server/wiring.h"
#include "filters/http/mux/mux.h"
#include "filters/network/http_connection_manager/hcm.h"

namespace weir::server {

// What the linked-in filters share on one worker: the pools of all clusters, the access logs, the
// dates.
class MainServices final : public WorkerServices {
 public:
  MainServices(const ServerContext& context, net::WorkerContext* worker);
  ~MainServices() override;

  void Drain() override;
  void Stop() override { callouts_.Stop(); }

  static MainServices* Of(net::WorkerContext* worker) {
    return static_cast<MainServices*>(worker->services);
  }

  const mux::Pools* pools() const { return &pools_; }
  observe::DateCache* dates() { return &dates_; }
  observe::WorkerAccessLogs* logs() { return &logs_; }
  observe::StatRegistry* registry() { return registry_; }

 private:
  base::Random random_ = base::Random::FromOs();
  observe::StatRegistry* registry_;
  observe::DateCache dates_;
  observe::WorkerAccessLogs logs_;
  mux::Pools pools_;
  mux::Mux mux_{&pools_};  // of call-outs, which have no connection manager
  http::CalloutSet callouts_;
};

// Makes a worker's part of a connection manager out of its services. The terminal filter is made
// per connection manager.
class MainHcmMaker : public hcm::HcmWorkerMaker {
 public:
  std::unique_ptr<hcm::HcmWorker> Make(std::shared_ptr<const hcm::HcmConfig> config,
                                       net::WorkerContext* worker) override;

 protected:
  virtual std::unique_ptr<http::TerminalMaker> MakeTerminals(net::WorkerContext* worker) {
    return std::make_unique<mux::Mux>(MainServices::Of(worker)->pools());
  }
};

}  // namespace weir::server
