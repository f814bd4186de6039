#include "filters/network/http_connection_manager/stream.h"

namespace weir::hcm {

// A logger sees the stream as a filter does whose time to change it is over.
void Stream::LogByPlugins() {
  http::FilterSlot slot{};
  slot.chain = &chain_;
  hcm_->config->loggers.Log(reinterpret_cast<weir_stream*>(&slot));
}

}  // namespace weir::hcm
