#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/http/out_queue.h"
#include "core/net/network_filter.h"
#include "core/observe/response_flags.h"
#include "filters/network/tcp_proxy/tcp_proxy.h"

namespace weir::tcp_proxy {

// A client's connection and its connection to an endpoint, bytes and ends of each passed to the
// other.
//
//   kConnecting --established--> kRelaying --both ended, a failure, idle--> kDone
//        '--refused or late, attempts left: the next endpoint; none left--> kDone
//
// A side that cannot be written to stops the reading of the other one: at most the connection's
// buffer limit waits each way. A FIN is passed on behind the last byte, the other direction goes
// on; a reset is passed on as a reset.
class TcpConnection final : public net::ServedConnection {
 public:
  TcpConnection(net::AcceptedConnection&& accepted, TcpWorker* shared);
  ~TcpConnection() override;

  void Start();
  void OnIo(bool readable, bool writable) override;
  // What is relayed has no end that we could know: it goes on until it ends itself, or the drain
  // time does. The network filters before it may know better.
  void Drain() override;
  void Describe(net::ConnectionReport* report) override;

 private:
  enum class State : uint8_t { kConnecting, kRelaying, kDone };

  // One side: what was read from it is `pending` on the other.
  struct Side {
    explicit Side(base::SlabPool* pool) : pending(pool) {}
    net::Io* io = nullptr;
    http::OutQueue pending;  // to be written to this side
    bool eof = false;        // the peer has sent its FIN
    bool fin_sent = false;   // and it was passed on to this side
    bool held = false;       // not read, because the other side is behind
  };

  class UpstreamClient final : public net::IoClient {
   public:
    explicit UpstreamClient(TcpConnection* owner) : owner_(owner) {}
    void OnIo(bool, bool) override { owner_->OnUpstreamIo(); }

   private:
    TcpConnection* owner_;
  };

  void OnRead() override { Relay(); }
  void OnFlush() override;
  void OnDeadline() override;
  void OnUpstreamIo();
  void Connect();
  void OnConnectFailed(bool timed_out);
  void LeaveHost();
  void Relay();
  // Both answer false when the connection is over.
  bool ReadFrom(Side* from, Side* to, observe::Cell* bytes);
  bool WriteTo(Side* to, const Side& from);
  void Touch();
  // The timer of the state, or the end of the drain where that comes first. 0: none.
  void Arm(uint64_t after_ms);
  void SetDeadline();
  void Fail(observe::ResponseFlag flag);
  void End();
  void Log();
  void LogByPlugins();

  TcpWorker* shared_;
  State state_ = State::kConnecting;
  uint32_t attempts_ = 0;
  observe::ResponseFlags flags_;
  upstream::Host* host_ = nullptr;
  UpstreamClient upstream_client_{this};
  std::unique_ptr<net::Io> upstream_io_;
  Side downstream_;
  Side upstream_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  uint64_t started_ms_;
  uint64_t idle_deadline_ = 0;   // or that of the connection attempt; 0: none
  uint64_t drain_deadline_ = 0;  // 0: it does not drain
  std::string_view failure_;     // why the endpoint tried last was not reached
  int64_t started_unix_ms_ = 0;
};

}  // namespace weir::tcp_proxy
