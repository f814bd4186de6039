// HTTP/2 on one connection, in server or client position (RFC 9113; RFC 9218 for priorities, RFC
// 8441 for tunnels). Each public call is that of weir_codec_api, which says when it comes.
//
// Receiving walks frames: nine octets are judged (frames/), then the payload is taken whole, but
// for DATA, which passes through in the pieces that came, and frames without a meaning, which are
// skipped. A block of fields in several frames is gathered first.
//
// Sending: what answers the peer waits in the control queue; heads are written when they come; body
// is taken from the host when the scheduler names a stream that has window, a frame at a time, its
// nine octets and its payload in one go.
//
// A fault of the connection makes it dead: GOAWAY is queued, what comes is swallowed, and produce
// says WEIR_PRODUCED_CLOSE.
//
// The parts: h2_codec.cc life, streams and the host's calls; h2_receive.cc frames; h2_headers.cc
// blocks of fields; h2_data.cc DATA and windows; h2_send.cc output; h2_time.cc deadlines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codecs/h2/closed_streams.h"
#include "codecs/h2/control_queue.h"
#include "codecs/h2/frames/check.h"
#include "codecs/h2/frames/data.h"
#include "codecs/h2/frames/priority_update.h"
#include "codecs/h2/frames/settings.h"
#include "codecs/h2/guards/guards.h"
#include "codecs/h2/head_reader.h"
#include "codecs/h2/hpack/decoder.h"
#include "codecs/h2/hpack/encoder.h"
#include "codecs/h2/number_table.h"
#include "codecs/h2/options.h"
#include "codecs/h2/scheduler.h"
#include "codecs/h2/scratch.h"
#include "codecs/h2/stream.h"
#include "plugins/abi/weir.h"

namespace weir::h2 {

class H2Codec {
 public:
  // Null when memory is refused or the parameters are of no use.
  static H2Codec* Create(const weir_codec_params& params);
  void Destroy();

  size_t Receive(const uint8_t* data, size_t size, uint32_t flags, weir_event* event);
  void Adopt(uint32_t number, weir_stream* user);
  uint32_t Open(weir_stream* user);
  int32_t SendHead(uint32_t number, const weir_head& head, bool end_stream, weir_out* out);
  void Ready(uint32_t number);
  void Consumed(uint32_t number, uint32_t size);
  void Reset(uint32_t number, uint32_t reason, weir_out* out);
  uint32_t Produce(uint64_t budget, weir_out* out);
  void GoAway(uint32_t phase, weir_out* out);
  uint64_t Deadline() const;
  void Tick(uint64_t now_ms, weir_out* out);
  uint32_t Capacity() const;
  uint32_t Reusable() const;

 private:
  friend class H2CodecTest;  // winds identifiers forward

  // The PING behind the first GOAWAY, and the one that asks whether the peer is there.
  static constexpr uint64_t kDrainPing = 0x7765697264726169;
  static constexpr uint64_t kKeepalivePing = 0x7765697274686572;

  // One span that is being received.
  struct Input {
    const uint8_t* data;
    size_t size;
    size_t used;
    weir_event* event;

    const uint8_t* at() const { return data + used; }
    size_t left() const { return size - used; }
  };

  enum class Step : uint8_t {
    kNext,   // go on with the next frame
    kEvent,  // the event is filled
    kMore    // the rest is the start of something
  };

  H2Codec(const weir_codec_params& params, const Options& options, Scratch* scratch);
  ~H2Codec();

  // --- Frames
  Step ReceivePreface(Input* in);
  Step ReceiveFrame(Input* in);
  Step SkipPayload(Input* in);
  Step Dispatch(Input* in, const FrameHeader& header);
  Step OnPriority(Input* in, const FrameHeader& header, const uint8_t* payload);
  Step OnRstStream(Input* in, const FrameHeader& header, const uint8_t* payload);
  Step OnSettings(Input* in, const FrameHeader& header, const uint8_t* payload);
  Step OnSettingsAck(Input* in);
  Step OnPing(Input* in, const FrameHeader& header, const uint8_t* payload);
  Step OnGoaway(Input* in, const uint8_t* payload, size_t frame_size);
  Step OnWindowUpdate(Input* in, const FrameHeader& header, const uint8_t* payload);
  Step OnPriorityUpdate(Input* in, const FrameHeader& header, const uint8_t* payload);
  Step ReceiveEnd(weir_event* event);
  size_t ReceiveOverdue(weir_event* event);
  // The stream of a frame that only an open or a closed stream may have.
  bool IsIdle(uint32_t wire) const;

