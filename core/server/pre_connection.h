#pragma once

#include <cstdint>

#include "core/net/network_filter.h"
#include "core/observe/stat_names.h"
#include "core/server/listener_chain.h"

namespace weir::server {

// What the connections of one listener share on one worker, as long as its filters look at them.
struct PreConnections {
  net::WorkerContext* worker = nullptr;
  const ListenerFilters* filters = nullptr;
  net::TerminalFilter* next = nullptr;
  uint64_t timeout_ms = 0;  // 0: none
  bool continue_on_timeout = false;
  observe::Cell* active = nullptr;     // listener.<name>.downstream_pre_cx_active
  observe::Cell* timed_out = nullptr;  // listener.<name>.downstream_pre_cx_timeout
};

// A connection whose listener filters look at its first bytes.
//
//   looking --all are done--> given to the filter chain, its TLS first
//      |----listener_filters_timeout--> closed, or given to the chain as it is
//      '----a filter closes it or fails, the peer is gone--> closed
class PreConnection final : public net::ServedConnection {
 public:
  PreConnection(net::AcceptedConnection&& accepted, const PreConnections* shared);
  ~PreConnection() override;

  // Once, right after it was made. It owns itself: Reactor::Retire ends it.
  void Start();
  // The filters that take it look for themselves; who says nothing has listener_filters_timeout.
  void Describe(net::ConnectionReport* report) override;
  void Drain() override {}

 private:
  void OnIo(bool readable, bool writable) override;
  void OnRead() override { Pump(); }
  // Whoever serves it may drop it, which must not happen inside a call of its own Io.
  void OnDeferred() override { Pump(); }
  void OnDeadline() override;
  void Pump();
  void Settle(ListenerChain::State state);
  void Pass();

  const PreConnections* shared_;
  ListenerChain chain_;
  bool waited_ = false;  // we have been the Io's client
  bool eof_ = false;
};

}  // namespace weir::server
