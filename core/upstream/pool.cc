#include "core/upstream/pool.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace weir::upstream {
namespace {

uint32_t Share(uint32_t limit, uint32_t workers) {
  return std::max(1u, limit / std::max(1u, workers));
}

}  // namespace

net::Address ToNetAddress(const config::Address& address) {
  switch (address.kind) {
    case config::Address::Kind::kIpv4:
      return net::Address::Ipv4(address.ip.data(), address.port);
    case config::Address::Kind::kIpv6:
      return net::Address::Ipv6(address.ip.data(), address.port);
    default:
      return *net::Address::Unix(address.path, address.mode);
  }
}

Pool::Pool(net::WorkerContext* worker, const config::Cluster* config, const UpstreamCodec& codec,
           const observe::ClusterStats& stats, uint32_t workers)
    : worker_(worker),
      config_(config),
      codec_(codec),
      stats_(stats),
      hosts_(config),
      max_connections_(Share(config->circuit_breakers.max_connections, workers)),
      max_pending_(config->circuit_breakers.max_pending_requests == 0
                       ? 0
                       : Share(config->circuit_breakers.max_pending_requests, workers)),
      max_requests_(Share(config->circuit_breakers.max_requests, workers)) {
  if (config->lb_policy == config::LbPolicy::kLeastRequest) {
    balancer_ = std::make_unique<LeastRequest>(worker->random, config->choice_count);
  } else {
    balancer_ = std::make_unique<RoundRobin>();
  }
}

Pool::~Pool() {
  max_connections_ = 0;  // none is replaced
  while (ClientConnection* connection = all_.front()) connection->Close();
}

void Pool::SetHttp2(std::unique_ptr<Pool> pool) {
  http2_ = std::move(pool);
  http2_->load_ = load_;
  http2_->root_ = root_;
}

PoolFailure Pool::AdmitRequest() {
  if (load_->active_requests >= max_requests_) {
    stats_.upstream_rq_overflow->Add();
    return PoolFailure::kOverflow;
  }
  ++load_->active_requests;
  stats_.upstream_rq_total->Add();
  stats_.upstream_rq_active->Add();
  return PoolFailure::kNone;
}

// Connections with streams come first, so that what is not needed idles and goes; but those that
// are busy come last.
ClientConnection* Pool::FindUsable(Host* host) {
  ClientConnection* busy = nullptr;
  ClientConnection* next;
  for (ClientConnection* connection = host->sharing.front(); connection != nullptr;
       connection = next) {
    next = host->sharing.next(connection);
    if (!connection->Usable()) {
      connection->idle_link_.Unlink();  // it comes back with its room
    } else if (!connection->Busy(kBusyBytes)) {
      return connection;
    } else if (busy == nullptr) {
      busy = connection;
    }
  }
  while (ClientConnection* connection = host->idle.front()) {
    if (connection->Usable()) return connection;
    // It has a FIN or bytes that nobody asked for: whatever was sent on it now could be lost.
    connection->idle_link_.Unlink();
    connection->Close();
  }
  return busy;
}

// All connections to the host are busy. The present request goes on one of them, for its head needs
// no window; those to come find another one.
void Pool::Spread(Host* host) {
  if (draining_ || host->connecting > 0 || load_->connections >= max_connections_ ||
      host->connections - host->leaving >= config_->max_busy_connections) {
    return;
  }
  stats_.upstream_cx_busy->Add();
  Dial(host);
}

// Nobody who waits may be overtaken by one who would take the same connection. At the limit a
// replay shares with others: waiting for them to end could take for ever.
bool Pool::MayShare(const Host* host, bool fresh) const {
  if (fresh) return load_->connections >= max_connections_ && !host->sharing.empty();
  return host->pending_count == host->pending_fresh;
}