  // --- Guards and time
  // False: it was too much, and the connection is dead.
  bool Allow(GuardId id);
  // Counts and logs that a guard has struck.
  void TellGuard(GuardId id) const;
  void ArmScan();
  void Starve(Stream* stream);
  bool Feed(Stream* stream, int32_t before);
  Step FailSlow(Input* in, Stream* stream);
  void Scan(uint64_t now_ms);
  // The peer is told; the host will be, where it knows the stream.
  void EndUnasked(Stream* stream, uint16_t reason);
  void KeepAlive(uint64_t now_ms);

  // --- Faults
  Step Fail(Input* in, const Fault& fault, uint32_t wire);
  void Die(ErrorCode code, const char* detail);
  // The event that tells the host, once.
  Step GiveDeath(weir_event* event);
  // Ends a stream for a fault of the peer, with an event where the host knows the stream.
  Step FailStream(Input* in, Stream* stream, ErrorCode code, const char* detail);
  void QueueReset(uint32_t wire, ErrorCode code);
  void FillReset(weir_event* event, const Stream& stream, uint16_t reason);

  // --- Blocks of fields
  Step OnHeaders(Input* in, const FrameHeader& header, const uint8_t* payload);
  Step OnContinuation(Input* in, const FrameHeader& header, const uint8_t* payload);
  bool Gather(const uint8_t* data, size_t size);
  void DropBlock();
  Step OnBlock(Input* in, uint32_t wire, const uint8_t* data, size_t size, bool end_stream);
  Step OnRequestBlock(Input* in, uint32_t wire, const uint8_t* data, size_t size, bool end_stream);
  Step OnResponseBlock(Input* in, Stream* stream, const uint8_t* data, size_t size,
                       bool end_stream);
  Step OnTrailerBlock(Input* in, Stream* stream, const uint8_t* data, size_t size, bool end_stream);
  Step IgnoreBlock(const uint8_t* data, size_t size);
  void TakePriority(Stream* stream, const HeadReader& reader);
  Step GiveRequest(Input* in, Stream* stream, bool end_stream);
  Step RefuseHead(Input* in, Stream* stream, bool end_stream, const HeadFault& fault);
  hpack::Block NewBlock(uint32_t max_list) const;
  // False: the connection is dead.
  bool Decode(const uint8_t* data, size_t size, hpack::Block* block, hpack::Status* status);
  void GiveHead(Input* in, Stream* stream, uint8_t type, bool end_stream);

  // --- DATA and windows
  Step OnData(Input* in, const FrameHeader& header);
  Step OnDataOfNobody(const FrameHeader& header, const DataPrefix& prefix);
  Step StartData(Input* in, const FrameHeader& header, const DataPrefix& prefix, Stream* stream);
  Step ReceiveData(Input* in);
  Step GiveEnd(Input* in, Stream* stream);
  bool TakeConnectionWindow(uint32_t size);
  void CreditStream(Stream* stream, uint32_t size);
  void GrantWindow(Stream* stream);
  Fault ShiftSendWindows(uint32_t old_initial, uint32_t new_initial);

  // --- Streams
  Stream* FindWire(uint32_t wire) const;
  Stream* NewStream(uint32_t number);
  void CloseReceive(Stream* stream);
  void CloseSend(Stream* stream);
  void Forget(Stream* stream);
  void ForgetReset(Stream* stream, ErrorCode code);

  // --- Sending
  void QueuePreface();
  void QueueSettings();
  void FlushControl(weir_out* out) { control_.MoveTo(out); }
  bool Room(weir_out* out, size_t size);
  bool CheckSend(const Stream& stream, const weir_head& head, bool end_stream) const;
  int32_t NameWire(Stream* stream, const weir_head& head);
  void WriteHead(Stream* stream, const weir_head& head, bool end_stream, weir_out* out);
  void WriteBlockInFrames(uint32_t wire, const weir_head& head, size_t most, bool end_stream,
                          weir_out* out);
  void EncodeHead(const weir_head& head, weir_out* out);
  void EncodeRequestStart(const weir_head& head, weir_out* out);
  // Dead: the host is to be told first.
  uint32_t Over() const { return death_told_ ? WEIR_PRODUCED_CLOSE : WEIR_PRODUCED_EVENTS; }
  // False: it has nothing to send for now, and is on no list.
  bool SendBody(Stream* stream, uint64_t* budget, weir_out* out);
  void SendTrailers(Stream* stream, weir_out* out);
  void RefuseTrailers(Stream* stream);
  void TakeResponsePriority(Stream* stream, const weir_head& head);
  void WriteGoaway(uint32_t last_stream, ErrorCode code, const char* detail);

