#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/config/config.h"
#include "core/http/codec_set.h"
#include "core/net/worker_context.h"
#include "core/observe/stat_names.h"
#include "core/upstream/client_connection.h"
#include "core/upstream/host.h"
#include "core/upstream/host_set.h"
#include "core/upstream/load_balancer.h"
#include "core/upstream/members.h"
#include "core/upstream/transport.h"

namespace weir::upstream {

// How a pool's connections speak to the backends.
struct UpstreamCodec {
  http::CodecSet codecs;                   // client position
  std::shared_ptr<Transport> transport{};  // null: the sockets themselves
};

// What the limits of a cluster count, on one worker.
struct PoolLoad {
  uint32_t connections = 0;
  uint32_t pending = 0;
  uint32_t active_requests = 0;
};

// Whom a pool's connections are for.
struct PoolClient {
  uint32_t number = 0;                 // of the downstream connection; 0: the proxy itself
  const net::Address* peer = nullptr;  // null: none
  const net::Address* local = nullptr;
};

// One cluster on one worker: its hosts and all connections to them, shared by every downstream
// connection of the worker. Limits are the configured ones divided by the number of workers, at
// least 1.
//
// A cluster that is asked in the protocol of the client has two pools side by side, with hosts and
// connections of their own and one load: the limits hold for both together.
//
// A cluster whose connections begin with a header of the PROXY protocol has, likewise, a pool for
// each downstream connection that asks for it: what says that it is for one client never carries
// another one's requests.
class Pool {
 public:
  Pool(net::WorkerContext* worker, const config::Cluster* config, const UpstreamCodec& codec,
       const observe::ClusterStats& stats, uint32_t workers);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Requests of HTTP/2 go to `pool`, of the same cluster, from now on. Before any request.
  void SetHttp2(std::unique_ptr<Pool> pool);
  // The pool for a request that came in this version (weir_head.http_version).
  Pool* ForVersion(uint32_t http_version) {
    return http2_ != nullptr && http_version == 20 ? http2_.get() : this;
  }

  // Its connections say whom they are for: requests go to ForClient's pools only.
  bool speaks_for_clients() const {
    return config_->proxy_protocol != config::ProxyProtocol::kNone;
  }
  Pool* ForClient(const PoolClient& client);
  // Nothing will be asked for it any more: its idle connections go now, its pool when it is empty.
  void OnClientGone(uint32_t number);

  const config::Cluster& config() const { return *config_; }
  net::WorkerContext* worker() const { return worker_; }
  const observe::ClusterStats& stats() const { return stats_; }
  bool draining() const { return draining_; }

  // Streams that may still look at it, or at a pool of its own: it lives as long.
  void AddUser() { ++root_->users_; }
  void DropUser() { --root_->users_; }
  // Nobody looks at it, nobody waits, and no connection is left.
  bool Unused() const;

  // Either calls request->OnConnection now, or queues the request (kNone both times), or says why
  // neither can be. fresh: a connection that carried nothing before, as a replay needs. avoid: a
  // host to stay away from while there is another.
  PoolFailure Acquire(PoolRequest* request, bool fresh, const Host* avoid);
  // The request does not want a connection any more. No-op when it does not wait.
  void Cancel(PoolRequest* request);
  // Counts a request that starts on, or leaves, a host.
  PoolFailure AdmitRequest();
  void RequestDone() {
    --load_->active_requests;
    stats_.upstream_rq_active->Sub();
  }

  // No connection is kept from now on, and idle ones go now. Requests are still served: those that
  // wait, and new ones.
  void Drain();
  // The endpoints of the cluster from now on; before the first call they are the configured ones.
  // Hosts that stay keep their connections. Those that are gone get no further stream: their idle
  // connections end now, others with their last stream, and who waits for one looks elsewhere.
  void SetMembers(std::shared_ptr<const MemberList> members);
  // The same, now and whenever they change, for as long as the pool lives. With worker 0 the
  // membership gauges follow too.
  void Follow(const std::shared_ptr<Members>& members, Members::Post post);
  const std::vector<Host*>& hosts() const { return hosts_.list(); }
  // Those that are gone, and were not empty when last looked at.
  size_t gone_hosts() const { return hosts_.gone(); }
  uint32_t connections() const { return load_->connections; }
  uint32_t pending() const { return load_->pending; }

 private:
  friend class ClientConnection;

  void OnConnected(ClientConnection* connection);
  void OnRoom(ClientConnection* connection);
  // The connection takes no further stream and has some that go on.
  void OnLeaving(ClientConnection* connection);
  void OnGone(ClientConnection* connection, bool was_connecting, bool timed_out);

  // What a connection that streams share may have waiting before it counts as busy. A frame or two
  // of a body on its way are no reason for a second one.
  static constexpr uint64_t kBusyBytes = 65536;

  ClientConnection* FindUsable(Host* host);
  void Spread(Host* host);
  bool MayShare(const Host* host, bool fresh) const;
  void Dial(Host* host);
  // Dials as many as those who wait need beyond the ones on their way. At the limit none, except
  // that no host is left without any.
  void DialForPending(Host* host);
  uint32_t ExpectedOf(const ClientConnection* connection) const;
  void Queue(PoolRequest* request, Host* host);
  void Unqueue(PoolRequest* request);
  PoolRequest* NextFor(Host* host, const ClientConnection* connection);
  void ServePending(Host* host, ClientConnection* connection);
  void Keep(ClientConnection* connection);
  bool WornOut(const ClientConnection* connection) const;
  void FailConnect(ClientConnection* connection, bool timed_out);
  static void UseNextAddress(Host* host);
  void Leave(Host* host);
  std::unique_ptr<net::Io> WithHeader(std::unique_ptr<net::Io> io) const;
  std::unique_ptr<Pool> MakeForClient(const PoolClient& client);
  bool Empty() const;
  void SweepGoneClients();
  void DrainClients();

  net::WorkerContext* worker_;
  const config::Cluster* config_;
  UpstreamCodec codec_;
  observe::ClusterStats stats_;
  HostSet hosts_;
  std::shared_ptr<const MemberList> members_;  // null: those of the configuration
  std::unique_ptr<LoadBalancer> balancer_;
  base::List<ClientConnection, &ClientConnection::all_link_> all_;
  uint32_t max_connections_;
  uint32_t max_pending_;
  uint32_t max_requests_;
  bool draining_ = false;
  PoolLoad own_load_;
  PoolLoad* load_ = &own_load_;
  Pool* root_ = this;
  uint32_t users_ = 0;
  // Of a client's pool.
  bool of_client_ = false;
  net::Address client_peer_;
  net::Address client_local_;
  uint64_t gone_ms_ = 0;  // when the client went
  // Those of clients. They go first: their load is ours.
  uint32_t clients_made_ = 0;
  std::unordered_map<uint32_t, std::unique_ptr<Pool>> clients_;
  std::deque<std::unique_ptr<Pool>> gone_clients_;
  std::unique_ptr<Pool> http2_;  // goes first: its load is ours
  std::unique_ptr<Members::Following> following_;
};

// The form in which sockets take a configured address.
net::Address ToNetAddress(const config::Address& address);

}  // namespace weir::upstream
