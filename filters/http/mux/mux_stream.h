#pragma once

#include <cstdint>

#include "core/http/terminal.h"
#include "core/upstream/pool.h"
#include "filters/http/mux/attachment.h"
#include "filters/http/mux/decisions.h"

namespace weir::mux {

// The Mux's part of one stream: finds a connection, links the two halves, decides what an early end
// means.
//
//            OnRequestHead              OnConnection
//     Idle ----------------> Link --------------------> Linked
//                             ^  \ no connection          | answer complete, failed, or cancelled
//                     replay  |   `--------.              v
//                             `---------------------- Unlinked
class MuxStream final : public http::Terminal,
                        private upstream::PoolRequest,
                        private AttachmentOwner {
 public:
  // pool: the cluster's of the route; null: there is none.
  MuxStream(http::TerminalHost* host, upstream::Pool* pool);
  ~MuxStream() override;

  void OnRequestHead(bool end_stream) override;
  void OnRequestData(http::SliceQueue* data, bool end_stream) override;
  void OnRequestTrailers(const weir_head& trailers) override;
  void OnResponseTaken(uint64_t bytes) override;
  void OnCancel(uint32_t reason) override;

 private:
  enum class State : uint8_t { kIdle, kLink, kLinked, kUnlinked };
  // Bytes of a request's body that are kept for a replay until the answer begins.
  static constexpr uint64_t kReplayLimit = 65536;

  // upstream::PoolRequest
  void OnConnection(upstream::ClientConnection* connection, upstream::Host* host) override;
  void OnNoConnection(upstream::PoolFailure failure, upstream::Host* host) override;

  // AttachmentOwner
  void OnUpstreamHead(weir_head& head, bool end_stream) override;
  void OnUpstreamData(base::Slice data, bool end_stream) override;
  void OnUpstreamTrailers(weir_head& head) override;
  void OnUpstreamEnd() override;
  void OnUpstreamReset(const weir_error& error) override;
  void OnUpstreamTaken(uint64_t bytes) override;
  void OnUpstreamSent() override;

  void Link(bool fresh, const upstream::Host* avoid);
  bool BuildHead(weir_head* head);
  void SendBody();
  void NotePause();
  // local: our end of the connection to it; null: there is none.
  void NoteHost(const upstream::Host& host, const net::Address* local);
  void Keep(http::SliceQueue* data);
  void Finish();
  void Unlink(uint32_t reason);
  void Fail(const FailureAnswer& answer);

  http::TerminalHost* host_;
  upstream::Pool* pool_;
  State state_ = State::kIdle;
  bool admitted_ = false;
  bool request_ended_ = false;
  bool head_end_ = false;  // the request is its head alone
  bool body_kept_ = true;
  bool replayed_ = false;
  bool response_started_ = false;
  bool head_forwarded_ = false;
  bool tunnel_ = false;
  bool response_paused_ = false;
  const weir_head* trailers_ = nullptr;
  uint64_t uncredited_ = 0;     // bytes sent again by a replay, which were credited the first time
  uint64_t response_held_ = 0;  // of the answer, between the backend and the client
  http::SliceQueue waiting_;    // not yet given to an attachment
  http::SliceQueue kept_;       // given to one, kept for a replay
  Attachment attachment_;
};

}  // namespace weir::mux