PoolFailure Pool::Acquire(PoolRequest* request, bool fresh, const Host* avoid) {
  request->fresh_ = fresh;
  Host* host = balancer_->Pick(hosts_.list(), avoid);
  if (host == nullptr) {
    stats_.upstream_cx_none_healthy->Add();
    return PoolFailure::kNoHealthyHost;
  }
  if (MayShare(host, fresh)) {
    ClientConnection* connection = FindUsable(host);
    if (connection != nullptr && (!fresh || connection->multiplexed())) {
      const bool busy = connection->multiplexed() && connection->Busy(kBusyBytes);
      request->OnConnection(connection, host);
      if (connection->multiplexed()) Keep(connection);  // for others to share
      if (busy) Spread(host);
      return PoolFailure::kNone;
    }
  }
  if (load_->pending >= max_pending_) {
    stats_.upstream_rq_pending_overflow->Add();
    return PoolFailure::kOverflow;
  }
  // No other pool's connection is of use to it, and no end of one would wake it.
  if (of_client_ && host->connections == 0 && load_->connections >= max_connections_) {
    stats_.upstream_cx_overflow->Add();
    return PoolFailure::kOverflow;
  }
  Queue(request, host);
  // As many connections on their way as those who wait need; at the bound they wait for one to
  // become free, but no host is left without any.
  if (host->expected < host->pending_count) {
    if (load_->connections < max_connections_ || host->connections == host->leaving) {
      Dial(host);
    } else {
      stats_.upstream_cx_overflow->Add();
      // Nothing else would end an idle connection for a request that cannot use it; its end dials.
      if (fresh && !host->idle.empty()) host->idle.back()->Close();
    }
  }
  return PoolFailure::kNone;
}

void Pool::Queue(PoolRequest* request, Host* host) {
  request->pending_host_ = host;
  host->pending.PushBack(request);
  ++host->pending_count;
  if (request->fresh_) ++host->pending_fresh;
  ++load_->pending;
  stats_.upstream_rq_pending_total->Add();
  stats_.upstream_rq_pending_active->Add();
}

void Pool::Unqueue(PoolRequest* request) {
  request->pending_link_.Unlink();
  --request->pending_host_->pending_count;
  if (request->fresh_) --request->pending_host_->pending_fresh;
  request->pending_host_ = nullptr;
  --load_->pending;
  stats_.upstream_rq_pending_active->Sub();
}

void Pool::Cancel(PoolRequest* request) {
  if (!request->waiting()) return;
  Unqueue(request);
  stats_.upstream_rq_cancelled->Add();
}

void Pool::Dial(Host* host) {
  std::unique_ptr<net::Io> io = worker_->dialer->Dial(host->address);
  if (of_client_) io = WithHeader(std::move(io));
  if (codec_.transport != nullptr) io = codec_.transport->Wrap(std::move(io), *host->endpoint);
  auto* connection = new ClientConnection(this, host, std::move(io), &codec_.codecs);
  connection->address_index_ = host->address_index;
  connection->expected_ = ExpectedOf(connection);
  host->expected += connection->expected_;
  ++host->connections;
  ++host->connecting;
  ++host->totals.connections;
  ++load_->connections;
  stats_.upstream_cx_total->Add();
  stats_.upstream_cx_active->Add();
  all_.PushBack(connection);
  if (!connection->ok()) {
    connection->Close();
    return;
  }
  connection->StartConnecting(static_cast<uint64_t>(config_->connect_timeout.count()));
}

void Pool::DialForPending(Host* host) {
  if (max_connections_ == 0) return;
  while (host->pending_count > host->expected &&
         (load_->connections < max_connections_ || host->connections == host->leaving))
    Dial(host);
}

// A backend that shares a connection is taken to allow as many streams as we do, until one of its
// connections has shown otherwise.
uint32_t Pool::ExpectedOf(const ClientConnection* connection) const {
  const http::CodecChoice& first = codec_.codecs.choices.front();
  const bool many = connection->decided() ? connection->multiplexed() : first.multiplexed();
  if (!many) return 1;
  uint32_t most = std::max(1u, first.params.max_streams);
  if (connection->host()->room != 0) most = std::min(most, connection->host()->room);
  const uint32_t wears_out = config_->max_requests_per_connection;
  return wears_out == 0 ? most : std::min(most, wears_out);
}

void Pool::OnConnected(ClientConnection* connection) {
  Host* host = connection->host();
  --host->connecting;
  host->expected -= connection->expected_;
  host->room = std::max(1u, connection->Capacity());
  connection->fresh_ = true;
  OnRoom(connection);
  connection->fresh_ = false;
}

bool Pool::WornOut(const ClientConnection* connection) const {
  return config_->max_requests_per_connection != 0 &&
         connection->requests() >= config_->max_requests_per_connection;
}

void Pool::OnRoom(ClientConnection* connection) {
  ServePending(connection->host(), connection);
}

void Pool::OnLeaving(ClientConnection* connection) {
  if (std::exchange(connection->leaving_, true)) return;
  ++connection->host()->leaving;
  DialForPending(connection->host());
}

