#pragma once

#include <cstdint>

#include "core/base/intrusive_list.h"
#include "core/http/slice_queue.h"
#include "plugins/abi/weir.h"

namespace weir::http {

class CodecConnection;

// The host's half of one stream of a codec, on either side: what the codec's `user` points to. It
// holds what waits to be sent and is told what is received. Bound to a connection from its start
// until it is over; after that every call is a no-op.
class CodecStream {
 public:
  explicit CodecStream(base::SlabPool* pool) : body_(pool) {}
  CodecStream(const CodecStream&) = delete;
  CodecStream& operator=(const CodecStream&) = delete;

  bool bound() const { return connection_ != nullptr; }
  CodecConnection* connection() const { return connection_; }

  // --- Towards the peer. The head is written at once and only borrowed.
  int32_t SendHead(const weir_head& head, bool end_stream);
  // Queues body bytes; the codec takes them when the peer lets it. After SendEnd they are dropped:
  // nothing follows an end.
  void SendData(base::Slice slice);
  void SendQueue(SliceQueue* queue);
  // Nothing follows what was queued. `trailers`, when not null, must stay valid until OnSent.
  void SendEnd(const weir_head* trailers = nullptr);
  // Ends both halves now; no further call comes from the connection.
  void Reset(uint32_t reason);
  uint64_t queued_bytes() const { return body_.bytes(); }
  bool end_queued() const { return end_queued_; }
  bool sent_all() const { return sent_all_; }

  // --- From the peer.
  // Received body bytes that left this worker's buffers: the sender may send as many more.
  void Credit(uint64_t bytes);
  bool received_all() const { return received_all_; }

 protected:
  ~CodecStream();

  // Calls come in the order Head(interim)* Head Data* (End | Trailers), any of them followed by
  // Reset instead. None comes from inside the functions above, and none after OnReset. head and
  // what it points to are valid during the call.
  virtual void OnHead(weir_head& head, bool end_stream) = 0;
  virtual void OnData(base::Slice data, bool end_stream) = 0;
  virtual void OnTrailers(weir_head& head) = 0;
  virtual void OnEnd() = 0;
  // The stream is over and unbound. error.status: what a server should still answer (it is then
  // still bound).
  virtual void OnReset(const weir_error& error) = 0;
  // The peer has no use for the rest of what we send.
  virtual void OnStopSending() {}
  // `bytes` of the queued body went to the connection's output. Runs inside the codec: it may
  // credit another stream, no more.
  virtual void OnBodyTaken(uint64_t bytes) = 0;
  // All of our half is in the connection's output. Comes after the codec's call has returned; does
  // not come to a stream that was over before (in client position: when the whole answer was there
  // first).
  virtual void OnSent() = 0;

 private:
  friend class CodecConnection;
  friend struct CodecHost;

  void Unbind();

  CodecConnection* connection_ = nullptr;
  uint32_t id_ = 0;
  bool end_queued_ = false;
  bool sent_all_ = false;
  bool received_all_ = false;
  bool tunnel_ = false;  // the last head we sent was that of a tunnel
  const weir_head* trailers_ = nullptr;
  SliceQueue body_;
  base::ListNode stream_link_;  // in the connection's streams
  base::ListNode sent_link_;    // in the connection's list of halves to report as sent
};

}  // namespace weir::http
