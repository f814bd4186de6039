#include "filters/network/http_connection_manager/server_connection.h"

#include <algorithm>
#include <utility>

#include "filters/network/http_connection_manager/served_http.h"
#include "filters/network/http_connection_manager/stream.h"

namespace weir::hcm {
namespace {

uint64_t In(uint64_t now, config::Milliseconds after) {
  return after.count() == 0 ? 0 : now + static_cast<uint64_t>(after.count());
}

uint64_t Sooner(uint64_t a, uint64_t b) {
  return a == 0 ? b : b == 0 ? a : std::min(a, b);
}

// The connection's entry in its listener's books. The connection itself is the client of the Io;
// this object only lives as long.
class Place final : public net::ServedConnection {
 public:
  Place(net::AcceptedConnection&& accepted, const std::shared_ptr<HcmWorker>& hcm)
      : ServedConnection(std::move(accepted), hcm->worker) {
    connection_ = new ServerConnection(hcm, this, std::move(io_));
  }

  // The worker has stopped for good: the connection is still there.
  ~Place() override {
    if (connection_ != nullptr) std::exchange(connection_, nullptr)->Abandon();
  }

  void Begin() { connection_->Begin(); }
  // Between its end and that of the turn there is nothing left to drain.
  void Drain() override {
    if (connection_ != nullptr) connection_->Drain();
  }
  void Describe(net::ConnectionReport* report) override {
    if (connection_ != nullptr) connection_->Describe(report);
  }
  // The connection retires first and so dies first, its socket with it.
  void Gone() {
    if (std::exchange(connection_, nullptr) != nullptr) worker_->reactor->Retire(this);
  }
  void OnIo(bool, bool) override {}

