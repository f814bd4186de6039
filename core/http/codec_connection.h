#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/http/codec_set.h"
#include "core/http/codec_stream.h"
#include "core/http/out_queue.h"
#include "core/net/actor.h"
#include "core/net/io.h"
#include "core/net/worker_context.h"
#include "plugins/abi/weir.h"

namespace weir::http {

// The functions that the host offers to codecs while one of their calls runs.
const weir_codec_host* CodecHostTable();

// One connection driven through a codec, in either position: reads into slabs, shows the codec what
// came, hands its events to the streams, gathers its output and writes it once per turn. Knows no
// protocol.
//
// Which codec it is may be known only later: with several in the set a TLS handshake's ALPN name
// decides, else a server's first bytes do (CodecSet::Probe), and a client without ALPN speaks the
// last. Until then there is no codec: nothing can be opened, a GoAway is kept for it, and a head's
// time runs as for any other unfinished input.
//
// Life: construction -> Start -> ... -> Finish (by a subclass, or by the connection itself when it
// is over) -> OnGone, once -> deleted at the end of the turn.
class CodecConnection : public net::Actor, public net::IoClient {
 public:
  // Queued output beyond which the codec is not asked for more.
  static constexpr uint64_t kOutLimit = 262144;

  // The set must live until the connection is gone, its codecs and what their params point to until
  // it is deleted. Position and stream limits are in the params.
  CodecConnection(net::WorkerContext* context, std::unique_ptr<net::Io> io, const CodecSet* codecs);
  ~CodecConnection() override;

  // False when the codec could not be created: the connection is then unusable (fail closed).
  bool ok() const { return codec_ != nullptr || api_ == nullptr; }
  // Reads what may be there already.
  void Start();

  net::WorkerContext* context() const { return context_; }
  net::Io* io() const { return io_.get(); }
  bool finished() const { return finished_; }
  // Which codec the connection speaks is known.
  bool decided() const { return codec_ != nullptr; }
  bool multiplexed() const { return multiplexed_; }
  // Streams that can be opened now.
  // None while the peer does not take what waits for it.
  uint32_t Capacity() const {
    if (closing() || !decided() || out_.bytes() >= kOutLimit) return 0;
    return Ask("capacity", 0u, [&] { return api_->capacity(codec_); });
  }
  // Streams on it wait for others' bytes: so much is queued that the peer, or its window of the
  // whole connection, does not take now.
  bool Busy(uint64_t bytes) const {
    return out_.bytes() >= bytes || (full_ && out_.bytes() + body_queued_ >= bytes);
  }
  // Whether it can carry further streams after the present ones.
  bool Reusable() const {
    if (closing() || input_ended_) return false;
    return !decided() || Ask("reusable", 0u, [&] { return api_->reusable(codec_); }) != 0;
  }
  // How much of what was received the codec has taken: where the piece that it has in part begins.
  uint64_t bytes_parsed() const { return bytes_received_ - input_size_; }
  // Input that waits, or an end of input that was seen: an idle upstream connection with either
  // must not be used.
  bool HasUnreadInput() const { return input_size_ > 0 || input_ended_ || io_->readable(); }
  uint64_t bytes_received() const { return bytes_received_; }
  uint64_t bytes_sent() const { return bytes_sent_; }

  // Client position: binds `stream` to a new stream of the codec. False: no room.
  bool Open(CodecStream* stream);
  void GoAway(uint32_t phase);

  // IoClient
  void OnIo(bool readable, bool writable) final;

