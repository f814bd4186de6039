#pragma once

#include <cstdint>
#include <memory>

#include "core/base/intrusive_list.h"
#include "core/http/codec_connection.h"
#include "core/net/address.h"
#include "core/upstream/pool_request.h"

namespace weir::upstream {

class Pool;

// A connection to a backend, of a pool. Never dials by itself and serves whoever the pool gives it
// to.
class ClientConnection final : public http::CodecConnection {
 public:
  // kConnecting: until it is established and, where streams share it, until the peer has said that
  // it takes some. kClosing: no further stream.
  enum class State : uint8_t { kConnecting, kReady, kClosing };

  ClientConnection(Pool* pool, Host* host, std::unique_ptr<net::Io> io,
                   const http::CodecSet* codecs);
  ~ClientConnection() override = default;

  Host* host() const { return host_; }
  State state() const { return state_; }
  uint32_t requests() const { return requests_; }
  uint32_t active() const { return active_; }
  // Our end of it, once it is established; AF_UNSPEC: unknown.
  const net::Address& local() const { return local_; }

  // Binds a stream to the connection and counts it. False: no room after all.
  bool OpenStream(http::CodecStream* stream);
  // The stream is over, cleanly or not. The connection goes back to its pool, or away.
  void StreamDone(bool clean);
  // Whether a request can be put on it now. Where there is one stream at a time, bytes that nobody
  // asked for say that the peer is wrong or about to go; a multiplexed peer may speak whenever it
  // likes.
  bool Usable() const {
    return state_ == State::kReady && !worn_out_ && Reusable() && Capacity() > 0 &&
           (multiplexed() || !HasUnreadInput());
  }
  // It takes no further stream, whatever ends meanwhile.
  bool Leaves() const { return state_ == State::kClosing || worn_out_ || !Reusable(); }
  void StartConnecting(uint64_t timeout_ms);
  void Close() { Finish(false, WEIR_REASON_NONE); }

  base::ListNode idle_link_;
  base::ListNode all_link_;

 private:
  friend class Pool;

  void OnConnected() override;
  void OnShown(bool rest) override;
  void OnInputEnd() override;
  void OnGone(uint32_t reason) override;
  void OnOwnDeadline() override;
  void OnDeferred() override;
  void OnConnectionError(const weir_error& error) override;
  void Settle();

  Pool* pool_;
  Host* host_;
  State state_ = State::kConnecting;
  bool connecting_ = true;  // the pool counts it among those on their way
  bool timed_out_ = false;
  bool settle_ =
      false;  // a stream ended: decide in the deferred phase what becomes of the connection
  bool worn_out_ = false;       // it has carried all the requests that it may
  bool leaving_ = false;        // the pool counts it among those that leave
  bool fresh_ = false;          // it is just there: whoever waits, it carried nothing before them
  uint32_t expected_ = 1;       // streams that it is counted upon to take while it is on its way
  uint32_t address_index_ = 0;  // which of its host's addresses was dialled
  uint32_t requests_ = 0;
  uint32_t active_ = 0;
  net::Address local_;
  uint64_t since_ms_;  // when it was dialled, on the reactor's clock
};

}  // namespace weir::upstream
