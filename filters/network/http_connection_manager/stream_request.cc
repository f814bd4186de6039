// The request's side of a stream: from the codec through rules, route and filters to the terminal
// filter.

#include <new>

#include "core/http/route/rewrite.h"
#include "filters/network/http_connection_manager/local_reply.h"
#include "filters/network/http_connection_manager/request_rules.h"
#include "filters/network/http_connection_manager/server_connection.h"
#include "filters/network/http_connection_manager/stream.h"
#include "filters/network/http_connection_manager/trusted_client.h"

namespace weir::hcm {

using http::Direction;
using http::LocalReply;
using http::Message;
using http::SliceQueue;

void Stream::OnHead(weir_head& head, bool end_stream) {
  counted_ = true;
  hcm_->stats.downstream_rq_total->Add();
  hcm_->stats.downstream_rq_active->Add();
  if (!AcceptHead(head)) return;
  if (end_stream) RequestEnded();
  StartTimers();
  // A deadline that has passed already: nobody is asked.
  if (end_deadline_ != 0 && end_deadline_ <= worker()->reactor->now_ms()) return OnDeadline();
  if (route_ != nullptr && !CheckUpgrade()) return;
  StartFilters(end_stream);
}

bool Stream::AcceptHead(const weir_head& head) {
  const Message::Verdict verdict = request_.Take(head, hcm_->settings().max_headers_count);
  if (verdict == Message::Verdict::kTooLarge || !request_.Own()) {
    request_.Reset(0);
    Refuse(431, "http1.too_many_headers");
    return false;
  }
  if (verdict == Message::Verdict::kInvalid) {
    request_.Reset(0);
    Refuse(400, "http1.invalid_characters");
    return false;
  }
  expects_continue_ = request_.has(WEIR_HEAD_EXPECT_CONTINUE);
  grpc_ = IsGrpc(request_.Get(WEIR_TOKEN_CONTENT_TYPE));
  const uint64_t most = worker()->max_pinned_bytes;
  const bool overloaded =
      worker()->overloaded || (most != 0 && worker()->pool->pinned_bytes() > most);
  if (overloaded && !hcm_->config->serves_when_overloaded) {
    hcm_->stats.downstream_rq_overload_close->Add();
    LocalReply reply;
    reply.status = 503;
    reply.details = "overload";
    reply.body = "overloaded";
    reply.flags.Set(observe::ResponseFlag::kOverloadManager);
    reply.overloaded = reply.close = true;
    downstream_->TurnAway();
    Reply(reply);
    return false;
  }
  const std::string_view asked = request_.path();
  const RequestOrigin origin{&downstream_->peer(), hcm_->config->secure};
  char client[kTrustedClientText];
  const size_t size = PrintClient(TrustedClient(hcm_->settings(), &request_), client);
  // Without room for it, filters would take the proxy in front for the client.
  if (size > 0 && Kept(WEIR_ATTR_DOWNSTREAM_ADDRESS, {client, size}).empty()) {
    Refuse(431, "request_headers_too_large");
    return false;
  }
  const RuleVerdict rule = ApplyRequestRules(*hcm_, origin, &request_);
  // The log shows what the client asked for, where that is not what was routed.
  if (request_.path().data() != asked.data()) original_path_ = asked;
  if (rule.status != 0) {
    if (rule.location.empty()) {
      Refuse(rule.status, rule.details);
    } else {
      RedirectTo(rule.status, rule.details, rule.location);
    }
    return false;
  }
  route_ = FindRoute();
  return true;
}

// An answer to a request that another parser could read differently: nothing after it is read.
void Stream::Refuse(uint32_t status, std::string_view details) {
  downstream_->CloseAfterThis();
  Reply(status, details, observe::ResponseFlag::kDownstreamProtocolError);
}

void Stream::RedirectTo(uint32_t status, std::string_view details, std::string_view location) {
  weir_field field{};
  field.name = "location";
  field.name_size = 8;
  field.token = WEIR_TOKEN_LOCATION;
  field.value = location.data();
  field.value_size = static_cast<uint32_t>(location.size());
  LocalReply reply;
  reply.status = status;
  reply.details = details;
  reply.fields = &field;
  reply.field_count = 1;
  Reply(reply);
}

// A tunnel is opened only where the configuration allows its protocol.
bool Stream::CheckUpgrade() {
  if (!request_.has(WEIR_HEAD_TUNNEL)) return true;
  tunnel_ = true;
  const bool connect = request_.head().protocol.size == 0;
  const std::string_view wanted = connect ? "connect" : http::View(request_.head().protocol);
  if (AllowsTunnel(hcm_->settings(), *route_, wanted)) return true;
  hcm_->stats.downstream_rq_ws_on_non_ws_route->Add();
  LocalReply reply;
  reply.status = 403;
  reply.details = "upgrade_failed";
  reply.close = true;  // the client may have sent bytes of the tunnel already
  Reply(reply);
  return false;
}

bool Stream::CheckLength() {
  if (route_ == nullptr || !request_.has(WEIR_HEAD_HAS_LENGTH) ||
      request_.head().content_length <= route_->max_request_bytes())
    return true;
  hcm_->stats.downstream_rq_too_large->Add();
  Reply(413, "request_payload_too_large");
  return false;
}

void Stream::StartFilters(bool end_stream) {
  if (!CheckLength()) return;
  if (!chain_.Build(hcm_->config->filters, route_, downstream_->hcm()->config->buffer_limit)) {
    if (!finished_ && !local_reply_) Reply(500, "filter_chain_failed");
    return;
  }
  // Asked for while the filters were made: the request then reaches none of their hooks, nor what
  // comes after them.
  if (RunPendingAction()) return;
  if (!hcm_->settings().proxy_100_continue) AnswerContinue();
  if (chain_.empty()) {
    OnChainHeaders(http::kRequest, end_stream);
    return;
  }
  chain_.Headers(http::kRequest, end_stream);
  // A filter that wants the body first keeps the head from the backend, whose 100 would never come.
  if (!request_passed_ && pending_ == nullptr) AnswerContinue();
}

// The client is told to send its body; the backend is not asked any more.
void Stream::AnswerContinue() {
  if (!expects_continue_ || continue_sent_ || finished_ || local_reply_) return;
  continue_sent_ = true;
  request_.head().flags &= ~uint32_t{WEIR_HEAD_EXPECT_CONTINUE};
  weir_head head{};
  head.struct_size = sizeof head;
  head.kind = WEIR_HEAD_INTERIM;
  head.status = 100;
  SendHead(head, false);
}

void Stream::OnChainHeaders(Direction direction, bool end_stream) {
  if (direction == http::kResponse) {
    SendResponseHead(end_stream);
    return;
  }
  if (finished_ || local_reply_) return;
  request_passed_ = true;
  // What the route that a filter had found allows has not been looked at.
  if (route_is_new_ && route_ != nullptr && (!CheckUpgrade() || !CheckLength())) return;
  ServeRoute(end_stream);
}

// Where the route is not to forward, the answer is made here, after the filters.
void Stream::ServeRoute(bool end_stream) {
  if (route_ == nullptr) {
    hcm_->stats.no_route->Add();
    Reply(404, "route_not_found", observe::ResponseFlag::kNoRouteFound);
    return;
  }
  if (const config::DirectResponseAction* direct = route_->direct_response()) {
    hcm_->stats.rq_direct_response->Add();
    LocalReply reply;
    reply.status = direct->status;
    reply.body = direct->body;
    reply.details = "direct_response";
    Reply(reply);
    return;
  }
  if (const config::RedirectAction* redirect = route_->redirect()) {
    hcm_->stats.rq_redirect->Add();
    const http::RedirectedRequest from{hcm_->config->secure ? "https" : "http",
                                       request_.authority(), request_.path()};
    const size_t bound = http::LocationBound(*route_, from);
    auto* room = static_cast<char*>(arena_.Allocate(bound, 1));
    http::ByteSink sink(room, room == nullptr ? 0 : bound);
    const http::Rewrite location = http::RedirectLocation(*route_, from, &sink);
    if (location.status != http::RewriteStatus::kRewritten) return Reply(400, "redirect_failed");
    return RedirectTo(redirect->response_code, "direct_response", location.text);
  }
  hcm_->stats.rq_total->Add();
  terminal_ = hcm_->terminals->Make(this);
  if (terminal_ == nullptr) return Reply(500, "terminal_filter_failed");
  terminal_->OnRequestHead(end_stream);
}

bool Stream::CountRequestBody(uint64_t bytes) {
  request_received_ += bytes;
  info_.bytes_received += bytes;
  if (request_dead_) {
    // Nobody wants it; credited, so that the sender can come to its end.
    request_credited_ += bytes;
    Credit(bytes);
    return false;
  }
  if (route_ != nullptr && request_received_ > route_->max_request_bytes() && !tunnel_) {
    hcm_->stats.downstream_rq_too_large->Add();
    Reply(413, "request_payload_too_large");
    return false;
  }
  return true;
}

void Stream::OnData(base::Slice data, bool end_stream) {
  TouchIdle();
  if (end_stream) RequestEnded();
  if (finished_ || !CountRequestBody(data.size())) return;
  SliceQueue queue(worker()->pool);
  queue.Push(std::move(data));
  if (chain_.empty()) {
    OnChainData(http::kRequest, &queue, end_stream);
  } else {
    chain_.Data(http::kRequest, &queue, end_stream);
  }
  if (!finished_) UpdateRequestCredit();
}

void Stream::OnEnd() {
  RequestEnded();
  if (finished_ || request_dead_) return;
  SliceQueue none(worker()->pool);
  if (chain_.empty()) {
    OnChainData(http::kRequest, &none, true);
  } else {
    chain_.Data(http::kRequest, &none, true);
  }
}

void Stream::OnTrailers(weir_head& head) {
  RequestEnded();
  if (finished_ || request_dead_) return;
  void* memory = arena_.Allocate(sizeof(Message), alignof(Message));
  auto* trailers = memory == nullptr ? nullptr : new (memory) Message(&arena_);
  if (trailers == nullptr ||
      trailers->Take(head, hcm_->settings().max_headers_count) != Message::Verdict::kOk ||
      !trailers->Own()) {
    Reply(400, "http1.invalid_trailers", observe::ResponseFlag::kDownstreamProtocolError);
    return;
  }
  request_trailers_ = trailers;
  if (chain_.empty()) {
    OnChainTrailers(http::kRequest);
  } else {
    chain_.Trailers(http::kRequest);
  }
}

void Stream::OnChainData(Direction direction, SliceQueue* data, bool end_stream) {
  if (direction == http::kResponse) {
    if (!bound() || finished_) return data->Clear();
    if (data->bytes() > 0) SendQueue(data);
    if (end_stream) EndResponse(nullptr);
    return;
  }
  if (terminal_ == nullptr || request_dead_) return data->Clear();
  request_passed_on_ += data->bytes();
  terminal_->OnRequestData(data, end_stream);
}

void Stream::OnChainTrailers(Direction direction) {
  if (direction == http::kResponse) {
    if (!finished_) EndResponse(&response_trailers_->head());
    return;
  }
  trailers_passed_ = true;
  if (terminal_ != nullptr && !request_dead_)
    terminal_->OnRequestTrailers(request_trailers_->head());
}

void Stream::RequestEnded() {
  request_ended_ = true;
  request_deadline_ = rate_deadline_ = 0;
  info_.request_end_ms = worker()->reactor->now_ms();
  StartRouteTimer();
}

void Stream::RequestBodyTaken(uint64_t bytes) {
  request_taken_ += bytes;
  if (!request_dead_) UpdateRequestCredit();
}

// Returns credit for what is no longer held here: neither by a filter that pauses the sender, nor
// on the way to a backend.
void Stream::UpdateRequestCredit() {
  const uint64_t outstanding = request_received_ - request_credited_;
  if (outstanding == 0) return;
  const uint64_t held = chain_.HeldBytes(http::kRequest) + (request_passed_on_ - request_taken_);
  if (held >= outstanding) {
    if (!paused_) hcm_->stats.downstream_flow_control_paused_reading_total->Add();
    paused_ = true;
    return;
  }
  if (paused_) hcm_->stats.downstream_flow_control_resumed_reading_total->Add();
  paused_ = false;
  request_credited_ += outstanding - held;
  Credit(outstanding - held);
}

}  // namespace weir::hcm
