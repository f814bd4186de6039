#pragma once

#include <cstdint>

#include "plugins/abi/weir.h"
#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_stream.h"

namespace weir::kit {

// One HTTP filter on one stream: made, asked hook by hook, and destroyed. A hook that the filter
// does not have lets everything go on. Config and stream outlive it.
class FakeFilter {
 public:
  FakeFilter(const weir_http_filter_api& api, const FakeConfig& config, FakeHttpStream* stream)
      : api_(api), stream_(stream->handle()) {
    self_ = api.state_size == 0 ? config.get() : state_;
    created_ = api.create == nullptr ? WEIR_OK : api.create(self_, config.get(), stream_);
  }
  ~FakeFilter() {
    if (created_ == WEIR_OK && api_.destroy != nullptr) api_.destroy(self_);
  }
  FakeFilter(const FakeFilter&) = delete;
  FakeFilter& operator=(const FakeFilter&) = delete;

  std::int32_t created() const { return created_; }
  std::int32_t RequestHeaders(bool end = false) { return Call(api_.request_headers, end); }
  std::int32_t RequestData(bool end = false) { return Call(api_.request_data, end); }
  std::int32_t RequestTrailers() { return Call(api_.request_trailers); }
  std::int32_t ResponseInterim() { return Call(api_.response_interim); }
  std::int32_t ResponseHeaders(bool end = false) { return Call(api_.response_headers, end); }
  std::int32_t ResponseData(bool end = false) { return Call(api_.response_data, end); }
  std::int32_t ResponseTrailers() { return Call(api_.response_trailers); }
  void Complete() {
    if (api_.complete != nullptr) api_.complete(self_, stream_);
  }

 private:
  std::int32_t Call(std::int32_t (*hook)(void*, weir_stream*, std::uint32_t), bool end) {
    return hook == nullptr ? WEIR_CONTINUE : hook(self_, stream_, end ? 1 : 0);
  }
  std::int32_t Call(std::int32_t (*hook)(void*, weir_stream*)) {
    return hook == nullptr ? WEIR_CONTINUE : hook(self_, stream_);
  }

  const weir_http_filter_api& api_;
  weir_stream* stream_;
  void* self_;
  std::int32_t created_;
  alignas(16) unsigned char state_[1024] = {};
};

}  // namespace weir::kit