 protected:
  // Server position: a request's first event came. Return the half for it, or null to refuse (the
  // stream is reset).
  virtual CodecStream* OnNewStream() { return nullptr; }
  // A connection-scope error from the codec. Default: with one stream at a time a server sends its
  // answer first, and the codec says close after it; else the streams are failed, and what is
  // queued (the codec's last words) is flushed.
  virtual void OnConnectionError(const weir_error& error);
  virtual void OnGoaway(uint32_t last_stream) { (void)last_stream; }
  // The peer sent FIN; the codec has said what that means for its streams.
  virtual void OnInputEnd() {}
  // A dialled connection is established. Called once, before anything is received.
  virtual void OnConnected() {}
  // Input is left that is the start of something: the peer owes us the rest. Called after each read
  // that ends so.
  virtual void OnPartialInput() {}
  // A multiplexed codec was shown what came. `rest`: a piece is left that is the start of
  // something, and nothing but the peer is waited for. Room for streams may have come or gone.
  virtual void OnShown(bool rest) { (void)rest; }
  // All bytes that were queued are written.
  virtual void OnDrained() {}
  // The connection is over. Streams are unbound, the Io is closed.
  virtual void OnGone(uint32_t reason) = 0;

  // Ends the connection. flush: after what is queued is written, with our FIN, and a bounded wait
  // for the peer's, so that an answer is not lost to a RST; otherwise now.
  void Finish(bool flush, uint32_t reason);
  // detail: static text of what the codec found wrong; null: nothing.
  void FailStreams(uint32_t reason, const char* detail = nullptr);
  // Calls `visit` with each stream that is bound, until it says false.
  template <class Visit>
  void ForEachStream(Visit visit) {
    for (CodecStream* at = streams_.front(); at != nullptr && visit(at);) at = streams_.next(at);
  }
  // The end of the connection, whenever it comes, is a RST and no FIN: what a FIN would say is not
  // true.
  void AbortAtEnd() { abort_ = true; }
  bool streams_empty() { return streams_.empty(); }
  // Bytes that the codec gave are not written yet.
  bool OutputWaits() const { return !out_.empty(); }
  void MarkDirty() { context_->reactor->MarkDirty(this); }
  // The end has begun: what is queued is written, nothing new is started.
  bool closing() const { return closing_ || finished_; }
  // The time a lingering connection waits for the peer's FIN, in milliseconds.
  void set_linger_ms(uint64_t ms) { linger_ms_ = static_cast<uint32_t>(ms); }
  // The time that writing the rest may take before, in milliseconds.
  void set_flush_ms(uint64_t ms) { flush_ms_ = static_cast<uint32_t>(ms); }
  // The subclass's deadline on the reactor's clock, 0 for none; kept beside the codec's. While the
  // connection ends it has one of its own and the subclass's is gone.
  void SetOwnDeadline(uint64_t deadline_ms);
  virtual void OnOwnDeadline() {}
  // Server position: the time for a head is over. True when the codec turned it into an answer
  // (408).
  bool ExpireHead();

  // Actor
  void OnRead() final { Pump(); }
  void OnFlush() final;
  void OnDeferred() override;
  void OnDeadline() final;

 private:
  friend class CodecStream;
  friend struct CodecHost;

  static constexpr uint64_t kReadPerTurn = 262144;
  static constexpr uint64_t kLeastCharge = 16384;  // of it, for one read
  static constexpr int kMessagesPerTurn = 64;

  enum class ReadResult { kBytes, kNothing, kEnd, kFailed };

  // Calls the codec; what it answers, or `failed` when an exception has left it. No exception may
  // leave a plugin: this is then the end of the connection, in the deferred phase, and until then
  // the codec has no room, says nothing and is not called (codec_connection_broken.cc).
  template <class Result, class Call>
  Result Ask(const char* hook, Result failed, Call call) const {
    try {
      return call();
    } catch (...) {
      const_cast<CodecConnection*>(this)->CodecThrew(hook);
      return failed;
    }
  }
  // The same for calls that answer nothing.
  template <class Call>
  void Tell(const char* hook, Call call) {
    try {
      call();
    } catch (...) {
      CodecThrew(hook);
    }
  }
  void CodecThrew(const char* hook);
  void CodecBroke(const char* what, const std::string& why);
  bool CreateCodec(const CodecChoice& choice, const weir_codec_params& params);
  void DestroyCodec();
  CodecSet::Probed ProbeInput();

