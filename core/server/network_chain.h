#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/http/hook_time.h"
#include "core/http/out_queue.h"
#include "core/http/slice_queue.h"
#include "core/net/address.h"
#include "core/net/connection_notes.h"
#include "core/net/tls_session.h"
#include "core/net/worker_context.h"
#include "core/observe/stats.h"
#include "plugins/abi/weir.h"

namespace weir::server {

// The plugin filters of one filter chain, configured. Immutable, shared by the workers.
struct PluginChain {
  struct Filter {
    std::string name;
    const weir_network_filter_api* api = nullptr;
    void* config = nullptr;
    uint32_t state_offset = 0;
    observe::StatId failures;  // plugin.<name>.failures
    http::HookStats time;
  };

  PluginChain() = default;
  ~PluginChain();
  PluginChain(const PluginChain&) = delete;
  PluginChain& operator=(const PluginChain&) = delete;

  // Adds a filter behind the others; owns `config`.
  void Add(std::string name, const weir_network_filter_api* api, void* config,
           observe::StatId failures, http::HookStats time = {});

  std::vector<Filter> filters;
  uint32_t state_size = 0;
};

// The table with which network filters act on their connection.
const weir_network_api* NetworkApi();

// Runs a posted hook with the ticket's connection, on the connection's worker; with NULL when it
// has ended.
void RunPostedOnConnection(weir_ticket ticket, weir_stream_hook hook, void* user);

// The plugin filters of one connection: what weir_connection stands for. No socket: it is given
// bytes and asked what became of them. Its hooks run inside OnNewConnection, OnInput, Continue and
// OnOutputRoom only, and what they ask for is found in the accessors when these return.
class NetworkChain {
 public:
  enum class Close : uint8_t { kNo, kFlush, kReset };

  // Somebody whose deferred call leads to Continue().
  class Owner {
   public:
    virtual void DeferContinue() = 0;

   protected:
    ~Owner() = default;
  };

  NetworkChain(const PluginChain* chain, net::WorkerContext* worker, Owner* owner,
               uint32_t buffer_limit, const net::Address& peer, const net::Address& local);
  ~NetworkChain();
  NetworkChain(const NetworkChain&) = delete;
  NetworkChain& operator=(const NetworkChain&) = delete;

  // What else is known of the connection; both may be null, and must outlive the chain. Before
  // OnNewConnection.
  void SetFacts(const net::ConnectionNotes* notes, const net::TlsSession* tls) {
    notes_ = notes;
    tls_ = tls;
  }
  // The worker drains: those who have the hook hear of it. What they ask for is found as after any
  // other.
  void OnDrain();

  // Makes the filters and tells them of the connection. A failure shows as close() == kReset.
  void OnNewConnection();
  // There are new bytes in input(), or the peer's FIN.
  void OnInput(bool eof);
  // After Owner::DeferContinue.
  void Continue();
  // Bytes of output() were written.
  void OnOutputRoom();

  // Received, and not yet taken by a filter or passed on.
  http::SliceQueue* input() { return &input_; }
  // What the filters wrote, towards the client.
  http::OutQueue* output() { return &output_; }
  // What all filters let go on, for the terminal filter; and whether the FIN follows it.
  http::SliceQueue* passed() { return &passed_; }
  bool has_passed() const { return passed_eof_ || !passed_.empty(); }
  bool passed_eof() const { return passed_eof_; }
  bool wants_input() const { return input_.bytes() + passed_.bytes() < buffer_limit_; }
  Close close() const { return close_; }
  // A filter ended our half: a FIN follows the output.
  bool wrote_end() const { return wrote_end_; }

 private:
  friend struct NetworkCalls;

  enum class Hook : uint8_t { kNewConnection, kData };

  void* StateOf(size_t filter) { return state_.get() + chain_->filters[filter].state_offset; }
  const net::Address& direct() const;
  // Shows the connection and what is in the input to the filters from `first` on, until one stops.
  void Iterate(size_t first);
  bool Run(Hook hook, size_t filter);
  void Fail(size_t filter);

  const PluginChain* chain_;
  net::WorkerContext* worker_;
  Owner* owner_;
  const uint32_t buffer_limit_;
  net::Address peer_;
  net::Address local_;
  std::unique_ptr<uint8_t[]> state_;
  http::SliceQueue input_;
  http::SliceQueue passed_;
  http::OutQueue output_;
  size_t made_ = 0;        // filters whose create has succeeded
  size_t introduced_ = 0;  // filters that had new_connection
  size_t running_ = 0;     // the filter whose hook runs
  size_t resume_at_ = SIZE_MAX;
  uint64_t ticket_slot_;
  bool eof_ = false;
  bool passed_eof_ = false;
  bool wrote_end_ = false;
  bool over_limit_ = false;
  Close close_ = Close::kNo;
  const net::ConnectionNotes* notes_ = nullptr;
  const net::TlsSession* tls_ = nullptr;
  int64_t start_unix_us_;
  std::string subject_;  // made when it is asked for
  char text_[net::Address::kMaxText];
};

}  // namespace weir::server