// Whoever waited longest of those that the connection is good enough for.
PoolRequest* Pool::NextFor(Host* host, const ClientConnection* connection) {
  PoolRequest* request = host->pending.front();
  if (connection->requests() == 0 || connection->fresh_) return request;
  if (connection->multiplexed() && load_->connections >= max_connections_) return request;
  while (request != nullptr && request->fresh_) request = host->pending.next(request);
  return request;
}

void Pool::ServePending(Host* host, ClientConnection* connection) {
  while (connection->Usable()) {
    PoolRequest* request = NextFor(host, connection);
    if (request == nullptr) break;
    Unqueue(request);
    request->OnConnection(connection, host);
  }
  if (connection->finished() || connection->state() != ClientConnection::State::kReady) return;
  // There may be room by now for those who still wait: another host's connection made it, and did
  // not dial for them.
  DialForPending(host);
  // Those who still wait want another connection, for which there is no room beside this one.
  const bool in_the_way =
      host->pending_count > host->expected && load_->connections >= max_connections_;
  if (connection->active() == 0 && (draining_ || host->gone || in_the_way)) {
    connection->Close();
  } else {
    Keep(connection);
  }
}

void Pool::Keep(ClientConnection* connection) {
  connection->idle_link_.Unlink();
  if (!connection->Usable()) return;
  if (connection->active() > 0) {
    connection->host()->sharing.PushFront(connection);
    return;
  }
  connection->host()->idle.PushFront(connection);
  const auto idle = static_cast<uint64_t>(config_->idle_timeout.count());
  connection->SetOwnDeadline(idle == 0 ? 0 : worker_->reactor->now_ms() + idle);
}

void Pool::OnGone(ClientConnection* connection, bool was_connecting, bool timed_out) {
  Host* host = connection->host();
  --host->connections;
  --load_->connections;
  stats_.upstream_cx_active->Sub();
  stats_.upstream_cx_destroy->Add();
  stats_.upstream_cx_rx_bytes_total->Add(connection->bytes_received());
  stats_.upstream_cx_tx_bytes_total->Add(connection->bytes_sent());
  if (connection->leaving_) --host->leaving;
  if (was_connecting) {
    --host->connecting;
    host->expected -= connection->expected_;
    FailConnect(connection, timed_out);
  }
  // Requests that waited for this connection need another one, also while the pool drains. At the
  // limit too where this was the host's last: the connections of other hosts are of no use to them.
  DialForPending(host);
}

// A host name may stand for several addresses: the one that failed is left for the next, round and
// round. Connects that were under way together fail together, and leave it once.
void Pool::UseNextAddress(Host* host) {
  if (host->addresses.size() == 1) return;
  host->address_index = (host->address_index + 1) % static_cast<uint32_t>(host->addresses.size());
  host->address = host->addresses[host->address_index];
}

// One failed connect costs those who waited for it one attempt each: the first ones, which waited
// longest. They look for another host.
void Pool::FailConnect(ClientConnection* connection, bool timed_out) {
  Host* host = connection->host();
  ++host->totals.connect_failures;
  host->connect_error = timed_out ? ETIMEDOUT : connection->io()->error();
  (timed_out ? stats_.upstream_cx_connect_timeout : stats_.upstream_cx_connect_fail)->Add();
  if (host->address_index == connection->address_index_) UseNextAddress(host);
  if (host->pending_count <= host->expected) return;
  const uint32_t costs = std::min(connection->expected_, host->pending_count - host->expected);
  for (uint32_t i = 0; i < costs; ++i) {
    PoolRequest* request = host->pending.front();
    if (request == nullptr) return;
    Unqueue(request);
    PoolFailure failure = timed_out ? PoolFailure::kConnectTimeout : PoolFailure::kConnectFailed;
    if (++request->connect_attempts_ < config_->max_connect_attempts) {
      failure = Acquire(request, request->fresh_, host);
      if (failure == PoolFailure::kNone) continue;
    } else {
      stats_.upstream_cx_connect_attempts_exceeded->Add();
    }
    request->OnNoConnection(failure, host);
  }
}

void Pool::Drain() {
  draining_ = true;
  if (http2_ != nullptr) http2_->Drain();
  DrainClients();
  for (Host* host : hosts_.list()) {
    while (ClientConnection* connection = host->idle.front()) {
      connection->idle_link_.Unlink();
      connection->Close();
    }
  }
}

}  // namespace weir::upstream
