// What the stream does for its filters.

#include <new>

#include "filters/network/http_connection_manager/server_connection.h"
#include "filters/network/http_connection_manager/stream.h"

namespace weir::hcm {

using http::Direction;
using http::LocalReply;
using http::Message;

http::Message* Stream::ChainMessage(uint32_t which) {
  switch (which) {
    case WEIR_REQUEST:
      return request_.empty() ? nullptr : &request_;
    case WEIR_RESPONSE:
      return response_.empty() || response_gone_ ? nullptr : &response_;
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
    info_.details = "filter_reset";
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

void Stream::CountFailure(const http::FilterEntry& entry) {
  hcm_->stats.filter_failures->Add();
  if (hcm_->config->plugin_host != nullptr && hcm_->config->plugin_host->count != nullptr)
    hcm_->config->plugin_host->count(entry.errors, 1);
}

void Stream::OnChainFailure(const http::FilterEntry&) {
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

void Stream::OnPathChange() {
  if (original_path_.empty()) original_path_ = request_.path();
}

const http::Route* Stream::FindRoute() {
  http::RequestView view;
  view.authority = request_.authority();
  view.path = request_.path();
  view.method = request_.method();
  view.connect = request_.method() == "CONNECT" && request_.path().empty();
  return hcm_->config->routes->Find(view);
}

// The times are the new route's from now on; what it allows is looked at when the head gets there.
const http::Route* Stream::RefreshRoute() {
  route_ = FindRoute();
  route_is_new_ = true;
  UseRouteTimes();
  return route_;
}

uint64_t Stream::BytesAhead(Direction direction) {
  return direction == http::kRequest ? request_passed_on_ - request_taken_ : queued_bytes();
}

Message* Stream::MakeTrailers(Direction direction) {
  void* memory = arena_.Allocate(sizeof(Message), alignof(Message));
  if (memory == nullptr) return nullptr;
  auto* trailers = new (memory) Message(&arena_);
  trailers->Reset(WEIR_HEAD_TRAILERS);
  (direction == http::kRequest ? request_trailers_ : response_trailers_) = trailers;
  return trailers;
}

}  // namespace weir::hcm
