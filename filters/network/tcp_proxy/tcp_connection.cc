#include "filters/network/tcp_proxy/tcp_connection.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "core/net/connection_report.h"
#include "core/upstream/connect_failure.h"
#include "core/upstream/header_io.h"
#include "filters/network/tcp_proxy/logged_connection.h"

namespace weir::tcp_proxy {
namespace {

constexpr uint64_t kReadPerTurn = 262144;

uint64_t Ms(std::chrono::milliseconds time) {
  return static_cast<uint64_t>(time.count());
}

int64_t UnixMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

TcpConnection::TcpConnection(net::AcceptedConnection&& accepted, TcpWorker* shared)
    : ServedConnection(std::move(accepted), shared->worker),
      shared_(shared),
      downstream_(worker_->pool),
      upstream_(worker_->pool),
      started_ms_(worker_->reactor->now_ms()) {
  downstream_.io = io_.get();
  io_->set_client(this);
  shared_->stats.downstream_cx_total->Add();
  shared_->stats.downstream_cx_active->Add();
  if (!shared_->logs.empty() || shared_->loggers != nullptr) started_unix_ms_ = UnixMs();
}

TcpConnection::~TcpConnection() {
  // The worker has stopped while this one was open.
  if (state_ != State::kDone) Log();
  LeaveHost();
  shared_->stats.downstream_cx_active->Sub();
}

void TcpConnection::Describe(net::ConnectionReport* report) {
  report->protocol = "tcp";
  report->bytes_received = received_;
  report->bytes_sent = sent_;
  if (state_ == State::kConnecting) {
    report->waits_for = "a connection to the backend";
  } else if (!downstream_.pending.empty()) {
    report->waits_for = "the client to take what waits";
  } else if (!upstream_.pending.empty()) {
    report->waits_for = "the backend to take what waits";
  } else {
    report->waits_for = "bytes of either side";
  }
}

void TcpConnection::Start() {
  Connect();
  if (draining()) Drain();
}

void TcpConnection::Drain() {
  if (state_ == State::kDone || drain_deadline_ != 0) return;
  io_->Drain();
  drain_deadline_ = worker_->reactor->now_ms() + shared_->drain_ms;
  SetDeadline();
}

void TcpConnection::Arm(uint64_t after_ms) {
  idle_deadline_ = after_ms == 0 ? 0 : worker_->reactor->now_ms() + after_ms;
  SetDeadline();
}

void TcpConnection::SetDeadline() {
  // 0 is "none": one less makes it the farthest.
  worker_->reactor->SetDeadline(this, std::min(idle_deadline_ - 1, drain_deadline_ - 1) + 1);
}

void TcpConnection::Connect() {
  upstream::Host* tried = host_;
  LeaveHost();
  observe::ResponseFlag why = observe::ResponseFlag::kNoHealthyUpstream;
  host_ = shared_->cluster->Enter(tried, &why);
  if (host_ == nullptr) {
    shared_->stats.downstream_cx_no_route->Add();
    Fail(why);
    return;
  }
  ++attempts_;
  upstream_io_ = worker_->dialer->Dial(host_->address);
  char header[upstream::kMaxProxyHeader];
  const size_t size = upstream::WriteProxyHeader(shared_->cluster->config().proxy_protocol, &peer(),
                                                 &local(), header);
  if (size > 0) {
    upstream_io_ = std::make_unique<upstream::HeaderIo>(std::move(upstream_io_),
                                                        std::string_view(header, size));
  }
  if (shared_->transport != nullptr)
    upstream_io_ = shared_->transport->Wrap(std::move(upstream_io_), *host_->endpoint);
  upstream_io_->set_client(&upstream_client_);
  upstream_.io = upstream_io_.get();
  Arm(Ms(shared_->cluster->config().connect_timeout));
}

void TcpConnection::LeaveHost() {
  if (host_ != nullptr) shared_->cluster->Leave(host_);
  host_ = nullptr;
}

void TcpConnection::OnConnectFailed(bool timed_out) {
  const observe::ClusterStats& stats = shared_->cluster->stats();
  (timed_out ? stats.upstream_cx_connect_timeout : stats.upstream_cx_connect_fail)->Add();
  failure_ = timed_out ? "connect timeout" : upstream::ConnectFailureText(upstream_io_->error());
  if (attempts_ < shared_->config->max_connect_attempts) {
    Connect();
    return;
  }
  stats.upstream_cx_connect_attempts_exceeded->Add();
  flags_.Set(observe::ResponseFlag::kUpstreamRetryLimitExceeded);
  Fail(observe::ResponseFlag::kUpstreamConnectionFailure);
}

void TcpConnection::OnUpstreamIo() {
  if (state_ == State::kDone) return;
  if (state_ == State::kConnecting) {
    if (!upstream_io_->connected()) {
      OnConnectFailed(false);
      return;
    }
    state_ = State::kRelaying;
    failure_ = {};
    Touch();
  }
  Relay();
}

void TcpConnection::OnIo(bool, bool) {
  Relay();
}

void TcpConnection::Touch() {
  Arm(Ms(shared_->config->idle_timeout));
}

void TcpConnection::Relay() {
  if (state_ != State::kRelaying) return;
  if (!ReadFrom(&downstream_, &upstream_, shared_->stats.downstream_cx_rx_bytes_total)) return;
  if (!ReadFrom(&upstream_, &downstream_, shared_->cluster->stats().upstream_cx_rx_bytes_total))
    return;
  worker_->reactor->MarkDirty(this);
}

bool TcpConnection::ReadFrom(Side* from, Side* to, observe::Cell* bytes) {
  uint64_t total = 0;
  // A RST that came with bytes is part of their edge and says so only to who reads once more.
  bool look_again = false;
  while ((from->io->readable() || look_again) && !from->eof && total < kReadPerTurn &&
         to->pending.bytes() < buffer_limit()) {
    base::Slab* slab = worker_->receive->Prepare();
    const auto room = static_cast<uint32_t>(
        std::min<uint64_t>(slab->room(), buffer_limit() - to->pending.bytes()));
    const ssize_t got = from->io->Read(slab->data() + slab->used, room);
    if (got == net::kFailed) {
      Fail(from == &upstream_ ? observe::ResponseFlag::kUpstreamConnectionTermination
                              : observe::ResponseFlag::kDownstreamConnectionTermination);
      return false;
    }
    if (got == 0) from->eof = true;
    if (got <= 0) break;
    const auto size = static_cast<uint32_t>(got);
    to->pending.Push(base::Slice::Of(slab, slab->data() + slab->used, size));
    slab->used += size;
    total += size;
    look_again = true;
  }
  if (total == 0) return true;
  bytes->Add(total);
  (from == &downstream_ ? received_ : sent_) += total;
  Touch();
  return true;
}

bool TcpConnection::WriteTo(Side* to, const Side& from) {
  if (!to->pending.empty() && to->io->writable()) {
    const ssize_t put = to->pending.WriteTo(to->io);
    if (put == net::kFailed) {
      Fail(to == &upstream_ ? observe::ResponseFlag::kUpstreamConnectionTermination
                            : observe::ResponseFlag::kDownstreamConnectionTermination);
      return false;
    }
    if (put > 0) {
      (to == &upstream_ ? shared_->cluster->stats().upstream_cx_tx_bytes_total
                        : shared_->stats.downstream_cx_tx_bytes_total)
          ->Add(static_cast<uint64_t>(put));
      Touch();
    }
  }
  if (to->pending.empty() && from.eof && !to->fin_sent) {
    to->fin_sent = true;
    to->io->ShutdownWrite();
  }
  // What the socket does not take waits: small rests must not pin large slabs.
  if (!to->pending.empty()) to->pending.Compact();
  return true;
}

void TcpConnection::OnFlush() {
  if (state_ != State::kRelaying) return;
  if (!WriteTo(&upstream_, downstream_) || !WriteTo(&downstream_, upstream_)) return;
  if (upstream_.fin_sent && downstream_.fin_sent) {
    // An Io may hold what it took (net::Io::writable).
    if (upstream_.io->writable() && downstream_.io->writable()) End();
    return;
  }
  const bool hold = upstream_.pending.bytes() >= buffer_limit();
  if (hold != downstream_.held) {
    downstream_.held = hold;
    (hold ? shared_->stats.downstream_flow_control_paused_reading_total
          : shared_->stats.downstream_flow_control_resumed_reading_total)
        ->Add();
  }
  const bool more_up = downstream_.io->readable() && !downstream_.eof && !hold;
  const bool more_down =
      upstream_.io->readable() && !upstream_.eof && downstream_.pending.bytes() < buffer_limit();
  if (more_up || more_down) worker_->reactor->WantRead(this);
}

void TcpConnection::OnDeadline() {
  if (drain_deadline_ != 0 && drain_deadline_ <= worker_->reactor->now_ms()) {
    shared_->stats.downstream_cx_drain_close->Add();
    End();
    return;
  }
  if (state_ == State::kConnecting) {
    OnConnectFailed(true);
    return;
  }
  shared_->stats.idle_timeout->Add();
  flags_.Set(observe::ResponseFlag::kStreamIdleTimeout);
  End();
}

// The peers learn that this was no orderly end.
void TcpConnection::Fail(observe::ResponseFlag flag) {
  flags_.Set(flag);
  if (state_ == State::kRelaying) {
    io_->AbortOnClose();
    upstream_io_->AbortOnClose();
  }
  End();
}

void TcpConnection::End() {
  if (state_ == State::kDone) return;
  state_ = State::kDone;
  Log();
  worker_->reactor->Retire(this);
}

void TcpConnection::LogByPlugins() {
  ConnectionRecord record;
  record.start_unix_ms = started_unix_ms_;
  record.duration_ms = worker_->reactor->now_ms() - started_ms_;
  record.bytes_received = received_;
  record.bytes_sent = sent_;
  record.attempts = attempts_;
  record.flags = flags_;
  record.listener = shared_->listener;
  record.cluster = shared_->cluster_name;
  record.upstream_failure = failure_;
  net::Address upstream;
  net::Address local;
  if (host_ != nullptr) record.upstream = &(upstream = host_->address);
  if (upstream_io_ != nullptr && upstream_io_->connected() && upstream_io_->LocalAddress(&local))
    record.upstream_local = &local;
  server::ConnectionFacts facts(peer(), this->local(), io(), notes(), id());
  LoggedConnection(record, &facts, worker_->pool).Log(*shared_->loggers);
}

void TcpConnection::Log() {
  if (shared_->loggers != nullptr) LogByPlugins();
  if (shared_->logs.empty()) return;
  char host[net::Address::kMaxText];
  observe::AccessLogRecord record;
  record.start_time_unix_ms = started_unix_ms_;
  record.bytes_received = received_;
  record.bytes_sent = sent_;
  record.duration_ms = worker_->reactor->now_ms() - started_ms_;
  record.flags = flags_;
  if (host_ != nullptr) record.upstream_host = {host, host_->address.Print(host)};
  for (observe::AccessLogBuffer* log : shared_->logs) log->Log(record);
}

}  // namespace weir::tcp_proxy