 private:
  ServerConnection* connection_;
};

}  // namespace

void ServeHttp(net::AcceptedConnection&& accepted, const std::shared_ptr<HcmWorker>& hcm) {
  (new Place(std::move(accepted), hcm))->Begin();
}

ServerConnection::ServerConnection(std::shared_ptr<HcmWorker> hcm, net::ServedConnection* place,
                                   std::unique_ptr<net::Io> io)
    : CodecConnection(hcm->worker, std::move(io), &hcm->config->codecs),
      hcm_(std::move(hcm)),
      place_(place) {
  uint32_t& last = context()->last_client;
  if (++last == 0) ++last;
  client_ = last;
  hcm_->stats.downstream_cx_total->Add();
  if (CodecConnection::io()->tls() != nullptr) hcm_->stats.downstream_cx_ssl_total->Add();
  hcm_->stats.downstream_cx_active->Add();
}

ServerConnection::~ServerConnection() = default;

void ServerConnection::Begin() {
  if (!ok()) {
    Finish(false, WEIR_REASON_INTERNAL);
    return;
  }
  const uint64_t now = context()->reactor->now_ms();
  set_flush_ms(static_cast<uint64_t>(hcm_->settings().stream_idle_timeout.count()));
  set_linger_ms(
      static_cast<uint64_t>(std::max<int64_t>(1, hcm_->settings().delayed_close_timeout.count())));
  end_deadline_ = In(now, hcm_->settings().max_connection_duration);
  idle_deadline_ = In(now, hcm_->settings().idle_timeout);
  Arm();
  if (place_->draining()) Drain();
  Start();
}

http::CodecStream* ServerConnection::OnNewStream() {
  if (!multiplexed()) head_deadline_ = 0;  // otherwise OnShown knows
  idle_deadline_ = 0;
  ++streams_;
  ++requests_;
  const uint32_t most = hcm_->settings().max_requests_per_connection;
  if (most != 0 && requests_ >= most && !(multiplexed() ? goaway_begun_ : last_request_)) {
    hcm_->stats.downstream_cx_max_requests_reached->Add();
    last_request_ = true;
    if (multiplexed()) StartGoAway();
  }
  return Stream::Make(this);
}

void ServerConnection::StreamGone() {
  --streams_;
  if (finished() || streams_ > 0) return;
  const uint64_t now = context()->reactor->now_ms();
  // Where the head went out before this was to be the last answer, the client has not heard of it
  // and may be sending already: its next answer says so.
  if (!Reusable()) {
    End(WEIR_REASON_NONE);
    return;
  }
  // Until the rest of the answer is written (OnDrained), the client has the time of an idle stream
  // to take it.
  idle_deadline_ = In(now, hcm_->settings().stream_idle_timeout);
  Arm();
}

void ServerConnection::OnDrained() {
  if (streams_ > 0 || closing()) return;
  const uint64_t now = context()->reactor->now_ms();
  idle_deadline_ =
      In(now, last_request_ ? hcm_->settings().drain_timeout : hcm_->settings().idle_timeout);
  Arm();
}

void ServerConnection::OnPartialInput() {
  // What stands behind the one request of a connection is the next one's, and waits.
  if (streams_ > 0 && !multiplexed()) return;
  // Of many streams' pieces each has its time: a body's bytes go through and leave none.
  if (head_deadline_ != 0 && (!multiplexed() || bytes_parsed() == partial_at_)) return;
  partial_at_ = bytes_parsed();
  head_deadline_ = In(context()->reactor->now_ms(), hcm_->settings().request_headers_timeout);
  Arm();
}

// A piece that was begun and is whole now was no request's head.
void ServerConnection::OnShown(bool rest) {
  if (rest || head_deadline_ == 0) return;
  head_deadline_ = 0;
  Arm();
}

// A client that has many streams learns which of them were not served, those on their way included.
void ServerConnection::End(uint32_t reason) {
  if (multiplexed()) GoAway(2);
  Finish(true, reason);
}

void ServerConnection::StartGoAway() {
  if (goaway_begun_) return;
  goaway_begun_ = true;
  GoAway(1);
  if (decided() && !multiplexed()) return;
  const uint64_t now = context()->reactor->now_ms();
  goaway_deadline_ = now + static_cast<uint64_t>(hcm_->settings().drain_timeout.count());
  Arm();
}

void ServerConnection::CloseAfterThis() {
  // Where many streams share the connection, what one of them did wrong ends there.
  if (!multiplexed()) last_request_ = true;
}

void ServerConnection::TurnAway() {
  last_request_ = true;
  if (multiplexed()) StartGoAway();
}

void ServerConnection::Drain() {
  if (finished() || draining_) return;
  draining_ = true;
  last_request_ = true;
  hcm_->stats.downstream_cx_drain_close->Add();
  if (io() != nullptr) io()->Drain();
  StartGoAway();
  // An idle client may be sending right now: its next request is still answered, with `connection:
  // close`.
  if (streams_ == 0) {
    idle_deadline_ = In(context()->reactor->now_ms(), hcm_->settings().drain_timeout);
    Arm();
  }
}

void ServerConnection::OnInputEnd() {
  if (streams_empty()) Finish(true, WEIR_REASON_NONE);
}

void ServerConnection::OnConnectionError(const weir_error& error) {
  hcm_->stats.downstream_cx_protocol_error->Add();
  CodecConnection::OnConnectionError(error);
}

void ServerConnection::Arm() {
  SetOwnDeadline(
      Sooner(Sooner(head_deadline_, idle_deadline_), Sooner(goaway_deadline_, end_deadline_)));
}

void ServerConnection::OnOwnDeadline() {
  Expire(context()->reactor->now_ms());
  if (!finished()) Arm();
}

void ServerConnection::Expire(uint64_t now) {
  const auto due = [now](uint64_t deadline) { return deadline != 0 && deadline <= now; };
  if (due(end_deadline_)) {
    end_deadline_ = 0;
    hcm_->stats.downstream_cx_max_duration_reached->Add();
    if (streams_ == 0) return End(WEIR_REASON_NONE);
    last_request_ = true;
    StartGoAway();
  }
  if (due(goaway_deadline_)) {
    goaway_deadline_ = 0;
    if (multiplexed()) GoAway(2);
  }
  if (due(head_deadline_)) {
    head_deadline_ = 0;
    hcm_->stats.downstream_rq_header_timeout->Add();
    if (!ExpireHead()) End(WEIR_REASON_TIMEOUT);
    return;
  }
  if (due(idle_deadline_)) {
    idle_deadline_ = 0;
    hcm_->stats.downstream_cx_idle_timeout->Add();
    End(WEIR_REASON_TIMEOUT);
  }
}

void ServerConnection::OnGone(uint32_t) {
  hcm_->terminals->OnClientGone(client_);
  hcm_->stats.downstream_cx_active->Sub();
  hcm_->stats.downstream_cx_destroy->Add();
  hcm_->stats.downstream_cx_length_ms.Record(context()->reactor->now_ms() - place_->since_ms());
  hcm_->stats.downstream_cx_rx_bytes_total->Add(bytes_received());
  hcm_->stats.downstream_cx_tx_bytes_total->Add(bytes_sent());
  static_cast<Place*>(place_)->Gone();
}

}  // namespace weir::hcm
