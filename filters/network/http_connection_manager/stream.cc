#include "filters/network/http_connection_manager/stream.h"

#include <new>

#include "filters/network/http_connection_manager/server_connection.h"

namespace weir::hcm {

using base::Slab;
using base::SlabPool;
using http::LocalReply;

namespace {

constexpr uint32_t kSlabSize = 4096;
constexpr uint32_t kArenaLimit =
    1u << 20;  // heads are bounded long before; this bounds what filters add

}  // namespace

Stream* Stream::Make(ServerConnection* connection) {
  Slab* slab = connection->context()->pool->Take(kSlabSize);
  static_assert(sizeof(Stream) <= 1536,
                "the slab also holds the head, its fields and the Mux's part");
  uint8_t* memory = slab->data();
  return new (memory) Stream(connection, memory + sizeof(Stream), kSlabSize - sizeof(Stream));
}

void Stream::operator delete(void* memory) {
  auto* slab = reinterpret_cast<Slab*>(static_cast<uint8_t*>(memory) - Slab::kHeader);
  SlabPool::Release(slab);
}

Stream::Stream(ServerConnection* connection, uint8_t* memory, size_t size)
    : CodecStream(connection->context()->pool),
      downstream_(connection),
      hcm_(connection->hcm()),
      arena_(connection->context()->pool, memory, size, kArenaLimit),
      request_(&arena_),
      response_(&arena_),
      chain_(this, &arena_, connection->context()->pool) {
  static thread_local uint64_t next_ticket = 0;
  ticket_ = ++next_ticket;
  info_.start_ms = connection->context()->reactor->now_ms();
}

Stream::~Stream() {
  if (terminal_ != nullptr) terminal_->~Terminal();
  chain_.Destroy();
}

uint32_t Stream::client() {
  return downstream_->client();
}
const net::Address* Stream::client_peer() {
  return &downstream_->peer();
}
const net::Address* Stream::client_local() {
  return &downstream_->local();
}

// ---- The end ----------------------------------------------------------------------------------

void Stream::OnSent() {
  response_ended_ = true;
  if (!tunnel_open_ || tunnel_over_) Finish();
}

// Where the backend's end came first, the client's half was still open.
void Stream::TunnelOver() {
  tunnel_over_ = true;
  if (response_ended_) Finish();
}

void Stream::Finish() {
  if (finished_) return;
  finished_ = true;
  request_dead_ = true;
  info_.end_ms = worker()->reactor->now_ms();
  CancelTerminal(head_only_ ? WEIR_REASON_NO_ERROR : WEIR_REASON_CANCEL);
  if (tunnel_open_) {
    hcm_->stats.downstream_cx_upgrades_active->Sub();
    Reset(WEIR_REASON_NONE);  // the codec lets go of it; both halves are over, or nobody wants the
                              // rest
  }
  chain_.Complete();
  chain_.Kill();
  if (counted_) {
    hcm_->stats.downstream_rq_active->Sub();
    hcm_->stats.downstream_rq_completed->Add();
    if (!tunnel_open_) hcm_->stats.downstream_rq_time.Record(info_.end_ms - info_.start_ms);
    Log();
    if (!hcm_->config->loggers.empty()) LogByPlugins();
  }
  worker()->reactor->Retire(this);
  downstream_->StreamGone();
}

void Stream::CancelTerminal(uint32_t reason) {
  if (terminal_ != nullptr) terminal_->OnCancel(reason);
}

void Stream::OnReset(const weir_error& error) {
  request_dead_ = true;
  request_ended_ = true;
  // A request that the codec refused never had a head.
  if (!counted_) {
    counted_ = true;
    hcm_->stats.downstream_rq_total->Add();
    hcm_->stats.downstream_rq_active->Add();
  }
  if (error.status != 0) {
    // The codec found a fault in the request; the stream is still bound, for the answer.
    if (error.status != 408) hcm_->stats.downstream_cx_protocol_error->Add();
    LocalReply reply;
    reply.status = error.status;
    reply.details = error.detail == nullptr ? "http1.codec_error" : error.detail;
    if (error.status != 408) reply.flags.Set(observe::ResponseFlag::kDownstreamProtocolError);
    reply.close = true;
    Reply(reply);
    return;
  }
  hcm_->stats.downstream_rq_rx_reset->Add();
  NoteReset(error);
  Finish();
}

// Whose doing it is: the codec's, which found a fault (it says which), the client's, which reset
// its stream or went away, or ours, who closed the connection.
void Stream::NoteReset(const weir_error& error) {
  using observe::ResponseFlag;
  const bool whole = error.scope == WEIR_SCOPE_CONNECTION;
  const bool gone = error.reason == WEIR_REASON_CLOSED || error.reason == WEIR_REASON_TRUNCATED ||
                    error.reason == WEIR_REASON_REMOTE_RESET;
  if (error.detail != nullptr && !gone) {
    info_.flags.Set(ResponseFlag::kDownstreamProtocolError);
    info_.details = error.detail;
  } else if (!whole && !gone) {
    info_.flags.Set(ResponseFlag::kDownstreamRemoteReset);
    info_.details =
        error.reason == WEIR_REASON_REFUSED ? "http2.remote_refuse" : "http2.remote_reset";
  } else {
    info_.flags.Set(ResponseFlag::kDownstreamConnectionTermination);
    const bool ours = whole && error.reason != WEIR_REASON_REMOTE_RESET;
    info_.details = ours ? "downstream_local_disconnect" : "downstream_remote_disconnect";
  }
}

void Stream::ResetDownstream(uint32_t reason) {
  if (finished_) return;
  hcm_->stats.downstream_rq_tx_reset->Add();
  // HTTP/1.0 knows no chunks: its client takes a FIN for the end of the body (RFC 9112 section 8).
  if (response_sent_ && request_.head().http_version == 10) downstream_->CutAnswer();
  Reset(reason);
  Finish();
}

void Stream::Log() {
  if (hcm_->access_logs.empty()) return;
  observe::AccessLogRecord record;
  const uint64_t now = worker()->reactor->now_ms();
  record.duration_ms = now - info_.start_ms;
  record.start_time_unix_ms = static_cast<int64_t>(StartUnixUs() / 1000);
  record.method = request_.method();
  record.path = original_path_.empty() ? request_.path() : original_path_;
  record.protocol = Attribute(WEIR_ATTR_PROTOCOL);
  record.response_code = info_.response_code;
  record.flags = info_.flags;
  record.bytes_received = info_.bytes_received;
  record.bytes_sent = info_.bytes_sent;
  if (info_.upstream_head_ms != 0) {
    record.upstream_service_time_ms =
        static_cast<int64_t>(info_.upstream_head_ms - info_.upstream_start_ms);
  }
  char upstream[net::Address::kMaxText];
  if (info_.upstream != nullptr) record.upstream_host = {upstream, info_.upstream->Print(upstream)};
  if (!request_.empty()) {
    record.x_forwarded_for = request_.Get(WEIR_TOKEN_X_FORWARDED_FOR);
    record.user_agent = request_.Get(WEIR_TOKEN_USER_AGENT);
    record.request_id = request_.Get(WEIR_TOKEN_X_REQUEST_ID);
    record.authority = request_.authority();
  }
  for (observe::AccessLogBuffer* log : hcm_->access_logs) log->Log(record);
}

}  // namespace weir::hcm
