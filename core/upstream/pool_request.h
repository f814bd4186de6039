#pragma once

#include <cstdint>

#include "core/base/intrusive_list.h"

namespace weir::upstream {

class ClientConnection;
struct Host;

enum class PoolFailure : uint8_t {
  kNone,
  kNoHealthyHost,   // 503, flag UH
  kOverflow,        // a circuit breaker: 503, flag UO
  kConnectFailed,   // after the bound of attempts: 503, flag UF
  kConnectTimeout,  // the same
};

// A request that wants a connection to a cluster. Leaves the queue when it dies, so a client that
// goes takes its place with it.
class PoolRequest {
 public:
  bool waiting() const { return pending_link_.linked(); }

 protected:
  friend class Pool;
  ~PoolRequest() = default;

  // A connection with room. The request must open its stream on it during the call. Comes from the
  // turn's deferred phase or from inside Pool::Acquire.
  virtual void OnConnection(ClientConnection* connection, Host* host) = 0;
  // No connection will come. Never from inside Pool::Acquire, which returns the failure instead.
  virtual void OnNoConnection(PoolFailure failure, Host* host) = 0;

 public:
  base::ListNode pending_link_;
  Host* pending_host_ = nullptr;
  uint8_t connect_attempts_ = 0;
  bool fresh_ = false;  // no connection will do that carried something before
};

}  // namespace weir::upstream
