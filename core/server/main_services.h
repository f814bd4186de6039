#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/http/callout_set.h"
#include "core/observe/access_log.h"
#include "core/observe/date_cache.h"
#include "core/server/wiring.h"
#include "filters/http/mux/mux.h"
#include "filters/network/http_connection_manager/hcm.h"

namespace weir::server {

// What the linked-in filters share on one worker: the pools of all clusters, the access logs, the
// dates.
class MainServices final : public WorkerServices, private net::Actor {
 public:
  MainServices(const ServerContext& context, net::WorkerContext* worker);
  ~MainServices() override;

  void Drain() override;
  void Stop() override { callouts_.Stop(); }
  void Adopt(const ServerContext& context) override;
  void ForgetEarlier() override;

  static MainServices* Of(net::WorkerContext* worker) {
    return static_cast<MainServices*>(worker->services);
  }

  const mux::Pools* pools() const { return &pools_; }
  observe::DateCache* dates() { return &dates_; }
  observe::WorkerAccessLogs* logs() { return &logs_; }
  observe::StatRegistry* registry() { return registry_; }

 private:
  // A cluster in its slot.
  struct Cluster {
    std::string fingerprint;
    std::string name;
    // What its pool refers to: the configuration, and what codecs made of it.
    std::vector<std::shared_ptr<const void>> keeps;
    std::unique_ptr<upstream::Pool> pool;  // in pools_ while it is the present one
    bool present = false;                  // in the configuration that holds now
  };

  void OnDeadline() override { SweepRetired(); }
  std::unique_ptr<upstream::Pool> MakePool(const ServerContext& context, size_t index);
  void Put(const ServerContext& context, size_t index, size_t slot);
  void Retire(size_t slot);
  void SweepRetired();
  void ReleaseAll(Cluster* cluster);

  net::WorkerContext* worker_;
  ReleaseQueue* releases_;
  base::Random random_ = base::Random::FromOs();
  observe::StatRegistry* registry_;
  observe::DateCache dates_;
  observe::WorkerAccessLogs logs_;
  mux::Pools pools_;  // by slot
  std::vector<Cluster> clusters_;
  std::vector<Cluster> retired_;  // changed or gone, until nobody uses them
  mux::Mux mux_{&pools_};         // of call-outs, which have no connection manager
  http::CalloutSet callouts_;
};

// Makes a worker's part of a connection manager out of its services. The terminal filter is made
// per connection manager.
class MainHcmMaker : public hcm::HcmWorkerMaker {
 public:
  // slots: of the configuration that it is made for.
  explicit MainHcmMaker(mux::Slots slots) : slots_(std::move(slots)) {}
  std::unique_ptr<hcm::HcmWorker> Make(std::shared_ptr<const hcm::HcmConfig> config,
                                       net::WorkerContext* worker) override;

 protected:
  virtual std::unique_ptr<http::TerminalMaker> MakeTerminals(net::WorkerContext* worker) {
    return std::make_unique<mux::Mux>(MainServices::Of(worker)->pools(), slots_);
  }

 private:
  mux::Slots slots_;
};

}  // namespace weir::server
