// HTTP/1.1 and 1.0 on one connection, in server or client position (RFC 9110, 9112). One stream at
// a time: each call is that of weir_codec_api, which says when it comes.
//
// The two halves of an exchange move on their own and meet in MaybeOver:
//
//   in:   kHead -> kLength | kChunked -> kTrailers | kUntilClose | kTunnelWait -> kTunnel -> kDone
//   out:  kIdle -> kLength | kChunked | kUntilClose | kTunnel -> kDone
//
// When both are kDone the exchange is over: back to kHead and kIdle, or the end of the connection.
// Server: a response that is done before the request lets the rest of it be discarded, in bounds.
// Any fault leads to in = kDead: bytes are swallowed, and once what is to be written is written,
// produce says WEIR_PRODUCED_CLOSE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codecs/h1/chunked_decoder.h"
#include "codecs/h1/fault.h"
#include "codecs/h1/framing.h"
#include "codecs/h1/head_scan.h"
#include "codecs/h1/head_writer.h"
#include "codecs/h1/header_block.h"
#include "codecs/h1/output.h"
#include "codecs/h1/scratch.h"
#include "codecs/h1/strictness.h"
#include "codecs/h1/websocket.h"
#include "plugins/abi/weir.h"

namespace weir::h1 {

class H1Codec {
 public:
  // Null when memory is refused or the parameters are of no use.
  static H1Codec* Create(const weir_codec_params& params);
  void Destroy();

  size_t Receive(uint8_t* data, size_t size, uint32_t flags, weir_event* event);
  void Adopt(uint32_t stream, weir_stream* user);
  uint32_t Open(weir_stream* user);
  int32_t SendHead(uint32_t stream, const weir_head& head, bool end_stream, weir_out* out);
  void Ready(uint32_t) {}  // one stream: Produce asks it
  void Consumed(uint32_t stream, uint32_t size);
  void Reset(uint32_t stream, uint32_t reason, weir_out* out);
  uint32_t Produce(uint64_t budget, weir_out* out);
  void GoAway(uint32_t phase, weir_out* out);
  uint32_t Capacity() const;
  uint32_t Reusable() const;

 private:
  enum class In : uint8_t {
    kHead,
    kLength,
    kChunked,
    kTrailers,
    kUntilClose,
    kTunnelWait,  // server: the head asked for a tunnel, the answer is not here
    kTunnel,
    kDone,
    kDead,
  };
  enum class Out : uint8_t { kIdle, kLength, kChunked, kUntilClose, kTunnel, kDone };

  // One span that is being received.
  struct Span {
    char* data;
    size_t size;
    size_t used;
    bool eof;
    weir_event* event;

    char* at() const { return data + used; }
    size_t left() const { return size - used; }
  };

  H1Codec(const weir_codec_params& params, Scratch* scratch);

  // Each answers whether the event is filled or nothing more can be said; false: go on.
  bool ReceiveRequestHead(Span* span);
  bool ReceiveResponseHead(Span* span);
  bool ReceiveLength(Span* span);
  bool ReceiveChunked(Span* span);
  bool ReceiveTrailers(Span* span);
  bool ReceiveUntilClose(Span* span);
  bool ReceiveDone(Span* span);

  // Server position.
  size_t ExpireHead(Span* span);
  Parse ParseRequest(char* at, size_t size, size_t* used, Fault* fault);
  bool SkipLeadingLine(Span* span);
  Parse CheckExpectation(const FramingFields& framing, const Framing& decided, Fault* fault);
  Parse CheckUpgrade(const FramingFields& framing, std::string_view method, FieldBlock* block,
                     weir_head* head, Fault* fault);
  Parse ReadWebSocketKey(const FramingFields& framing, std::string_view method, FieldBlock* block,
                         Fault* fault);
  int32_t SendResponse(const weir_head& head, bool end_stream, weir_out* out);
  int32_t SendInterim(const weir_head& head, weir_out* out);
  int32_t SendTunnelAnswer(const weir_head& head, bool end_stream, weir_out* out);
  Out FrameResponse(const weir_head& head, bool end_stream, HeadFraming* framing);

