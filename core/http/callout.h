#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/arena.h"
#include "core/http/message.h"
#include "core/http/slice_queue.h"
#include "core/http/terminal.h"
#include "core/net/actor.h"
#include "plugins/abi/weir.h"

namespace weir::http {

class CalloutSet;

// One request of a plugin to a cluster: stands where a client's stream would, in front of the
// terminal filter. Lives in one slab; ends with a whole answer, a failure, its time, or Cancel, and
// retires then.
//
//   Make -> Take -> Begin -> hooks: head data* trailers? complete | Cancel
//
// No hook runs inside of Make, Take, Begin, Send or Cancel.
class Callout final : public net::Actor, public TerminalHost {
 public:
  // What may wait on its way to the backend before Send says that there is no room.
  static constexpr uint64_t kMaxWaiting = 1u << 20;
  static constexpr uint64_t kMaxBody = 16u << 20;  // of `body` in a request

  static Callout* Make(CalloutSet* set, const Route* route, const weir_callout_hooks& hooks,
                       void* user);
  ~Callout() override;
  static void operator delete(void* memory);

  // False: something in the request is not valid or too large. The call-out has not begun, and is
  // the caller's to delete.
  bool Take(const weir_callout_request& request, std::string_view cluster);
  void Begin(uint64_t timeout_ms);
  int32_t Send(std::string_view data, bool end);
  // No hook runs any more.
  void Cancel();
  // Ends it here, with its last hook.
  void End(uint32_t reason);

  // TerminalHost
  net::WorkerContext* worker() override;
  base::Arena* arena() override { return &arena_; }
  Message& request() override { return request_; }
  const Route* route() override { return route_; }
  StreamInfo& info() override { return info_; }
  void RespondInterim(const weir_head&) override {}
  void RespondHead(const weir_head& head, bool end_stream) override;
  void RespondData(base::Slice data, bool end_stream) override;
  void RespondTrailers(const weir_head& head) override;
  void RespondEnd() override;
  void RespondFailure(const LocalReply& reply) override;
  void RequestBodyTaken(uint64_t bytes) override { taken_ += bytes; }

  uint32_t slot() const { return slot_; }
  void set_slot(uint32_t slot) { slot_ = slot; }

 private:
  Callout(CalloutSet* set, const Route* route, const weir_callout_hooks& hooks, void* user,
          uint8_t* memory, size_t size);
  static void* operator new(size_t, void* at) { return at; }
  static void operator delete(void*, void*) {}

  // net::Actor
  void OnDeferred() override;
  void OnDeadline() override { End(WEIR_REASON_TIMEOUT); }

  bool TakeHead(const weir_callout_request& request, std::string_view cluster);
  void PassBody();
  void Leave(uint32_t reason);
  void GiveData(base::Slice data, bool end);
  // Runs a hook, whose exceptions stop here. False: the call-out is over.
  template <class Hook, class... Args>
  bool Run(Hook hook, Args... args);

  CalloutSet* set_;
  const Route* route_;
  weir_callout_hooks hooks_;
  void* user_;
  base::Arena arena_;
  Message request_;
  Message response_;
  SliceQueue waiting_;  // not yet given to the terminal filter
  StreamInfo info_;
  Terminal* terminal_ = nullptr;
  uint32_t slot_ = 0;
  bool streams_ = false;  // Send brings the body
  bool end_ = false;      // of the request's body: it is in waiting_, or went by
  bool end_passed_ = false;
  bool done_ = false;
  uint64_t max_body_ = 0;
  uint64_t received_ = 0;
  uint64_t passed_ = 0;  // to the terminal filter
  uint64_t taken_ = 0;   // from there to a backend
};

}  // namespace weir::http
