#pragma once

#include <cstdint>

#include "core/http/codec_stream.h"
#include "core/upstream/pool.h"

namespace weir::mux {

// Who an attachment reports to: the Mux's half of a stream.
class AttachmentOwner {
 public:
  virtual void OnUpstreamHead(weir_head& head, bool end_stream) = 0;
  virtual void OnUpstreamData(base::Slice data, bool end_stream) = 0;
  virtual void OnUpstreamTrailers(weir_head& head) = 0;
  virtual void OnUpstreamEnd() = 0;
  virtual void OnUpstreamReset(const weir_error& error) = 0;
  virtual void OnUpstreamTaken(uint64_t bytes) = 0;
  virtual void OnUpstreamSent() = 0;

 protected:
  ~AttachmentOwner() = default;
};

// The link of one stream to one upstream connection. Whichever way it ends, the connection, the
// host's load and the gauges get their due exactly once: in Detach, which the destructor calls as
// well.
class Attachment final : public http::CodecStream {
 public:
  Attachment(AttachmentOwner* owner, base::SlabPool* pool) : CodecStream(pool), owner_(owner) {}
  ~Attachment() { Detach(WEIR_REASON_CANCEL); }

  // False: the connection had no room after all.
  bool Attach(upstream::ClientConnection* connection, upstream::Host* host);
  // Ends the exchange where it is. Complete on both sides: the connection goes back to the pool.
  // Else the stream is reset.
  void Detach(uint32_t reason);

  bool attached() const { return connection_ != nullptr; }
  upstream::Host* host() const { return host_; }
  // Whether a byte may have reached the peer since Attach.
  bool WroteSinceAttach() const {
    return connection_ != nullptr && connection_->bytes_sent() != bytes_before_;
  }
  // Whether bytes came since Attach that can only be an answer's, a part of a head included. Where
  // streams share the connection the codec's events alone tell.
  bool ReceivedSinceAttach() const {
    return connection_ != nullptr && !connection_->multiplexed() &&
           connection_->bytes_received() != received_before_;
  }

 private:
  void OnHead(weir_head& head, bool end_stream) override {
    owner_->OnUpstreamHead(head, end_stream);
  }
  void OnData(base::Slice data, bool end_stream) override {
    owner_->OnUpstreamData(std::move(data), end_stream);
  }
  void OnTrailers(weir_head& head) override { owner_->OnUpstreamTrailers(head); }
  void OnEnd() override { owner_->OnUpstreamEnd(); }
  void OnReset(const weir_error& error) override { owner_->OnUpstreamReset(error); }
  void OnBodyTaken(uint64_t bytes) override { owner_->OnUpstreamTaken(bytes); }
  void OnSent() override { owner_->OnUpstreamSent(); }

  AttachmentOwner* owner_;
  upstream::ClientConnection* connection_ = nullptr;
  upstream::Host* host_ = nullptr;
  uint64_t bytes_before_ = 0;
  uint64_t received_before_ = 0;
};

}  // namespace weir::mux
