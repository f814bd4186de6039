// The pools of single clients, where connections begin with a header that names one.

#include <algorithm>
#include <utility>

#include "core/upstream/header_io.h"
#include "core/upstream/pool.h"

namespace weir::upstream {
namespace {

// Streams of a client that went may live until their turn is over.
constexpr uint64_t kGoneMs = 1'000;

}  // namespace

std::unique_ptr<net::Io> Pool::WithHeader(std::unique_ptr<net::Io> io) const {
  char header[kMaxProxyHeader];
  const bool known = client_peer_.family() != AF_UNSPEC;
  const size_t size = WriteProxyHeader(config_->proxy_protocol, known ? &client_peer_ : nullptr,
                                       known ? &client_local_ : nullptr, header);
  return std::make_unique<HeaderIo>(std::move(io), std::string_view(header, size));
}

std::unique_ptr<Pool> Pool::MakeForClient(const PoolClient& client) {
  auto pool = std::make_unique<Pool>(worker_, config_, codec_, stats_, 1);
  pool->load_ = load_;
  pool->root_ = root_;
  pool->max_connections_ = max_connections_;
  pool->max_pending_ = max_pending_;
  pool->max_requests_ = max_requests_;
  pool->of_client_ = true;
  if (client.peer != nullptr && client.local != nullptr) {
    pool->client_peer_ = *client.peer;
    pool->client_local_ = *client.local;
  }
  pool->draining_ = draining_;
  if (members_ != nullptr) pool->SetMembers(members_);
  // Else the first endpoint would get the first request of every client.
  const size_t turns = hosts().empty() ? 0 : clients_made_++ % hosts().size();
  for (size_t i = 0; i < turns; ++i) pool->balancer_->Pick(pool->hosts(), nullptr);
  return pool;
}

Pool* Pool::ForClient(const PoolClient& client) {
  SweepGoneClients();
  std::unique_ptr<Pool>& pool = clients_[client.number];
  if (pool == nullptr) pool = MakeForClient(client);
  return pool.get();
}

void Pool::OnClientGone(uint32_t number) {
  if (http2_ != nullptr) http2_->OnClientGone(number);
  const auto found = clients_.find(number);
  if (found == clients_.end()) return;
  std::unique_ptr<Pool> pool = std::move(found->second);
  clients_.erase(found);
  pool->gone_ms_ = worker_->reactor->now_ms();
  pool->Drain();
  gone_clients_.push_back(std::move(pool));
}

bool Pool::Empty() const {
  return all_.empty() && std::all_of(hosts().begin(), hosts().end(),
                                     [](const Host* host) { return host->pending_count == 0; });
}

bool Pool::Unused() const {
  if (users_ != 0 || !Empty() || (http2_ != nullptr && !http2_->Unused())) return false;
  for (const auto& [number, pool] : clients_) {
    if (!pool->Empty()) return false;
  }
  return std::all_of(gone_clients_.begin(), gone_clients_.end(),
                     [](const std::unique_ptr<Pool>& pool) { return pool->Empty(); });
}

void Pool::SweepGoneClients() {
  const uint64_t now = worker_->reactor->now_ms();
  const auto over = [now](const std::unique_ptr<Pool>& pool) {
    return now - pool->gone_ms_ >= kGoneMs && pool->Empty();
  };
  // In the order of their going: those in front have had the most time.
  while (!gone_clients_.empty() && over(gone_clients_.front())) gone_clients_.pop_front();
}

void Pool::DrainClients() {
  for (const auto& [number, pool] : clients_) pool->Drain();
  for (const auto& pool : gone_clients_) pool->Drain();
}

}  // namespace weir::upstream
