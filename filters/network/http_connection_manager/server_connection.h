#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/http/codec_connection.h"
#include "core/net/network_filter.h"
#include "filters/network/http_connection_manager/hcm.h"

namespace weir::hcm {

class Stream;

// A downstream connection of the HTTP connection manager: makes a Stream for each request that its
// codec sees, and keeps the connection's own times: for a head to arrive, for idling, for its whole
// life.
class ServerConnection final : public http::CodecConnection {
 public:
  // place holds the listener's count of the connection and outlives it.
  ServerConnection(std::shared_ptr<HcmWorker> hcm, net::ServedConnection* place,
                   std::unique_ptr<net::Io> io);
  ~ServerConnection() override;

  void Begin();
  void Drain();
  void Describe(net::ConnectionReport* report);
  // Ends here and now, whatever is under way.
  void Abandon() { Finish(false, WEIR_REASON_CLOSED); }

  HcmWorker* hcm() const { return hcm_.get(); }
  const net::Address& peer() const { return place_->peer(); }
  const net::Address& local() const { return place_->local(); }
  // The socket's peer.
  const net::Address& direct() const { return place_->direct(); }
  // Null: listener filters noted nothing.
  const net::ConnectionNotes* notes() const { return place_->notes(); }
  bool last_request() const { return last_request_; }
  // Its number on this worker, never 0.
  uint32_t client() const { return client_; }
  // A number that no other connection of this process has or had.
  uint64_t id() const { return place_->id(); }
  // Null without TLS.
  const net::TlsSession* tls() const { return io() == nullptr ? nullptr : io()->tls(); }

  // A stream of this connection is over for good.
  void StreamGone();
  // No further request is taken: the present answer says so. Without effect where other streams
  // share the connection.
  void CloseAfterThis();
  // The same where it is not the request's fault: a client that has many streams is sent away too,
  // with the time to hear of it.
  void TurnAway();
  // The present answer is cut where only the end of the connection says how long it is: that must
  // not look like an end.
  void CutAnswer() { AbortAtEnd(); }

 private:
  http::CodecStream* OnNewStream() override;
  void OnInputEnd() override;
  void OnPartialInput() override;
  void OnShown(bool rest) override;
  void OnDrained() override;
  void OnGone(uint32_t reason) override;
  void OnOwnDeadline() override;
  void OnConnectionError(const weir_error& error) override;

  void End(uint32_t reason);
  // Begins the end: a client that has many streams hears of it first, and has drain_timeout to stop
  // opening new ones.
  void StartGoAway();
  void Arm();
  void Expire(uint64_t now);

  std::shared_ptr<HcmWorker> hcm_;
  net::ServedConnection* place_;
  uint64_t head_deadline_ = 0;  // 0: no head has begun, and no piece of many streams' input
  uint64_t partial_at_ = 0;     // which piece that is, by the bytes before it
  uint64_t idle_deadline_ = 0;
  uint64_t end_deadline_ = 0;     // max_connection_duration
  uint64_t goaway_deadline_ = 0;  // the second step of a goaway
  uint32_t client_ = 0;
  uint32_t streams_ = 0;
  uint32_t requests_ = 0;
  bool last_request_ = false;
  bool draining_ = false;
  bool goaway_begun_ = false;
};

}  // namespace weir::hcm