  // Client position.
  Parse ParseResponse(char* at, size_t size, size_t* used, Fault* fault);
  Parse OpenTunnel(const FramingFields& framing, const char* head, FieldBlock* block, Fault* fault);
  bool UnaskedBytes(Span* span);
  int32_t SendRequest(const weir_head& head, bool end_stream, weir_out* out);
  Out FrameRequest(const weir_head& head, bool end_stream, HeadFraming* framing);

  // Both.
  bool NeedMoreHead(Span* span, size_t limit, uint32_t max_lines);
  void GiveHead(Span* span, size_t head_size, bool end_stream);
  bool GiveData(Span* span, uint64_t most);
  bool GiveEnd(Span* span);
  bool GiveTruncated(Span* span, uint16_t reason);
  bool GiveFault(Span* span, const Fault& fault, uint64_t offset);
  bool Discard(Span* span, size_t size);
  FieldBlock NewBlock() const;
  void FinishIn(const Span& span);
  void FinishOut();
  void MaybeOver();
  void EndConnection();
  void NextExchange();
  void NextStream() { stream_ += stream_ == UINT32_MAX ? 2 : 1; }  // 0 is no stream

  bool ProduceBody(uint64_t budget, weir_out* out);
  bool ProduceLength(uint64_t budget, const weir_body_info& info, Output* out);
  bool ProduceChunked(uint64_t budget, const weir_body_info& info, Output* out);
  bool ProduceRaw(uint64_t budget, const weir_body_info& info, Output* out);
  void WriteLastChunk(bool trailers, Output* out);

  bool server() const { return position_ == WEIR_SERVER; }
  uint64_t Room() const { return window_ > outstanding_ ? window_ - outstanding_ : 0; }

  const weir_host* const host_;
  const weir_codec_host* const codec_host_;
  const Strictness* const strict_;
  Scratch* const scratch_;
  weir_stream* user_ = nullptr;
  uint64_t in_left_ = 0;   // kLength: bytes to come
  uint64_t out_left_ = 0;  // kLength: bytes to send
  ChunkedDecoder chunked_;
  HeadScan scan_;
  uint32_t stream_ = 0;
  uint32_t outstanding_ = 0;  // body bytes given and not yet consumed
  uint32_t discarded_ = 0;
  const uint32_t window_;
  const uint32_t max_head_bytes_;
  const uint32_t max_fields_;
  const uint32_t max_trailer_bytes_;
  const uint32_t flags_;
  uint16_t interims_ = 0;
  const uint8_t position_;
  const uint8_t raw_form_;
  In in_ = In::kHead;
  Out out_ = Out::kIdle;
  uint8_t version_ = 11;       // of the peer's message of this exchange
  bool keep_alive_ = true;     // as far as this exchange knows
  uint8_t phase_ = 0;          // of goaway: 1, the next final response is the last; 2, no more
  bool close_ = false;         // nothing more: produce says so
  bool discarding_ = false;    // server: the response is done, the request is not
  bool leading_line_ = false;  // server: the one empty line before a request line was seen
  bool open_ = false;          // client: a stream is open
  bool to_head_ = false;       // the request's method is HEAD
  bool to_connect_ = false;    // ... or CONNECT
  bool upgrade_ = false;       // the request asks for a tunnel by upgrade
  bool websocket_ = false;     // ... that is a WebSocket
  bool expects_continue_ = false;
  bool body_begun_ = false;
  uint8_t digest_[kDigestSize];  // WebSocket: what the accept must be
  uint8_t protocol_size_ = 0;
  char protocol_[27];  // the protocol of an upgrade
};

static_assert(sizeof(H1Codec) <= 256, "an idle connection has one of these");

}  // namespace weir::h1
