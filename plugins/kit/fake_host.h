#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/abi/weir.h"

namespace weir::kit {

// One call-out that a plugin started; the test plays the cluster.
struct FakeCallout {
  std::string cluster, method, scheme, authority, path, body;
  std::vector<std::pair<std::string, std::string>> fields;
  std::uint32_t timeout_ms = 0;
  std::uint64_t max_body_bytes = 0;
  bool streams = false;  // the body comes by `send`
  bool body_ended = true;
  bool over = false;  // completed or cancelled
  bool cancelled = false;
  weir_callout_hooks hooks{};
  void* user = nullptr;

  std::string Field(std::string_view name) const;  // empty when there is none
  // Completes it with an answer, its body in pieces; or without one. Once.
  void Answer(std::uint32_t status,
              const std::vector<std::pair<std::string, std::string>>& fields = {},
              std::string_view body = {});
  void Fail(std::uint32_t reason);
  // The head and some of the body come, and then nothing more.
  void Cut(std::uint32_t status, std::string_view body);
};

// What a worker of the fake host has: a clock that stands until it is moved, queues that run when
// told. Each thread that asks for it has its own, and is worker 0 until it says otherwise; Clear it
// between tests. What is posted to a worker is run by the thread that is that worker.
struct FakeWorld {
  std::uint64_t now_ms = 1'000'000;
  std::int64_t unix_ms = 1'700'000'000'000;
  std::uint32_t workers = 1;
  std::uint32_t worker = 0;  // what this thread is
  bool validating = false;
  bool full = false;  // post, offload, timers, call-outs and kv have no room

  std::vector<std::pair<std::uint32_t, std::string>> log;  // level, "plugin: message"
  std::map<std::string, std::uint64_t> counters;
  std::map<std::string, std::int64_t> gauges;
  std::map<std::string, std::vector<std::uint64_t>> histograms;
  std::vector<std::unique_ptr<FakeCallout>> callouts;  // in the order of their start

  // Moves both clocks on, and fires what is due in its order.
  void Advance(std::uint64_t ms);
  // Runs what was posted or offloaded until nothing is left; how many ran.
  std::size_t RunPosted();
  // Timers that are not freed.
  std::size_t timers() const;
  // The last call-out started; null when there is none.
  FakeCallout* callout() { return callouts.empty() ? nullptr : callouts.back().get(); }
  void Clear();
};

FakeWorld& World();

// A host whose configuration nodes are the product's own.
const weir_host* FakeHost();

}  // namespace weir::kit
