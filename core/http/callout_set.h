#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/http/route/route_table.h"
#include "core/http/terminal.h"
#include "core/net/worker_context.h"
#include "core/observe/stats.h"
#include "plugins/abi/weir.h"

namespace weir::http {

class Callout;

// The call-outs of one worker, to the clusters of one configuration. A plugin's weir_callout is a
// number that is checked with every call: one that is over does nothing.
//
// Counters callout.total, .timeout, .failed (every other end without a whole answer, cancelled ones
// apart), .refused (not begun), .threw (an exception left a hook); gauge callout.active.
class CalloutSet {
 public:
  static constexpr uint32_t kMaxCallouts = 1024;

  // `maker` makes what finds the backends; both must outlive the set. The calling thread's
  // call-outs are this set's from now on.
  CalloutSet(net::WorkerContext* worker, TerminalMaker* maker, observe::StatRegistry* registry,
             const std::vector<config::Cluster>& clusters);
  ~CalloutSet();
  CalloutSet(const CalloutSet&) = delete;
  CalloutSet& operator=(const CalloutSet&) = delete;

  // The calling thread's; null on a thread that has none.
  static CalloutSet* Current();

  // A cluster that is there from now on, for whose routes `maker` knows it by this index.
  void AddCluster(const config::Cluster& cluster, size_t index);

  // See weir_callout_api.
  weir_callout* Start(const weir_callout_request* request, const weir_callout_hooks* hooks,
                      void* user);
  int32_t Send(weir_callout* handle, weir_view data, bool end);
  void Cancel(weir_callout* handle);
  // The worker stops: every call-out gets its last hook (WEIR_REASON_CANCEL), and none begins.
  void Stop();

  // For call-outs.
  net::WorkerContext* worker() const { return worker_; }
  TerminalMaker* maker() const { return maker_; }
  void Remove(Callout* callout, uint32_t reason);
  // An exception has left this hook of a call-out: counted, and in the log.
  void CountThrown(const void* hook);

 private:
  struct Place {
    Callout* callout = nullptr;
    uint64_t generation = 0;
  };

  const Route* RouteTo(std::string_view cluster) const;
  weir_callout* HandleOf(uint32_t slot) const;
  Callout* Find(weir_callout* handle) const;
  weir_callout* Add(Callout* callout);

  net::WorkerContext* worker_;
  TerminalMaker* maker_;
  // A table of one route for each cluster: call-outs know no route, and the terminal filter nothing
  // else.
  std::map<std::string, std::unique_ptr<const RouteTable>, std::less<>> routes_;
  std::vector<Place> places_;
  std::vector<uint32_t> free_;
  bool stopped_ = false;
  observe::Cell* total_;
  observe::Cell* active_;
  observe::Cell* timeout_;
  observe::Cell* failed_;
  observe::Cell* refused_;
  observe::Cell* threw_;
};

// What plugins get.
const weir_callout_api* CalloutHostTable();

}  // namespace weir::http
