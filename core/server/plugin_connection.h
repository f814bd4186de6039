#pragma once

#include "core/net/network_filter.h"
#include "core/server/network_chain.h"

namespace weir::server {

// Reads up to 256 KiB from `io` into `chain` while there is more and it wants more, and runs its
// filters. *eof rises with the peer's FIN. Returns false when the connection has failed.
bool PullInput(net::Io* io, net::WorkerContext* worker, NetworkChain* chain, bool* eof);

// Reads and drops up to as much. Returns false when the peer has ended or the connection has
// failed.
bool DiscardInput(net::Io* io, net::WorkerContext* worker);

// How long a peer may take to end its half after we have ended ours: closing at once, with bytes of
// the peer unread, would turn our last bytes into a reset.
inline constexpr uint64_t kLingerMs = 1000;

// A connection whose last filter is a plugin: all of it happens in the chain's hooks.
class PluginConnection final : public net::ServedConnection, private NetworkChain::Owner {
 public:
  PluginConnection(net::AcceptedConnection&& accepted, net::WorkerContext* worker,
                   const PluginChain* chain);

  // Tells the filters of the connection. Once, right after it was made.
  void Start();
  void OnIo(bool readable, bool writable) override;
  // Only the filters know what was begun: those who want to hear of it do, and the connection goes
  // on until one side ends it, or the drain time does.
  void Drain() override;

 private:
  void OnRead() override { Pump(); }
  void OnFlush() override;
  void OnDeferred() override;
  void OnDeadline() override;
  void DeferContinue() override;
  void Pump();
  void Discard();
  void Settle();
  void End(bool abort);

  NetworkChain chain_;
  bool eof_ = false;
  bool fin_sent_ = false;
  bool lingering_ = false;
};

}  // namespace weir::server
