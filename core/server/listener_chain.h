#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/hook_time.h"
#include "core/net/address.h"
#include "core/net/connection_notes.h"
#include "core/net/worker_context.h"
#include "core/observe/stats.h"
#include "plugins/abi/weir.h"

namespace weir::server {

// The listener filters of one listener, configured. Immutable, shared by the workers.
struct ListenerFilters {
  struct Filter {
    std::string name;
    const weir_listener_filter_api* api = nullptr;
    void* config = nullptr;
    uint32_t state_offset = 0;
    observe::StatId failures;  // plugin.<plugin>.errors
    http::HookStats time;
  };

  ListenerFilters() = default;
  ~ListenerFilters();
  ListenerFilters(const ListenerFilters&) = delete;
  ListenerFilters& operator=(const ListenerFilters&) = delete;

  // Adds a filter behind the others; owns `config`.
  void Add(std::string name, const weir_listener_filter_api* api, void* config,
           observe::StatId failures, http::HookStats time = {});

  std::vector<Filter> filters;
  uint32_t state_size = 0;
  std::string listener;  // its name
};

// The table with which listener filters act on their connection.
const weir_listener_api* ListenerApi();

// The listener filters of one connection: what weir_connection stands for. No socket: it says where
// the next bytes go, and is told how many came. It holds no memory for bytes before the first ones
// are there, and at most what the present filter wants to see, and what an earlier one left.
class ListenerChain {
 public:
  enum class State : uint8_t { kMore, kDone, kClose };

  ListenerChain(const ListenerFilters* filters, observe::StatBlock* stats, const net::Address& peer,
                const net::Address& local);
  ~ListenerChain();
  ListenerChain(const ListenerChain&) = delete;
  ListenerChain& operator=(const ListenerChain&) = delete;

  // Makes the first filter, and all that want no bytes. kMore: bytes are wanted.
  State Start();
  // Room for more, after kMore; never empty.
  uint8_t* Room(size_t* size);
  // So many bytes were put there.
  State OnData(size_t size) { return Show(size, false); }
  // The peer has ended: there will be no more.
  State OnEnd() { return Show(0, true); }

  // What is left for the protocol, to be asked once: the memory, and which of its bytes.
  std::unique_ptr<uint8_t[]> TakeRest(size_t* offset, size_t* size);
  const net::Address& peer() const { return peer_; }
  const net::Address& local() const { return local_; }
  // Null: nothing was noted.
  std::unique_ptr<net::ConnectionNotes> TakeNotes() { return std::move(notes_); }

 private:
  friend struct ListenerCalls;

  const ListenerFilters::Filter& present() const { return filters_->filters[at_]; }
  void* StateOf(size_t filter) { return state_.get() + filters_->filters[filter].state_offset; }
  weir_connection* handle() { return reinterpret_cast<weir_connection*>(this); }
  net::ConnectionNotes* notes();
  State Show(size_t more, bool end);
  // The present filter, and those behind it, with what there is.
  State Run();
  State Create();
  State Data();
  // Calls a hook of the present filter, behind a barrier for exceptions.
  template <class Call>
  int32_t Enter(Call call);
  State Fail(const char* hook, int32_t status);

  const ListenerFilters* filters_;
  observe::StatBlock* stats_;
  net::Address peer_;
  net::Address local_;
  net::Address direct_;
  std::unique_ptr<net::ConnectionNotes> notes_;
  std::unique_ptr<uint8_t[]> state_;
  std::unique_ptr<uint8_t[]> bytes_;
  size_t room_ = 0;  // of bytes_
  size_t from_ = 0;  // the bytes before it are taken
  size_t to_ = 0;
  size_t at_ = 0;    // the present filter
  size_t made_ = 0;  // filters whose create has succeeded
  bool end_ = false;
  char texts_[3][net::Address::kMaxText];  // of the addresses, each in its own place
};

}  // namespace weir::server
