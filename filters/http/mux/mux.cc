#include "filters/http/mux/mux.h"

#include <new>

#include "filters/http/mux/mux_stream.h"

namespace weir::mux {

http::Terminal* Mux::Make(http::TerminalHost* host) {
  const http::Route* route = host->route();
  upstream::Pool* pool = nullptr;
  if (route != nullptr && route->forward() != nullptr) {
    const size_t index = route->forward()->cluster_index;
    if (index < pools_->size())
      pool = (*pools_)[index]->ForVersion(host->request().head().http_version);
  }
  void* memory = host->arena()->Allocate(sizeof(MuxStream), alignof(MuxStream));
  return memory == nullptr ? nullptr : new (memory) MuxStream(host, pool);
}

}  // namespace weir::mux
