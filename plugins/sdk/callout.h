#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/abi/weir.h"
#include "plugins/sdk/host.h"

namespace weir::sdk {

// A request to a cluster. Everything is copied when the call-out starts.
struct CalloutRequest {
  std::string_view cluster;
  std::string_view method = "GET";
  std::string_view authority = {};  // empty: the cluster's name
  std::string_view path = "/";
  std::vector<std::pair<std::string_view, std::string_view>> fields = {};
  std::string_view body = {};
  std::uint32_t timeout_ms = 0;      // 0: 15,000
  std::uint64_t max_body_bytes = 0;  // 0: 1 MiB
};

struct CalloutResponse {
  std::uint32_t reason = WEIR_REASON_NONE;  // not NONE: there is no whole answer
  std::uint32_t status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  bool ok() const { return reason == WEIR_REASON_NONE; }
  // The first value of a lower-case name; empty when there is none.
  std::string_view Get(std::string_view name) const {
    for (const auto& [key, value] : fields) {
      if (key == name) return value;
    }
    return {};
  }
};

// One call-out whose answer is wanted whole. Destroyed, it is cancelled: keep it in the filter, and
// it cannot outlive the stream. `done` runs once, on the worker, never from inside of Start.
class Callout {
 public:
  using Done = std::function<void(CalloutResponse&&)>;

  Callout() = default;
  Callout(const Callout&) = delete;
  Callout& operator=(const Callout&) = delete;
  ~Callout() { Cancel(); }

  // False: no such cluster, a bad field, or too many call-outs; `done` does not run.
  bool Start(const Host& host, const CalloutRequest& request, Done done) {
    Cancel();
    const weir_host* const abi = host.abi();
    if (!WEIR_HAS(abi, callout) || abi->callout == nullptr) return false;
    auto state = std::make_unique<State>();
    state->host = host;
    state->done = std::move(done);
    std::vector<weir_field> fields(request.fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!MakeField(request.fields[i].first, request.fields[i].second, &fields[i])) return false;
    }
    weir_callout_request raw{};
    raw.struct_size = sizeof raw;
    raw.cluster = View(request.cluster);
    raw.method = View(request.method);
    raw.authority = View(request.authority);
    raw.path = View(request.path);
    raw.fields = fields.data();
    raw.field_count = static_cast<std::uint32_t>(fields.size());
    raw.timeout_ms = request.timeout_ms;
    raw.body = View(request.body);
    raw.max_body_bytes = request.max_body_bytes;
    static const weir_callout_hooks kHooks = Hooks();
    state->callout = abi->callout->start(&raw, &kHooks, state.get());
    if (state->callout == nullptr) return false;
    state_ = std::move(state);
    state_->owner = &state_;
    return true;
  }
  bool running() const { return state_ != nullptr; }
  void Cancel() {
    if (state_ != nullptr) state_->host.abi()->callout->cancel(state_->callout);
    state_.reset();
  }

 private:
  struct State {
    Host host;
    Done done;
    weir_callout* callout = nullptr;
    std::unique_ptr<State>* owner = nullptr;
    CalloutResponse response;
  };

  // Memory may run out. An answer of which a part is missing is none.
  template <typename Call>
  static void Keep(State* state, Call&& call) {
    const bool kept = Barrier(state->host.abi(), state->host.name(), "a call-out", false, [&] {
      call();
      return true;
    });
    if (!kept) state->response.reason = WEIR_REASON_INTERNAL;
  }
  static void OnHead(void* user, const weir_head* head, std::uint32_t) {
    auto* const state = static_cast<State*>(user);
    Keep(state, [&] {
      state->response.status = head->status;
      for (std::uint32_t i = 0; i < head->field_count; ++i) {
        const weir_field& field = head->fields[i];
        if ((field.flags & WEIR_FIELD_REMOVED) != 0) continue;
        state->response.fields.emplace_back(std::string(field.name, field.name_size),
                                            std::string(field.value, field.value_size));
      }
    });
  }
  static void OnData(void* user, weir_view data, std::uint32_t) {
    auto* const state = static_cast<State*>(user);
    Keep(state, [&] { state->response.body.append(Text(data)); });
  }
  static void OnComplete(void* user, std::uint32_t reason) {
    // Taken from its owner first: `done` may start another one in the same place, or destroy it.
    const std::unique_ptr<State> state = std::move(*static_cast<State*>(user)->owner);
    if (reason != WEIR_REASON_NONE) state->response.reason = reason;
    VoidBarrier(state->host.abi(), state->host.name(), "a call-out",
                [&] { state->done(std::move(state->response)); });
  }
  static weir_callout_hooks Hooks() {
    weir_callout_hooks hooks{};
    hooks.struct_size = sizeof hooks;
    hooks.head = OnHead;
    hooks.data = OnData;
    hooks.complete = OnComplete;
    return hooks;
  }

  std::unique_ptr<State> state_;
};

}  // namespace weir::sdk
