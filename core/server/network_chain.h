#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/http/hook_time.h"
#include "core/http/out_queue.h"
#include "core/http/slice_queue.h"
#include "core/net/worker_context.h"
#include "core/observe/stats.h"
#include "core/server/connection_facts.h"
#include "plugins/abi/weir.h"

namespace weir::server {

// The plugin filters of one filter chain, configured. Immutable, shared by the workers.
struct PluginChain {
  struct Filter {
    std::string name;
    const weir_network_filter_api* api = nullptr;
    void* config = nullptr;
    uint32_t state_offset = 0;
    observe::StatId failures;  // plugin.<plugin>.errors
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
  std::string listener;      // its name
  std::string filter_chain;  // the same
};

// The table with which network filters act on their connection.
const weir_network_api* NetworkApi();

// Runs a posted hook with the ticket's connection, on the connection's worker; with NULL when it
// has ended.
void RunPostedOnConnection(weir_ticket ticket, weir_stream_hook hook, void* user);

// The plugin filters of one connection: what weir_connection stands for. No socket: it is given
// bytes and asked what became of them. Its hooks run inside OnNewConnection, OnInput, Continue and
// OnOutputRoom only, and what they ask for is found in the accessors when these return. What a
// filter does between its hooks, from a timer or a call-out, makes the owner's deferred call. A
// hook that fails, or that an exception leaves, is counted and has the connection reset.
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
               uint32_t buffer_limit, ConnectionFacts facts);
  ~NetworkChain();
  NetworkChain(const NetworkChain&) = delete;
  NetworkChain& operator=(const NetworkChain&) = delete;

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

  ConnectionFacts* facts() { return &facts_; }
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

  // What weir_connection stands for: one for each filter, so that each has tickets of its own
  // whenever it asks.
  struct Handle {
    NetworkChain* chain;
    uint32_t filter;
  };

  weir_connection* HandleOf(size_t filter) {
    return reinterpret_cast<weir_connection*>(&handles_[filter]);
  }
  void* StateOf(size_t filter) { return state_.get() + chain_->filters[filter].state_offset; }
  // Shows the connection and what is in the input to the filters from `first` on, until one stops.
  void Iterate(size_t first);
  bool Run(Hook hook, size_t filter);
  // Calls a hook of a filter, behind a barrier for exceptions.
  template <class Call>
  int32_t Enter(size_t filter, Call call);
  void Fail(size_t filter, const char* hook, int32_t status);
  // A filter has asked for something. Between hooks nobody would look.
  void Acted() {
    if (in_hooks_ == 0) owner_->DeferContinue();
  }

  const PluginChain* chain_;
  net::WorkerContext* worker_;
  Owner* owner_;
  const uint32_t buffer_limit_;
  ConnectionFacts facts_;
  std::unique_ptr<uint8_t[]> state_;
  std::unique_ptr<Handle[]> handles_;
  http::SliceQueue input_;
  http::SliceQueue passed_;
  http::OutQueue output_;
  size_t made_ = 0;        // filters whose create has succeeded
  size_t introduced_ = 0;  // filters that had new_connection
  int in_hooks_ = 0;
  size_t resume_at_ = SIZE_MAX;
  uint64_t ticket_slot_;
  bool eof_ = false;
  bool passed_eof_ = false;
  bool wrote_end_ = false;
  bool over_limit_ = false;
  Close close_ = Close::kNo;
};

}  // namespace weir::server