  // Makes the codec. False: it could not be made, and the connection is over.
  bool Adopt(const CodecChoice& choice);
  // Once connected: decides by ALPN where the transport settled one.
  bool DecideByTransport();
  // Decides by what a client sent first. False: there is no codec (yet).
  bool DecideByInput();
  void SetEndDeadline(uint64_t after_ms);
  void UpdateDeadline();
  uint64_t AskCodecDeadline();
  void AskDeadline();

  void Pump();
  // Parses what is there. False: nothing more can be done with it now.
  void Parse(int* messages);
  bool AwaitsRest();
  bool Glutted();
  bool ResetAfterEnd();
  ReadResult ReadOnce(uint64_t* budget);
  ReadResult ReadDiscard(uint64_t* dropped);
  void KeepInput();
  void ReleaseInput();
  void Dispatch(weir_event& event);
  void DispatchHead(weir_event& event);
  void FinishReceived(CodecStream* stream);
  void DispatchError(weir_event& event);
  void Bind(CodecStream* stream, uint32_t id);
  void BindNew(CodecStream* stream, uint32_t id);
  void ResetInCodec(uint32_t id, uint32_t reason);
  void Receive(uint32_t flags, weir_event* event);
  bool Produce();
  bool TunnelDrains();
  void ReportSent();
  void Wake(CodecStream* stream);
  void StartClosing();
  void Linger();
  void Gone(uint32_t reason);

  net::WorkerContext* context_;
  std::unique_ptr<net::Io> io_;
  // In one place, for an idle connection is to be small.
  union {
    const CodecSet* codecs_;  // until there is a codec
    const char* plugin_;      // whose the codec is
  };
  const weir_codec_api* api_ = nullptr;  // of the codec, once it was chosen
  weir_codec* codec_ = nullptr;

  base::Slab* input_slab_ = nullptr;
  uint8_t* input_ = nullptr;
  uint32_t input_size_ = 0;
  observe::StatId errors_{};  // of plugin_

  bool blocked_ : 1 = false;      // the codec has bytes that must wait
  bool glutted_ : 1 = false;      // too much output waits for anything more to be read
  bool events_wait_ : 1 = false;  // the codec has something to tell without bytes
  bool input_ended_ : 1 = false;
  bool end_reported_ : 1 = false;
  bool connected_ : 1 = false;
  bool finished_ : 1 = false;   // no more reading, no more events
  bool closing_ : 1 = false;    // to be closed once the output is written
  bool lingering_ : 1 = false;  // our FIN is sent; what comes is read and dropped
  bool failed_ : 1 = false;
  bool gone_ : 1 = false;
  bool half_closed_ : 1 =
      false;  // our direction of a tunnel is over: FIN once the output is written
  bool fin_sent_ : 1 = false;
  bool server_ : 1 = false;
  bool abort_ : 1 = false;
  bool multiplexed_ : 1 = false;
  bool timed_ : 1 = false;  // the codec has deadlines
  bool codec_broke_ : 1 = false;
  bool full_ : 1 = false;  // the codec's streams wait for the window of the connection
  uint8_t goaway_ = 0;     // the phase that was asked for before there was a codec
  uint8_t finish_reason_ = 0;
  uint32_t linger_ms_ = 1000;
  uint32_t flush_ms_ = 300000;

  uint64_t own_deadline_ = 0;
  uint64_t codec_deadline_ = 0;
  uint64_t bytes_received_ = 0;
  uint64_t bytes_sent_ = 0;
  uint64_t body_queued_ = 0;  // of all streams, not taken by the codec
  uint64_t output_seen_ = 0;  // all that had been put out when input was last shown
  OutQueue out_;
  base::List<CodecStream, &CodecStream::stream_link_> streams_;
  base::List<CodecStream, &CodecStream::sent_link_> sent_;
};

}  // namespace weir::http
