#include "filters/http/mux/attachment.h"

#include <utility>

namespace weir::mux {

bool Attachment::Attach(upstream::ClientConnection* connection, upstream::Host* host) {
  if (!connection->OpenStream(this)) return false;
  connection_ = connection;
  host_ = host;
  bytes_before_ = connection->bytes_sent();
  received_before_ = connection->bytes_received();
  ++host->active_requests;
  ++host->totals.requests;
  return true;
}

void Attachment::Detach(uint32_t reason) {
  if (connection_ == nullptr) return;
  const bool clean = received_all() && sent_all();
  if (!clean) Reset(reason);
  --host_->active_requests;
  std::exchange(connection_, nullptr)->StreamDone(clean);
}

}  // namespace weir::mux
