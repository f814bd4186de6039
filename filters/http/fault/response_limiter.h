#pragma once

#include <cstdint>
#include <functional>

#include "plugins/sdk/host.h"
#include "plugins/sdk/http_stream.h"

namespace weir::filters {

// Lets the body of an answer go on at a rate: a slice of it every 50 ms. What waits is the filter's
// withheld body, so that over the buffer limit the backend is paused. One per stream.
class ResponseLimiter {
 public:
  static constexpr std::uint64_t kTickMs = 50;

  // KiB per second; at least 1. Before the head of the answer.
  // `tick` calls OnTick.
  void Start(const sdk::Host& host, std::uint64_t kbps, std::function<void()> tick);
  bool on() const { return slice_ > 0; }

  // The hooks of the answer.
  sdk::Status OnHeaders(const sdk::HttpStream& stream, bool end_stream);
  sdk::Status OnData(const sdk::HttpStream& stream, bool end_stream);
  sdk::Status OnTrailers(const sdk::HttpStream& stream);
  void OnTick(const sdk::HttpStream& stream);

 private:
  void Arm();

  sdk::Host host_;
  sdk::Timer timer_;
  std::uint64_t slice_ = 0;  // bytes; 0: off
  std::uint64_t last_ms_ = 0;
  bool armed_ = false;
  bool ended_ = false;  // the end waits behind the body
};

}  // namespace weir::filters
