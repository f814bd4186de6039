// The answer's side of a stream: from the terminal filter, or made here, through the filters to the
// codec.

#include <algorithm>
#include <cstring>
#include <new>

#include "core/http/late_calls.h"
#include "filters/network/http_connection_manager/local_reply.h"
#include "filters/network/http_connection_manager/request_rules.h"
#include "filters/network/http_connection_manager/server_connection.h"
#include "filters/network/http_connection_manager/stream.h"

namespace weir::hcm {

using http::LocalReply;
using http::Message;
using http::SliceQueue;
using observe::ResponseFlag;

void Stream::RespondInterim(const weir_head& head) {
  if (finished_ || response_started_ || local_reply_) return;
  if (head.status == 100 && continue_sent_) return;  // the client has one
  TouchIdle();
  if (response_.Take(head, hcm_->settings().max_headers_count) != Message::Verdict::kOk) return;
  // What filters may look at must be ours: the backend connection's bytes go with this call.
  const bool passed = chain_.empty() || (response_.Own() && chain_.Interim());
  // An answer of a filter stands in its place now.
  if (finished_ || local_reply_) return;
  if (passed) {
    if (head.status == 100) continue_sent_ = true;
    SendHead(response_.head(), false);
  }
  response_.Reset(0);
}

void Stream::RespondHead(const weir_head& head, bool end_stream) {
  if (finished_ || local_reply_) return;
  TouchIdle();
  if (response_.Take(head, hcm_->settings().max_headers_count + 1000) != Message::Verdict::kOk) {
    response_.Reset(0);
    CancelTerminal(WEIR_REASON_PROTOCOL);
    return Reply(502, "upstream_reset_before_response_started{protocol_error}",
                 ResponseFlag::kUpstreamProtocolError);
  }
  // Filters and loggers look at the head as long as the stream lives, and the backend connection's
  // bytes go with this call.
  const bool kept = chain_.MayLookAtResponse() || !hcm_->config->loggers.empty() ||
                    (!chain_.empty() && http::LateCalls::Possible());
  if (kept && !response_.Own()) return Reply(500, "response_headers_too_large");
  response_started_ = true;
  if (info_.details.empty()) info_.details = "via_upstream";
  if (chain_.empty()) {
    SendResponseHead(end_stream);
  } else {
    chain_.Headers(http::kResponse, end_stream);
  }
  response_gone_ = !kept && !local_reply_;
}

void Stream::SendResponseHead(bool end_stream) {
  if (finished_ || response_sent_) return;
  response_sent_ = true;
  ApplyResponseRules(*hcm_, request_, &response_);
  weir_head& head = response_.head();
  info_.response_code = head.status;
  if (downstream_->last_request()) head.flags |= WEIR_HEAD_CLOSE;
  if (request_.method() == "HEAD" || head.status == 204 || head.status == 304)
    head.flags |= WEIR_HEAD_NO_BODY;
  grpc_answer_ = grpc_ && head.status == 200 && !end_stream &&
                 (head.flags & (WEIR_HEAD_HAS_LENGTH | WEIR_HEAD_NO_BODY)) == 0 &&
                 downstream_->multiplexed() && IsGrpc(response_.Get(WEIR_TOKEN_CONTENT_TYPE));
  if (tunnel_ && (head.flags & WEIR_HEAD_TUNNEL) == 0) {
    tunnel_ = false;
    if (!request_ended_) head.flags |= WEIR_HEAD_CLOSE;
  }
  if (tunnel_) {
    route_deadline_ = request_deadline_ = rate_deadline_ = 0;
    tunnel_open_ = true;
    hcm_->stats.downstream_cx_upgrades_total->Add();
    hcm_->stats.downstream_cx_upgrades_active->Add();
  }
  // The head is all of such an answer, also where the backend says its end later: what still comes
  // is nobody's.
  head_only_ = !tunnel_ && (head.flags & WEIR_HEAD_NO_BODY) != 0;
  const int32_t sent = SendHead(head, end_stream || head_only_);
  if (sent == WEIR_NO_ROOM && !local_reply_ && !tunnel_) {
    // More than the client says it takes. Nothing of it was written, and so it can be told.
    response_sent_ = head_only_ = grpc_answer_ = false;
    return Reply(502, "response_headers_too_large");
  }
  hcm_->stats.CountResponse(info_.response_code);
  if (sent != WEIR_OK) {
    CancelTerminal(WEIR_REASON_INTERNAL);
    ResetDownstream(WEIR_REASON_INTERNAL);
  }
}

void Stream::RespondData(base::Slice data, bool end_stream) {
  if (finished_ || local_reply_) return;
  TouchIdle();
  response_received_ += data.size();
  if (chain_.empty() || chain_.Skips(http::kResponse, end_stream)) {
    SendData(std::move(data));
    if (end_stream) EndResponse(nullptr);
    return;
  }
  SliceQueue queue(worker()->pool);
  queue.Push(std::move(data));
  chain_.Data(http::kResponse, &queue, end_stream);
  if (!finished_) UpdateResponseCredit();
}

void Stream::RespondEnd() {
  if (finished_ || local_reply_) return;
  if (chain_.empty() || chain_.Skips(http::kResponse, true)) return EndResponse(nullptr);
  SliceQueue none(worker()->pool);
  chain_.Data(http::kResponse, &none, true);
}

void Stream::RespondTrailers(const weir_head& head) {
  if (finished_ || local_reply_) return;
  void* memory = arena_.Allocate(sizeof(Message), alignof(Message));
  auto* trailers = memory == nullptr ? nullptr : new (memory) Message(&arena_);
  if (trailers == nullptr ||
      trailers->Take(head, hcm_->settings().max_headers_count) != Message::Verdict::kOk ||
      !trailers->Own()) {
    LocalReply reply;
    reply.status = 502;
    reply.details = "upstream_reset_after_response_started{protocol_error}";
    reply.flags.Set(ResponseFlag::kUpstreamProtocolError);
    return RespondFailure(reply);
  }
  response_trailers_ = trailers;
  if (chain_.empty()) {
    EndResponse(&trailers->head());
  } else {
    chain_.Trailers(http::kResponse);
  }
}

void Stream::EndResponse(const weir_head* trailers) {
  if (finished_ || !bound()) return;
  SendEnd(trailers);
}

void Stream::RespondFailure(const LocalReply& reply) {
  if (finished_ || local_reply_) return;
  // The client has the whole answer.
  if (head_only_) return;
  Reply(reply);
}

void Stream::OnBodyTaken(uint64_t bytes) {
  info_.bytes_sent += bytes;
  TouchIdle();
  UpdateResponseCredit();
}

void Stream::UpdateResponseCredit() {
  const uint64_t outstanding = response_received_ - response_credited_;
  if (outstanding == 0) return;
  const uint64_t held = chain_.HeldBytes(http::kResponse) + queued_bytes();
  if (held >= outstanding) return;
  response_credited_ += outstanding - held;
  if (terminal_ != nullptr) terminal_->OnResponseTaken(outstanding - held);
}

// ---- Answers that are made here ---------------------------------------------------------------

void Stream::Reply(uint32_t status, std::string_view details, ResponseFlag flag) {
  LocalReply reply;
  reply.status = status;
  reply.details = details;
  reply.flags.Set(flag);
  Reply(reply);
}

void Stream::Reply(uint32_t status, std::string_view details) {
  LocalReply reply;
  reply.status = status;
  reply.details = details;
  Reply(reply);
}

void Stream::Reply(const LocalReply& reply) {
  if (finished_) return;
  // An answer that a filter asked for and that was not begun comes too late; a reset does not.
  if (pending_ != nullptr && !pending_->reset) pending_ = nullptr;
  if (local_reply_) {
    // The filters broke the answer that replaces theirs: it goes out past them, or not at all.
    chain_.Close(http::kResponse);
    if (response_sent_) return ResetDownstream(WEIR_REASON_LOCAL_RESET);
    return SendReply(reply, true);
  }
  info_.flags.bits |= reply.flags.bits;
  info_.details = arena_.Copy(reply.details);
  reply_body_ = reply.body;
  CancelTerminal(WEIR_REASON_CANCEL);
  request_dead_ = true;
  route_deadline_ = request_deadline_ = rate_deadline_ = 0;
  if (response_sent_) {
    if (EndGrpcAnswer(reply)) return;
    // The client has a head already: it must see that what follows is not the whole.
    const bool its_fault = reply.flags.Has(ResponseFlag::kDownstreamProtocolError);
    ResetDownstream(its_fault ? WEIR_REASON_PROTOCOL : WEIR_REASON_LOCAL_RESET);
    return;
  }
  local_reply_ = true;
  chain_.Close(http::kRequest);
  // A head that waits in the filters is replaced; the answer then goes past them, who have had
  // their say.
  if (response_started_) chain_.Close(http::kResponse);
  SendReply(reply, response_started_ || chain_.empty());
}

// An answer of gRPC that has begun ends with a status of ours in place of the backend's: the client
// learns why, which no reset could say. A deadline does not wait for a client that takes nothing.
bool Stream::EndGrpcAnswer(const LocalReply& reply) {
  if (!grpc_answer_ || !bound() || end_queued()) return false;
  if (reply.grpc_status == kGrpcDeadlineExceeded && queued_bytes() > 0) return false;
  void* memory = arena_.Allocate(sizeof(Message), alignof(Message));
  if (memory == nullptr) return false;
  auto* trailers = new (memory) Message(&arena_);
  trailers->Reset(WEIR_HEAD_TRAILERS);
  const LocalReplyText text = FormatLocalReply(hcm_->settings().local_reply_config, reply, &arena_);
  AddGrpcStatus(GrpcStatusOf(reply), text.grpc_message, trailers);
  local_reply_ = true;
  chain_.Close(http::kRequest);
  chain_.Close(http::kResponse);
  response_trailers_ = trailers;
  EndResponse(&trailers->head());
  return true;
}

void Stream::SendReply(const LocalReply& reply, bool bypass) {
  const uint8_t mine = ++replies_;
  std::string_view body;
  BuildReply(reply, &body);
  if (reply.close) downstream_->CloseAfterThis();
  const bool end = body.empty() || request_.method() == "HEAD";
  response_started_ = true;
  if (bypass) {
    SendResponseHead(end);
  } else {
    chain_.Headers(http::kResponse, end);
  }
  // The head's way through the filters may have ended in another answer: the body then has no
  // place.
  if (end || finished_ || replies_ != mine) return;
  SliceQueue queue(worker()->pool);
  queue.Append(body.data(), body.size());
  if (bypass) {
    OnChainData(http::kResponse, &queue, true);
  } else {
    chain_.Data(http::kResponse, &queue, true);
  }
}

void Stream::BuildReply(const LocalReply& reply, std::string_view* body) {
  LocalReplyText text = FormatLocalReply(hcm_->settings().local_reply_config, reply, &arena_);
  if (grpc_) text = AsGrpc(text);
  response_.Reset(WEIR_HEAD_RESPONSE, static_cast<uint16_t>(text.status));
  weir_head& head = response_.head();
  if (grpc_) {
    response_.AddStatic(WEIR_TOKEN_CONTENT_TYPE, "application/grpc");
    AddGrpcStatus(GrpcStatusOf(reply), text.grpc_message, &response_);
  } else if (!text.body.empty()) {
    response_.AddStatic(WEIR_TOKEN_CONTENT_TYPE, text.content_type);
  }
  const bool own_body = !grpc_ && text.body.data() == reply.body.data();
  for (uint32_t i = 0; i < reply.field_count; ++i) {
    const std::string_view name = http::Name(reply.fields[i]);
    // These tell of the body that was given, whose type is then known better than here.
    const bool type = name == "content-type";
    if ((type || name == "content-encoding") && !own_body) continue;
    if (type) response_.Remove(name);
    response_.Add(name, http::Value(reply.fields[i]));
  }
  if (reply.overloaded) response_.AddStatic(WEIR_TOKEN_X_ENVOY_OVERLOADED, "true");
  if (text.status != 204 && text.status != 304 && !grpc_) {
    head.flags |= WEIR_HEAD_HAS_LENGTH;
    head.content_length = text.body.size();
  }
  if (reply.close) head.flags |= WEIR_HEAD_CLOSE;
  *body = text.status == 204 || text.status == 304 ? std::string_view{} : text.body;
}

}  // namespace weir::hcm
