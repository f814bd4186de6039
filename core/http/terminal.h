#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/slab.h"
#include "core/http/message.h"
#include "core/http/route/route.h"
#include "core/http/slice_queue.h"
#include "core/http/stream_info.h"
#include "core/net/worker_context.h"

namespace weir::http {

// An answer that the proxy makes itself.
struct LocalReply {
  uint32_t status = 500;
  std::string_view body;               // for %LOCAL_REPLY_BODY%; lives as long as the stream
  std::string_view details;            // RESPONSE_CODE_DETAILS; copied
  const weir_field* fields = nullptr;  // further fields; copied
  uint32_t field_count = 0;
  // What a gRPC client is told; kGrpcStatusOfHttp: what the status stands for.
  static constexpr int32_t kGrpcStatusOfHttp = -1;
  int32_t grpc_status = kGrpcStatusOfHttp;
  observe::ResponseFlags flags;  // for the log
  bool overloaded = false;       // adds x-envoy-overloaded
  bool close = false;            // the connection ends after it
};

// What the last filter of a stream (the Mux) sees of it, and how it answers. A downstream codec's
// stream stands behind it; a filter's call-out or a health check can as well.
class TerminalHost {
 public:
  virtual net::WorkerContext* worker() = 0;
  virtual base::Arena* arena() = 0;
  // Immutable from Terminal::OnRequestHead on: attempts put their changes into overlays.
  virtual Message& request() = 0;
  virtual const Route* route() = 0;
  virtual StreamInfo& info() = 0;
  // The number of the downstream connection on this worker: those that share a backend's connection
  // share it evenly. 0: nobody's.
  virtual uint32_t client() { return 0; }
  // Whom that connection is with, and where it came in; null: nobody's.
  virtual const net::Address* client_peer() { return nullptr; }
  virtual const net::Address* client_local() { return nullptr; }

  // The answer, towards the filters and the client. Heads are borrowed for the call; 1xx any number
  // of times.
  virtual void RespondInterim(const weir_head& head) = 0;
  virtual void RespondHead(const weir_head& head, bool end_stream) = 0;
  virtual void RespondData(base::Slice data, bool end_stream) = 0;
  virtual void RespondTrailers(const weir_head& head) = 0;
  virtual void RespondEnd() = 0;
  // No answer, or no rest of one, can come: a local reply where none has begun, else the client's
  // stream is reset, so that a truncated body never looks complete.
  virtual void RespondFailure(const LocalReply& reply) = 0;
  // Body bytes of the request that went to the backend: the client may send as many more.
  virtual void RequestBodyTaken(uint64_t bytes) = 0;
  // Both halves of a tunnel are over. Any other exchange is over with its answer.
  virtual void TunnelOver() {}

 protected:
  ~TerminalHost() = default;
};

// The last filter of one stream. Lives in the stream's arena; its destructor must leave nothing
// behind.
class Terminal {
 public:
  virtual ~Terminal() = default;
  // OnRequestHead once, then data and at most one of trailers or a last OnRequestData with
  // end_stream.
  virtual void OnRequestHead(bool end_stream) = 0;
  virtual void OnRequestData(SliceQueue* data, bool end_stream) = 0;
  virtual void OnRequestTrailers(const weir_head& trailers) = 0;
  // Body bytes of the response that went to the client: the backend may send as many more.
  virtual void OnResponseTaken(uint64_t bytes) = 0;
  // The stream needs no answer any more: the client is gone, or somebody else answered.
  // WEIR_REASON_NO_ERROR: it has a whole one, whose head is all there is.
  virtual void OnCancel(uint32_t reason) = 0;
};

// Makes terminals on one worker.
class TerminalMaker {
 public:
  virtual ~TerminalMaker() = default;
  // In the stream's arena; null when that is full.
  virtual Terminal* Make(TerminalHost* host) = 0;
  // The downstream connection with this number is over, and all its streams are.
  virtual void OnClientGone(uint32_t) {}
};

}  // namespace weir::http
