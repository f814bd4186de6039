#include "filters/http/mux/mux_stream.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/http/route/rewrite.h"

namespace weir::mux {

using http::LocalReply;
using http::SliceQueue;
using upstream::PoolFailure;

MuxStream::MuxStream(http::TerminalHost* host, upstream::Pool* pool)
    : host_(host),
      pool_(pool),
      waiting_(host->worker()->pool),
      kept_(host->worker()->pool),
      attachment_(this, host->worker()->pool) {
  if (pool_ != nullptr) pool_->AddUser();
}

MuxStream::~MuxStream() {
  Unlink(WEIR_REASON_CANCEL);
  if (pool_ != nullptr) pool_->DropUser();
}

void MuxStream::OnRequestHead(bool end_stream) {
  head_end_ = request_ended_ = end_stream;
  if (pool_ == nullptr) {
    Fail({503, "cluster_not_found", observe::ResponseFlag::kNoClusterFound, false});
    return;
  }
  host_->info().cluster = pool_->config().name;
  const PoolFailure failure = pool_->AdmitRequest();
  if (failure != PoolFailure::kNone) return Fail(AnswerFor(failure));
  admitted_ = true;
  Link(false, nullptr);
}

void MuxStream::Link(bool fresh, const upstream::Host* avoid) {
  state_ = State::kLink;
  const PoolFailure failure = pool_->Acquire(this, fresh, avoid);
  if (failure != PoolFailure::kNone) Fail(AnswerFor(failure));
}

bool MuxStream::BuildHead(weir_head* head) {
  *head = host_->request().head();
  head->group = host_->client();
  const http::Route* route = host_->route();
  const auto* forward = route->forward();
  if (!forward->prefix_rewrite.empty() && head->path.size > 0) {
    const std::string_view path = http::View(head->path);
    const size_t bound = http::RewritePathBound(*route, path);
    auto* room = static_cast<char*>(host_->arena()->Allocate(bound, 1));
    if (room == nullptr) return false;
    http::ByteSink sink(room, bound);
    const http::Rewrite rewrite = http::RewritePath(*route, path, &sink);
    if (rewrite.status != http::RewriteStatus::kUnchanged &&
        rewrite.status != http::RewriteStatus::kRewritten)
      return false;
    head->path = http::View(rewrite.text);
  }
  head->authority = http::View(http::RewriteAuthority(*route, http::View(head->authority)));
  return true;
}

void MuxStream::OnConnection(upstream::ClientConnection* connection, upstream::Host* host) {
  weir_head head;
  if (!BuildHead(&head)) {
    return Fail(
        {400, "path_rewrite_failed", observe::ResponseFlag::kDownstreamProtocolError, false});
  }
  if (!attachment_.Attach(connection, host)) {
    return Fail(AnswerFor(static_cast<uint32_t>(WEIR_REASON_CLOSED), false));
  }
  state_ = State::kLinked;
  http::StreamInfo& info = host_->info();
  ++info.attempts;
  NoteHost(*host, &connection->local());
  if (info.upstream_start_ms == 0) info.upstream_start_ms = host_->worker()->reactor->now_ms();
  if (attachment_.SendHead(head, head_end_) != WEIR_OK) {
    Unlink(WEIR_REASON_INTERNAL);
    return Fail({500, "codec_refused_request", observe::ResponseFlag::kLocalReset, false});
  }
  if (head_end_) return;
  if (replayed_ && !kept_.empty()) {
    for (uint32_t i = 0; i < kept_.count(); ++i) attachment_.SendData(kept_.at(i).Share());
  }
  SendBody();
}

// Copies: host and connection may be gone when the stream is logged.
void MuxStream::NoteHost(const upstream::Host& host, const net::Address* local) {
  const bool known = local != nullptr && local->family() != AF_UNSPEC;
  auto* addresses = host_->arena()->AllocateArray<net::Address>(known ? 2 : 1);
  http::StreamInfo& info = host_->info();
  info.upstream_local = nullptr;
  if (addresses == nullptr) return;
  info.upstream = new (&addresses[0]) net::Address(host.address);
  if (known) info.upstream_local = new (&addresses[1]) net::Address(*local);
}

void MuxStream::OnNoConnection(PoolFailure failure, upstream::Host* host) {
  if (host != nullptr) {
    NoteHost(*host, nullptr);
    host_->info().upstream_failure = WordsFor(failure, host->connect_error);
  }
  Fail(AnswerFor(failure));
}

void MuxStream::OnRequestData(SliceQueue* data, bool end_stream) {
  if (state_ == State::kUnlinked) {
    // An answer is on its way without the rest: the bytes are dropped, and credited so that the
    // client is not stuck.
    host_->RequestBodyTaken(data->bytes());
    data->Clear();
    return;
  }
  request_ended_ = request_ended_ || end_stream;
  data->MoveTo(&waiting_);
  if (state_ == State::kLinked) SendBody();
}

void MuxStream::OnRequestTrailers(const weir_head& trailers) {
  trailers_ = &trailers;
  request_ended_ = true;
  if (state_ == State::kLinked) SendBody();
}

void MuxStream::SendBody() {
  if (!waiting_.empty()) {
    Keep(&waiting_);
    attachment_.SendQueue(&waiting_);
  }
  if (request_ended_) attachment_.SendEnd(trailers_);
}

// Shares what is sent, until the answer begins or there is too much of it.
void MuxStream::Keep(SliceQueue* data) {
  if (!body_kept_ || response_started_ || tunnel_) {
    body_kept_ = false;
    return;
  }
  if (kept_.bytes() + data->bytes() > kReplayLimit) {
    body_kept_ = false;
    kept_.Clear();
    return;
  }
  for (uint32_t i = 0; i < data->count(); ++i) {
    const base::Slice& slice = data->at(i);
    kept_.Push(slice.wasteful() ? base::CopyToFit(kept_.pool(), slice) : slice.Share());
  }
}

void MuxStream::OnUpstreamTaken(uint64_t bytes) {
  const uint64_t again = std::min(uncredited_, bytes);
  uncredited_ -= again;
  host_->RequestBodyTaken(bytes - again);
}

void MuxStream::OnResponseTaken(uint64_t bytes) {
  response_held_ -= std::min(response_held_, bytes);
  attachment_.Credit(bytes);
  if (response_paused_) NotePause();
}

void MuxStream::OnUpstreamHead(weir_head& head, bool end_stream) {
  response_started_ = true;
  kept_.Clear();
  body_kept_ = false;
  if (head.kind == WEIR_HEAD_INTERIM) {
    host_->RespondInterim(head);
    return;
  }
  head_forwarded_ = true;
  tunnel_ = (head.flags & WEIR_HEAD_TUNNEL) != 0;
  host_->info().upstream_head_ms = host_->worker()->reactor->now_ms();
  host_->info().upstream_version = head.http_version;
  pool_->stats().CountResponse(head.status);
  // One that is cut short later has been answered all the same.
  ++(head.status < 500 ? attachment_.host()->totals.successes : attachment_.host()->totals.errors);
  if (replayed_ && head.status < 500) pool_->stats().upstream_rq_retry_success->Add();
  host_->RespondHead(head, end_stream);
  if (end_stream) Finish();
}

void MuxStream::OnUpstreamData(base::Slice data, bool end_stream) {
  response_held_ += data.size();
  host_->RespondData(std::move(data), end_stream);
  if (end_stream) return Finish();
  NotePause();
}

// The backend may send no more than its window until the client has taken some: that is when it is
// paused.
void MuxStream::NotePause() {
  const bool paused = response_held_ >= pool_->config().per_connection_buffer_limit_bytes;
  if (paused == response_paused_) return;
  response_paused_ = paused;
  const observe::ClusterStats& stats = pool_->stats();
  (paused ? stats.upstream_flow_control_paused_reading_total
          : stats.upstream_flow_control_resumed_reading_total)
      ->Add();
}

void MuxStream::OnUpstreamTrailers(weir_head& head) {
  host_->RespondTrailers(head);
  Finish();
}

void MuxStream::OnUpstreamEnd() {
  host_->RespondEnd();
  Finish();
}

void MuxStream::OnUpstreamSent() {
  host_->info().upstream_sent_ms = host_->worker()->reactor->now_ms();
  if (tunnel_ && attachment_.received_all()) Finish();
}

// The answer is complete. What the backend did not take of the request, nobody wants any more; a
// tunnel's other half goes on.
void MuxStream::Finish() {
  if (state_ != State::kLinked) return;
  if (tunnel_ && !attachment_.sent_all()) return;
  pool_->stats().upstream_rq_completed->Add();
  http::StreamInfo& info = host_->info();
  info.upstream_end_ms = host_->worker()->reactor->now_ms();
  if (!tunnel_)
    pool_->stats().upstream_rq_time.Record(info.upstream_end_ms - info.upstream_start_ms);
  const uint64_t dropped = attachment_.queued_bytes();
  Unlink(WEIR_REASON_NO_ERROR);
  // Credited, so that a client that reads nothing before it has sent everything comes to its end.
  if (dropped > uncredited_) host_->RequestBodyTaken(dropped - uncredited_);
  if (tunnel_) host_->TunnelOver();
}

void MuxStream::OnUpstreamReset(const weir_error& error) {
  const uint32_t reason = error.reason;
  if (state_ != State::kLinked) return;
  AttemptEnd end;
  end.reason = reason;
  end.request_written = attachment_.WroteSinceAttach();
  end.response_started = response_started_ || attachment_.ReceivedSinceAttach();
  end.head_forwarded = head_forwarded_;
  end.idempotent = IsIdempotent(host_->request().method());
  end.body_kept = body_kept_;
  end.replayed = replayed_;
  pool_->stats().upstream_rq_rx_reset->Add();
  upstream::Host* host = attachment_.host();
  if (!head_forwarded_) ++host->totals.errors;
  const bool replay = DecideEnd(end) == EndAction::kReplay;
  const uint64_t queued = std::min(attachment_.queued_bytes(), kept_.bytes());
  attachment_.Detach(reason);
  if (!replay) return Fail(AnswerFor(LoggedReason(error), end.head_forwarded));
  replayed_ = true;
  // What still stood in the first attempt's queue was not credited then, and is when it is taken
  // now.
  uncredited_ = kept_.bytes() - queued;
  pool_->stats().upstream_rq_retry->Add();
  Link(true, pool_->hosts().size() > 1 ? host : nullptr);
}

void MuxStream::Unlink(uint32_t reason) {
  if (pool_ != nullptr) pool_->Cancel(this);
  attachment_.Detach(reason);
  waiting_.Clear();
  kept_.Clear();
  state_ = State::kUnlinked;
  if (std::exchange(admitted_, false)) pool_->RequestDone();
}

void MuxStream::OnCancel(uint32_t reason) {
  if (reason == WEIR_REASON_TIMEOUT && pool_ != nullptr) {
    pool_->stats().upstream_rq_timeout->Add();
    if (attachment_.attached()) {
      ++attachment_.host()->totals.timeouts;
      if (!head_forwarded_) ++attachment_.host()->totals.errors;
    }
  }
  if (attachment_.attached() && pool_ != nullptr) {
    // Without an error the answer was whole before the backend said so.
    const observe::ClusterStats& stats = pool_->stats();
    (reason == WEIR_REASON_NO_ERROR ? stats.upstream_rq_completed : stats.upstream_rq_tx_reset)
        ->Add();
  }
  Unlink(reason);
}

void MuxStream::Fail(const FailureAnswer& answer) {
  Unlink(WEIR_REASON_INTERNAL);
  LocalReply reply;
  reply.status = answer.status;
  reply.details = answer.details;
  reply.body = answer.details;
  reply.flags.Set(answer.flag);
  if (replayed_) reply.flags.Set(observe::ResponseFlag::kUpstreamRetryLimitExceeded);
  reply.overloaded = answer.overloaded;
  host_->RespondFailure(reply);
}

}  // namespace weir::mux