  const GuardLimits& limits() const { return options_->guards; }
  bool server() const { return position_ == Position::kServer; }
  uint64_t now() const { return now_ms_ == nullptr ? 0 : *now_ms_; }
  uint32_t last_wire() const { return server() ? last_peer_ : 0; }
  void Count(uint32_t id) const {
    if (id != 0 && host_ != nullptr && host_->count != nullptr) host_->count(id, 1);
  }

  const weir_host* const host_;
  const weir_codec_host* const codec_host_;
  const Options* const options_;
  Scratch* const scratch_;
  const uint64_t* const now_ms_;

  const Position position_;
  FrameContext context_;
  PeerSettings peer_;
  hpack::Decoder decoder_;
  hpack::Encoder encoder_;
  ControlQueue control_;
  Guards guards_;
  Scheduler scheduler_;
  NumberTable<Stream> streams_;
  IntrusiveList<Stream, &Stream::all_link> all_;
  ClosedStreams closed_;

  uint8_t* block_ = nullptr;  // a block of fields in several frames
  uint32_t block_size_ = 0;
  uint32_t block_room_ = 0;
  bool block_ends_stream_ = false;
  Fault block_stream_fault_;  // of its HEADERS frame

  uint32_t data_stream_ = 0;  // of the DATA frame whose payload is coming; 0: nobody wants it
  uint32_t data_left_ = 0;
  uint32_t pad_left_ = 0;
  uint32_t skip_left_ = 0;
  bool data_ends_stream_ = false;

  int64_t receive_window_ = kDefaultWindow;  // of the connection
  uint32_t receive_credit_ = 0;
  int32_t send_window_ = kDefaultWindow;

  uint32_t last_peer_ = 0;    // server: the highest identifier the client used
  uint32_t next_wire_ = 1;    // client: the next identifier; above kMaxStream: none is left
  uint32_t next_number_ = 1;  // client: the host's next number
  uint32_t unnamed_ = 0;      // client: streams whose number is not their identifier
  uint32_t goaway_last_ = kMaxStream;  // server: what our last GOAWAY said

  const uint32_t max_head_bytes_;
  const uint32_t max_fields_;
  const uint32_t max_trailer_bytes_;
  const uint32_t stream_window_;
  const uint32_t stream_window_max_;
  const uint32_t max_streams_;
  const uint32_t flags_;
  uint32_t overdue_ = 0;  // streams that have ended and whose host does not know yet

  ErrorCode died_of_ = ErrorCode::kNoError;
  const char* died_detail_ = nullptr;

  uint64_t settings_deadline_ = 0;
  uint64_t block_deadline_ = 0;  // of a block of fields in several frames
  uint64_t last_frame_ms_ = 0;
  uint64_t ping_deadline_ = 0;
  uint64_t scan_ms_ = 0;  // when to look at who waits for window; 0: nobody does

  struct EarlyPriority {
    uint32_t wire = 0;
    PriorityValue value;
  };
  EarlyPriority early_[4];  // PRIORITY_UPDATE of streams that are still idle; the latest few
  uint8_t early_next_ = 0;

  uint8_t preface_left_ = 0;
  uint8_t pings_ = 0;  // ours that are not acknowledged
  bool dead_ = false;
  bool death_told_ = false;    // the host had its event
  bool goaway_sent_ = false;   // the first step: no number is final yet
  bool goaway_final_ = false;  // the second
  bool peer_goaway_ = false;
  bool goaway_told_ = false;  // the host had its event
  bool settings_due_ = true;  // not said yet
  bool settings_acked_ = false;
  const bool secure_;
  bool peer_settings_ = false;  // the peer's first SETTINGS came
  bool input_over_ = false;     // and its last octet: no window will come any more
};

static_assert(sizeof(H2Codec) <= 1280, "an idle connection has one of these");

}  // namespace weir::h2
