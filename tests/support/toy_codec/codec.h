#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "plugins/abi/weir.h"
#include "tests/support/toy_codec/toy_codec.h"
#include "tests/support/toy_codec/toy_wire.h"

namespace weir::toy {

// A stream of the codec. Two halves, ours (send) and the peer's (receive); over when both are
// closed.
struct Stream {
  std::uint32_t number = 0;  // the host's name for it; 0: the place is free
  std::uint32_t wire = 0;    // its number in frames; 0 until a client's head is sent
  weir_stream* user = nullptr;
  std::int64_t send_credit = 0;
  std::int64_t receive_credit = 0;
  std::uint32_t credit_due = 0;  // consumed by the host and not yet told to the peer
  std::uint64_t expected = 0;    // content-length of what is received, when has_length
  std::uint64_t received = 0;
  bool has_length = false;
  bool no_body = false;    // what is received answers HEAD: content-length is only announced
  bool got_head = false;   // the request, or the final response
  bool discard = false;    // an error was reported: what still comes is dropped
  bool sent_head = false;  // the request, or the final response
  bool send_closed = false;
  bool receive_closed = false;
  bool listed = false;   // stands in the ready list
  bool starved = false;  // has body and no credit
};

// One connection. All memory comes from the host; nothing is allocated after creation.
class Codec {
 public:
  static Codec* Create(const weir_codec_params& params);
  static void Destroy(Codec* codec);

  std::size_t Receive(std::uint8_t* data, std::size_t size, std::uint32_t flags, weir_event* event);
  void Adopt(std::uint32_t number, weir_stream* user);
  std::uint32_t Open(weir_stream* user);
  std::int32_t SendHead(std::uint32_t number, const weir_head& head, bool end, weir_out* out);
  void Ready(std::uint32_t number);
  void Consumed(std::uint32_t number, std::uint32_t size);
  void Reset(std::uint32_t number, std::uint32_t reason, weir_out* out);
  std::uint32_t Produce(std::uint64_t budget, weir_out* out);
  void Goaway(std::uint32_t phase, weir_out* out);
  std::uint32_t Capacity() const;
  bool Reusable() const;

 private:
  explicit Codec(const weir_codec_params& params);

  // -- both
  Stream* Find(std::uint32_t number);
  Stream* FindWire(std::uint32_t wire);
  Stream* Place();  // a free place, null when there is none
  void Forget(Stream* stream);
  void Enlist(Stream* stream);
  void CloseSend(Stream* stream);
  void CloseReceive(Stream* stream);
  // The peer may have sent what it was allowed before our HELLO reached it.
  std::int64_t FirstReceiveCredit() const {
    return std::max<std::int64_t>(params_.stream_window, kCreditBeforeHello);
  }
  bool server() const { return params_.position == WEIR_SERVER; }

  // -- receiving (codec_receive.cc)
  bool ReceiveFrame(const FrameHead& frame, std::uint8_t* payload, weir_event* event);
  std::size_t ReceiveData(std::uint8_t* data, std::size_t size, weir_event* event);
  bool StartData(const FrameHead& frame, weir_event* event);
  void OnHello(std::uint8_t* payload, std::size_t size, weir_event* event);
  void OnHead(const FrameHead& frame, std::uint8_t* payload, weir_event* event);
  void OnMessageHead(Stream* stream, const FrameHead& frame, HeadResult result, weir_event* event);
  void OnReset(const FrameHead& frame, std::uint8_t* payload, weir_event* event);
  void OnCredit(const FrameHead& frame, std::uint8_t* payload, weir_event* event);
  bool OnGoaway(std::uint8_t* payload, std::size_t size, weir_event* event);
  void OnDroppedHead(const FrameHead& frame, bool too_large, weir_event* event);
  Stream* NewRequest(std::uint32_t wire, weir_event* event);
  bool ReportRefused(weir_event* event);
  bool ReportEnded(weir_event* event);
  void ConnectionError(weir_event* event, std::uint16_t reason, const char* detail);
  void StreamError(Stream* stream, weir_event* event, std::uint16_t reason, std::uint16_t status,
                   const char* detail);

  // -- sending
  bool QueueControl(std::uint8_t type, std::uint32_t stream, std::uint64_t number, int bytes);
  void WriteControl(weir_out* out);
  void WriteCredit(weir_out* out);
  void WriteFrame(weir_out* out, std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  std::uint64_t number, int bytes);
  void WriteHeadFrame(Stream* stream, const weir_head& head, bool end, weir_out* out);
  // Sends some of the stream's body. False: it has nothing to send now, or no credit.
  bool SendBody(Stream* stream, std::uint64_t* budget, weir_out* out);

  static constexpr std::size_t kControlSize = 1024;
  static constexpr std::size_t kControlFrame = 16;  // the largest that is queued while it runs

  weir_codec_params params_;
  const weir_codec_host& host_;
  ToyConfig config_;
  Stream* streams_ = nullptr;       // params_.max_streams places
  std::uint32_t* ready_ = nullptr;  // ring of places
  weir_field* fields_ = nullptr;
  weir_head head_{};
  std::uint32_t ready_first_ = 0;
  std::uint32_t ready_count_ = 0;
  std::uint32_t active_ = 0;
  std::uint32_t next_number_ = 1;             // client: the host's next number
  std::uint32_t next_wire_;                   // client: the next number on the wire; 0 when used up
  std::uint32_t highest_wire_ = 0;            // server: the highest that came
  std::uint32_t last_served_ = kEveryStream;  // server: after goaway; client: what the peer said
  std::uint32_t peer_streams_ = kStreamsBeforeHello;
  std::int64_t peer_credit_ = kCreditBeforeHello;
  std::uint32_t credit_due_count_ = 0;  // streams with credit_due

  std::uint32_t data_left_ = 0;  // of the DATA frame that is being shown
  std::uint32_t skip_left_ = 0;  // of a frame that is dropped
  std::uint32_t data_wire_ = 0;
  bool data_end_ = false;
  bool got_hello_ = false;
  bool peer_goaway_ = false;
  bool goaway_ = false;  // ours, phase 2
  bool broken_ = false;
  bool eof_ = false;

  std::uint8_t control_[kControlSize];
  std::size_t control_size_ = 0;
};

}  // namespace weir::toy
