#include "filters/network/http_connection_manager/stream.h"

#include <new>

#include "filters/network/http_connection_manager/server_connection.h"

namespace weir::hcm {

using base::Slab;
using base::SlabPool;
using http::Direction;
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
    Log();
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
  if (error.status != 0) {
    // The codec found a fault in the request; the stream is still bound, for the answer.
    if (!counted_) {
      counted_ = true;
      hcm_->stats.downstream_rq_total->Add();
      hcm_->stats.downstream_rq_active->Add();
    }
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
  info_.flags.Set(observe::ResponseFlag::kDownstreamConnectionTermination);
  if (info_.details.empty()) info_.details = "downstream_remote_disconnect";
  Finish();
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
  record.start_time_unix_ms = UnixMs() - static_cast<int64_t>(record.duration_ms);
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

// ---- What filters ask for ---------------------------------------------------------------------

http::Message* Stream::ChainMessage(uint32_t which) {
  switch (which) {
    case WEIR_REQUEST:
      return request_.empty() ? nullptr : &request_;
    case WEIR_RESPONSE:
      return response_.empty() ? nullptr : &response_;
    case WEIR_REQUEST_TRAILERS:
      return request_trailers_;
    default:
      return response_trailers_;
  }
}

bool Stream::ChainWritable(uint32_t which) {
  if (finished_) return false;
  switch (which) {
    case WEIR_REQUEST:
      return !request_passed_;
    case WEIR_RESPONSE:
      return !response_sent_;
    case WEIR_REQUEST_TRAILERS:
      return !trailers_passed_;
    default:
      return !end_queued();
  }
}

void Stream::RequestLocalReply(uint32_t status, std::string_view body, const weir_field* extra,
                               uint32_t count, std::string_view details) {
  if (finished_ || local_reply_ || pending_ != nullptr) return;
  void* memory = arena_.Allocate(sizeof(Pending), alignof(Pending));
  if (memory == nullptr) return RequestReset();
  pending_ = new (memory) Pending();
  if (!CopyReply(status, body, extra, count, details, &pending_->reply)) {
    // An answer that the stream's memory cannot hold must not go out in part.
    pending_->reply = LocalReply{};
    pending_->reply.details = "local_reply_too_large";
  }
  worker()->reactor->Defer(this);
}

bool Stream::CopyReply(uint32_t status, std::string_view body, const weir_field* extra,
                       uint32_t count, std::string_view details, LocalReply* reply) {
  const auto copy = [this](std::string_view from, std::string_view* to) {
    *to = arena_.Copy(from);
    return to->size() == from.size();
  };
  reply->status = status;
  if (!copy(body, &reply->body) || !copy(details, &reply->details)) return false;
  auto* fields = arena_.AllocateArray<weir_field>(count);
  if (fields == nullptr && count > 0) return false;
  for (uint32_t i = 0; i < count; ++i) {
    std::string_view name;
    std::string_view value;
    if (!copy(http::Name(extra[i]), &name) || !copy(http::Value(extra[i]), &value)) return false;
    fields[i] = extra[i];
    fields[i].name = name.data();
    fields[i].value = value.data();
  }
  reply->fields = fields;
  reply->field_count = count;
  return true;
}

void Stream::RequestReset() {
  if (finished_) return;
  static Pending reset_only{true, {}};
  if (pending_ == nullptr || !pending_->reset) pending_ = &reset_only;
  worker()->reactor->Defer(this);
}

void Stream::RequestResume() {
  worker()->reactor->Defer(this);
}

bool Stream::RunPendingAction() {
  if (finished_) return true;
  if (pending_ == nullptr) return false;
  const Pending* pending = pending_;
  pending_ = nullptr;
  if (pending->reset) {
    CancelTerminal(WEIR_REASON_CANCEL);
    ResetDownstream(WEIR_REASON_LOCAL_RESET);
  } else {
    Reply(pending->reply);
  }
  return true;
}

void Stream::OnDeferred() {
  if (finished_) return;
  if (pending_ != nullptr) {
    RunPendingAction();
    return;
  }
  chain_.RunResumes();
  if (finished_) return;
  UpdateRequestCredit();
  UpdateResponseCredit();
}

void Stream::OnChainFailure(const http::FilterEntry& entry) {
  hcm_->stats.filter_failures->Add();
  if (hcm_->config->plugin_host != nullptr && hcm_->config->plugin_host->count != nullptr) {
    hcm_->config->plugin_host->count(entry.errors, 1);
  }
  pending_ = nullptr;
  LocalReply reply;
  reply.status = 500;
  reply.details = "plugin_error";
  Reply(reply);
}

void Stream::OnChainOverflow(Direction direction) {
  if (direction == http::kRequest) {
    hcm_->stats.downstream_rq_too_large->Add();
    Reply(413, "request_payload_too_large");
  } else {
    hcm_->stats.rs_too_large->Add();
    Reply(500, "response_payload_too_large");
  }
}

std::string_view Stream::Attribute(uint32_t id) {
  const auto print = [this](const net::Address& address) {
    char text[net::Address::kMaxText];
    return arena_.Copy({text, address.Print(text)});
  };
  switch (id) {
    case WEIR_ATTR_DOWNSTREAM_ADDRESS:
    case WEIR_ATTR_DIRECT_ADDRESS:
      return print(downstream_->peer());
    case WEIR_ATTR_LOCAL_ADDRESS:
      return print(downstream_->local());
    case WEIR_ATTR_ROUTE:
      return route_ == nullptr ? std::string_view{} : std::string_view(route_->config().name);
    case WEIR_ATTR_CLUSTER:
      return info_.cluster;
    case WEIR_ATTR_PROTOCOL:
      return request_.head().http_version == 20   ? "HTTP/2"
             : request_.head().http_version == 10 ? "HTTP/1.0"
                                                  : "HTTP/1.1";
    case WEIR_ATTR_RESPONSE_CODE_DETAILS:
      return info_.details;
    default:
      return {};
  }
}

}  // namespace weir::hcm
